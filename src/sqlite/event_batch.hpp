// SPDX-License-Identifier: BSL-1.0
// Events copied out of SQLite, so that the application's sink runs when no statement, snapshot or connection is held: a slow
// sink keeps no checkpoint waiting, and a sink may use the store as it likes.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/event/recorded_event.hpp>
#include <cleave/sqlite/database.hpp>

#include "encoded_append.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace cleave::sqlite {

using sink_ref = function_ref<bool(recorded_event const&)>;

class event_batch {
public:
  // The columns that add() reads, in this order, from tables l (cleave_log), s (cleave_streams), n (cleave_names).
  static constexpr std::string_view columns =
      "l.position, l.version, s.name, n.name, l.recorded_at, l.id, l.data, l.correlation, l.causation, l.headers, l.tags";

  void clear() noexcept;
  std::size_t size() const noexcept { return rows_.size(); }
  std::size_t bytes() const noexcept { return bytes_.size(); }
  std::uint64_t last_position() const noexcept { return rows_.back().position; }
  std::uint64_t last_version() const noexcept { return rows_.back().version; }

  // Copies the current row. errc::corrupt when a column holds what no store has put there.
  result<void> add(database const& db, statement const& row);

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
    text stream;
    text name;
    text data;
    text headers;
    text tags;
  };

  std::string_view view(text at) const noexcept { return std::string_view(bytes_).substr(at.begin, at.size); }
  bool take_text(sqlite3_stmt* from, int column, bool may_be_blob, text& to);
  bool copy_row(sqlite3_stmt* from, row& to);
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
