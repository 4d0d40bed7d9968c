// SPDX-License-Identifier: BSL-1.0
// Compares a log with all that is derived from it: the chains of its streams, where they end, and the indexes of ids and tags.
// One pass over the log, one over each table.
#pragma once

#include <cleave/sqlite/database.hpp>

#include "encoded_append.hpp"
#include "findings.hpp"
#include "log_walk.hpp"
#include "stream_chain.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace cleave::sqlite {

// The rows of an index as a set: equal for two ways to the same rows, in any order. Rows that differ give the same sum by an
// accident of one in 2^64.
struct row_set {
  std::uint64_t sum = 0;
  std::uint64_t rows = 0;

  void add(std::uint64_t what, std::int64_t position) noexcept;
  friend bool operator==(row_set const&, row_set const&) = default;
};

class log_check {
public:
  log_check(database& db, findings& found, verification& seen) noexcept
      : db_(db), found_(found), seen_(seen) {}
  // An error: see findings::unreadable.
  result<void> run();

  // The log's last position; INT64_MAX when its end cannot be read.
  std::int64_t head() const noexcept { return lost_.reach_to_end() ? INT64_MAX : last_; }

private:
  // About 130 bytes for each stream, with its place in the map.
  struct stream_state {
    stream_head end;                // as far as the log was read
    stream_head stored;             // the row of cleave_heads; version 0: none
    std::uint64_t at_watermark = 0; // the version at the watermark
  };
  using streams = std::unordered_map<std::int64_t, stream_state>;

  // One row of the log; the views end with the next one.
  struct event_row {
    std::int64_t position = 0;
    std::int64_t stream = 0;
    stream_link link;
    std::uint64_t previous = 0;
    std::uint64_t skip = 0;
    place here() const noexcept { return {.table = "cleave_log", .position = position, .stream = stream}; }
  };

  result<void> load_texts();
  void check_text(place at, std::string_view what, std::int64_t id, statement const& row);
  result<void> load_heads();
  void load_head(statement const& row);

  result<void> check_row(std::int64_t position, statement const& row);
  void check_name_of(event_row const& event, statement const& row, int column);
  void check_gap(std::int64_t position);
  bool check_columns(event_row& event, statement const& row);
  bool check_ids(event_row const& event, statement const& row);
  void check_texts(event_row const& event, statement const& row);
  void check_tags(event_row const& event, std::string_view json);
  stream_state& state_of(event_row const& event);
  void check_chain(event_row const& event, stream_state& state);
  void check_stored(event_row const& event, stream_state const& state);
  void check_ends();
  void check_end(std::int64_t stream, stream_state const& state);

  result<void> check_id_index();
  result<void> find_wrong_ids();
  result<void> check_id_row(std::int64_t key, std::int64_t position);
  result<void> find_equal_ids(std::int64_t key);
  result<void> check_name_index();
  result<void> check_tag_index();
  result<void> find_wrong_tags();
  result<void> check_tagged_row(std::int64_t tag, std::int64_t position);

  database& db_;
  findings& found_;
  verification& seen_;
  streams streams_;
  std::unordered_set<std::int64_t> names_;
  // Whether the table could be read to its end; else nothing is missing in it.
  bool streams_whole_ = true;
  bool names_whole_ = true;
  bool heads_whole_ = true;
  std::uint64_t watermark_ = 0;
  std::int64_t last_ = 0;
  lost_parts lost_;
  row_set ids_;  // as the events have them
  row_set tags_; // the same
  std::vector<std::string> tag_list_;
  std::vector<owned_header> header_list_;
};

} // namespace cleave::sqlite
