// SPDX-License-Identifier: BSL-1.0
// Events copied out of SQLite, so that the application's sink runs when no statement, snapshot or connection is held: a slow
// sink keeps no checkpoint waiting, and a sink may use the store as it likes.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/sqlite/database.hpp>

#include "encoded_append.hpp"
#include "id_texts.hpp"
#include "stream_chain.hpp"
#include "text_arena.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3_value;

namespace cleave::sqlite {

using cleave::detail::envelope_part;
using sink_ref = function_ref<bool(recorded_event const&)>;

class event_batch {
public:
  // The columns of the log that are taken, and their places. The row's last one is asked for first, because SQLite then finds
  // them all at once: that spares a tenth of the time.
  static constexpr std::string_view columns =
      "l.data, l.name, l.version, l.stream, l.position, l.tags, l.headers, l.ids, l.recorded_at";
  struct place {
    enum : std::uint8_t { data, name, version, stream, position, tags, headers, ids, recorded_at, behind };
  };
  // For who goes along a stream's chain, and so knows where each row stands.
  static constexpr std::string_view link_columns(envelope_part wanted) noexcept {
    return wanted == envelope_part::whole
               ? "l.data, l.name, l.version, l.stream, l.previous, l.tags, l.headers, l.ids, l.recorded_at"
               : "l.data, l.name, l.version, l.stream, l.previous";
  }
  struct link_place : place {
    enum : std::uint8_t { previous = place::position };
  };

  void clear() noexcept;
  std::size_t size() const noexcept { return rows_.size(); }
  std::size_t bytes() const noexcept { return texts_.bytes(); }

  // Copies the row. False: a column holds what no store has put there, see damaged().
  bool add(sqlite3_value** from);
  // The same for link_columns(wanted), in the row of that link.
  bool add_link(sqlite3_value** from, stream_link at, envelope_part wanted);
  error damaged(database const& db) const;
  // All get their names, which must live as long. errc::corrupt for an id without a name.
  result<void> add_names(database& db, id_texts& streams, id_texts& names);
  result<void> add_names(database& db, std::string_view stream, id_texts& names);
  // To cut off, or to turn round, what was added from the place `first` on.
  void back_to(std::size_t first);
  void reverse_from(std::size_t first) noexcept;
  // Sorts by position; an event that is there twice stays once, and none behind `upto`.
  void put_in_order(position upto);
  // The position of what was added last.
  position last() const noexcept { return position(rows_.back().at.position); }

  // Calls the sink for each event until it returns false. `reached` becomes the position of the last one handed out.
  // errc::corrupt when tags or headers cannot be read. False: the sink has had enough.
  result<bool> hand_out(sink_ref sink, std::uint64_t& reached);

private:
  // Small, so that a batch stays in the processor's caches until it is handed out.
  struct row {
    stream_link at;
    std::int64_t stream_id = 0;
    std::int64_t name_id = 0;
    std::int64_t recorded_at = 0;
    std::string_view stream;
    std::string_view name;
    std::string_view data;
    std::string_view ids; // these are as they are stored
    std::string_view headers;
    std::string_view tags;
  };

  bool keep(bool sound);
  bool copy_event(sqlite3_value** from, row& to);
  bool copy_envelope(sqlite3_value** from, row& to);
  bool copy_ids(sqlite3_value* from, row& to);
  bool copy_text(sqlite3_value* from, bool may_be_blob, std::string_view& to);
  result<void> add_event_names(database& db, id_texts& names);
  result<void> show_lists(row const& of, envelope& at);

  text_arena texts_;
  std::vector<row> rows_;
  std::uint64_t damaged_at_ = 0;
  // Scratch of hand_out.
  std::vector<std::string> tags_;
  std::vector<std::string_view> tag_views_;
  std::vector<owned_header> headers_;
  std::vector<header> header_views_;
};

} // namespace cleave::sqlite
