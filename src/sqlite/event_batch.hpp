// SPDX-License-Identifier: BSL-1.0
// Events copied out of SQLite, so that the application's sink runs when no statement, snapshot or connection is held: a slow
// sink keeps no checkpoint waiting, and a sink may use the store as it likes.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/event/recorded_event.hpp>
#include <cleave/sqlite/database.hpp>

#include "encoded_append.hpp"
#include "id_texts.hpp"
#include "stream_chain.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

struct sqlite3_value;

namespace cleave::sqlite {

using sink_ref = function_ref<bool(recorded_event const&)>;

class event_batch {
public:
  // The columns of the log that add() reads, in this order.
  static constexpr std::string_view columns =
      "l.position, l.stream, l.version, l.previous, l.name, l.recorded_at, l.ids, l.headers, l.tags, l.data";

  void clear() noexcept;
  std::size_t size() const noexcept { return rows_.size(); }
  std::size_t bytes() const noexcept { return bytes_.size(); }

  // Copies the current row, but for the texts, which must live as long; an event of any stream. errc::corrupt when a column holds what no store has put there.
  result<void> add(database& db, statement const& from, id_texts& streams, id_texts& names);
  // The same for the link `at` of the stream with that id and name; the link before it. errc::corrupt also when the row is not it.
  result<stream_link> add_link(database& db, statement const& from, std::int64_t id, std::string_view stream,
                               stream_link at, id_texts& names);
  // A place to cut off, or to turn round, what was added behind it.
  struct mark {
    std::size_t events;
    std::size_t bytes;
  };
  mark here() const noexcept { return {rows_.size(), bytes_.size()}; }
  void back_to(mark there);
  void reverse_from(mark there) noexcept;

  // Calls the sink for each event until it returns false. `reached` becomes the position of the last one handed out.
  // errc::corrupt when tags or headers cannot be read. False: the sink has had enough.
  result<bool> hand_out(sink_ref sink, std::uint64_t& reached);

private:
  struct text {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  struct row {
    std::uint64_t position = 0;
    std::uint64_t version = 0;
    timestamp recorded_at;
    uuid id;
    uuid correlation;
    uuid causation;
    std::string_view stream; // not copied
    std::string_view name;
    text data;
    text headers;
    text tags;
  };

  std::string_view view(text at) const noexcept { return std::string_view(bytes_).substr(at.begin, at.size); }
  bool take_text(sqlite3_value* from, bool may_be_blob, text& to);
  text put(std::string_view from);
  bool copy_row(sqlite3_stmt* from, row& to);
  result<void> copy(database& db, statement const& from, std::string_view stream, id_texts& names);
  result<void> show_lists(row const& from, recorded_event& event);

  std::string bytes_;
  std::vector<row> rows_;
  // Scratch of hand_out.
  std::vector<std::string> tags_;
  std::vector<std::string_view> tag_views_;
  std::vector<owned_header> headers_;
  std::vector<header> header_views_;
};

} // namespace cleave::sqlite
