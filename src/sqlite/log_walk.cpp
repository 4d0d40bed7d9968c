// SPDX-License-Identifier: BSL-1.0
#include "log_walk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <string>

namespace cleave::sqlite {

namespace {

constexpr std::string_view table = "cleave_log";

class walker {
public:
  walker(database& db, std::string_view columns, findings& found, lost_part report, lost_parts& lost) noexcept
      : db_(db), columns_(columns), found_(found), report_(report), lost_(lost) {}

  result<void> run(log_row row);

private:
  // Reads on from from_ as far as it goes. True: to the end.
  result<bool> read_on(statement& rows, log_row row);
  result<void> pass_over(error const& reason);
  // The first position from `from` on; nothing when SQLite cannot read it. INT64_MAX when there is none.
  std::optional<std::int64_t> first_from(std::int64_t from);

  database& db_;
  std::string_view columns_;
  findings& found_;
  lost_part report_;
  lost_parts& lost_;
  std::int64_t from_ = INT64_MIN;
};

result<void> walker::run(log_row row) {
  auto rows = db_.prepare(
      fmt::format("SELECT {} FROM cleave_log WHERE position >= ?1 ORDER BY position", columns_));
  if (!rows) {
    lost_.add({INT64_MIN, INT64_MAX});
    return found_.unreadable({.table = table}, "the log", rows.error());
  }
  for (;;) {
    if (auto good = rows->bind(from_); !good) return good;
    auto const ended = read_on(*rows, row);
    rows->reset();
    if (!ended) return unexpected(ended.error());
    if (*ended) return {};
  }
}

result<bool> walker::read_on(statement& rows, log_row row) {
  for (;;) {
    auto const more = rows.step();
    if (!more) {
      rows.reset();
      if (auto good = pass_over(more.error()); !good) return unexpected(std::move(good).error());
      return from_ == INT64_MAX;
    }
    if (!*more) return true;
    auto const at = rows.column<std::int64_t>(0);
    if (!at) return unexpected(at.error());
    if (*at < from_) continue; // a tree out of order, which SQLite's own check reports
    if (auto good = row(*at, rows); !good) return unexpected(std::move(good).error());
    if (*at == INT64_MAX) return true;
    from_ = *at + 1;
  }
}

// Steps that double until something can be read again, then halves between there and the last failure.
result<void> walker::pass_over(error const& reason) {
  std::int64_t const first = std::max<std::int64_t>(from_, 1);
  // Without the snapshot there is nothing to look for.
  if (!db_.in_transaction())
    return found_.unreadable({.table = table, .position = first}, "what follows in the log", reason);
  std::int64_t low = first - 1;
  std::int64_t high = first;
  std::optional<std::int64_t> next;
  for (std::int64_t step = 1; high != INT64_MAX;) {
    low = high;
    high = INT64_MAX - low <= step ? INT64_MAX : low + step;
    next = first_from(high);
    if (next) break;
    step = step <= INT64_MAX / 2 ? step * 2 : INT64_MAX;
  }
  while (next && high - low > 1) {
    std::int64_t const middle = low + (high - low) / 2;
    if (auto const there = first_from(middle)) {
      high = middle;
      next = there;
    } else {
      low = middle;
    }
  }
  from_ = next.value_or(INT64_MAX);
  if (report_ == lost_part::is_known) return {};
  std::int64_t const last = from_ == INT64_MAX ? INT64_MAX : from_ - 1;
  lost_.add({first, last});
  std::string const what = last == INT64_MAX ? fmt::format("the log from position {} on", first)
                           : first == last   ? fmt::format("the event at position {}", first)
                                             : fmt::format("the log from position {} to {}", first, last);
  return found_.unreadable({.table = table, .position = first}, what, reason);
}

std::optional<std::int64_t> walker::first_from(std::int64_t from) {
  auto row = db_.prepare(
      fmt::format("SELECT {} FROM cleave_log WHERE position >= ?1 ORDER BY position LIMIT 1", columns_));
  if (!row || !row->bind(from)) return std::nullopt;
  auto const there = row->step();
  if (!there) return std::nullopt;
  if (!*there) return INT64_MAX;
  auto const at = row->column<std::int64_t>(0);
  if (!at) return std::nullopt;
  return *at;
}

} // namespace

bool lost_parts::contains(std::int64_t position) const noexcept {
  auto const after = std::upper_bound(
      parts_.begin(), parts_.end(), position,
      [](std::int64_t wanted, position_range const& part) { return wanted < part.first; });
  return after != parts_.begin() && position <= std::prev(after)->last;
}

result<void> walk_log(database& db, std::string_view columns, findings& found, lost_part report,
                      lost_parts& lost, log_row row) {
  return walker(db, columns, found, report, lost).run(row);
}

} // namespace cleave::sqlite
