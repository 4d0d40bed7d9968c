// SPDX-License-Identifier: BSL-1.0
// What the appends of a transaction are going to put into the tables of the log. It is put there by one statement for each table
// (row_feed.hpp): before the commit, before something in the transaction reads it, or when there is much of it.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/event/append.hpp>
#include <cleave/sqlite/database.hpp>

#include "encoded_append.hpp"
#include "log_reader.hpp"
#include "row_ids.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace cleave::sqlite {

class pending_rows {
public:
  // A row of cleave_log. The views must live until it is written, or undone.
  struct event {
    std::uint64_t position;
    std::int64_t stream;
    std::uint64_t version;
    std::uint64_t previous; // 0: NULL, as in the next one
    std::uint64_t skip;
    std::int64_t name;
    timestamp recorded_at;
    row_ids ids;
    encoded_append::form form;
    std::int64_t command; // whose outcome it tells: the id of its name; 0: NULL
  };
  static constexpr std::size_t most = 512; // then it wants to be written

  // May throw std::bad_alloc.
  void add(event const& one, std::int64_t key) {
    events_.push_back(one);
    keys_.emplace_back(key, one.position);
  }
  void add_stream(std::int64_t id, std::string_view name) { streams_.emplace_back(id, name); }
  void add_tagged(std::int64_t tag, std::uint64_t position) { tagged_.emplace_back(tag, position); }

  bool empty() const noexcept { return events_.empty(); }
  bool full() const noexcept { return events_.size() >= most; }
  // The first position that is not in the table.
  std::uint64_t begin() const noexcept { return events_.empty() ? UINT64_MAX : events_.front().position; }
  bool has_key(std::int64_t key) const noexcept {
    return std::any_of(keys_.begin(), keys_.end(), [key](auto const& one) { return one.first == key; });
  }

  std::int64_t greatest_key() const noexcept; // INT64_MIN: there is no row

  // Before the first write(), outside of what a rollback undoes.
  result<void> prepare(database& db);
  // Puts all into the tables and forgets it.
  result<void> write(database& db);
  void clear() noexcept;

private:
  using key_row = std::pair<std::int64_t, std::uint64_t>;
  // For a row or two, and for more.
  struct inserts {
    statement each;
    statement all;
  };
  struct statements {
    inserts streams;
    inserts events;
    inserts keys;
    inserts tagged;
  };

  std::vector<event> events_;
  std::vector<key_row> keys_;
  std::vector<key_row> tagged_;
  std::vector<std::pair<std::int64_t, std::string_view>> streams_;
  std::optional<statements> statements_;
};

} // namespace cleave::sqlite
