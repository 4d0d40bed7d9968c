// SPDX-License-Identifier: BSL-1.0
#include "chain_walk.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace cleave::sqlite {

namespace {
constexpr int taker_place = 1;
}

std::string chain_walk::sql_for(std::string_view columns) {
  return fmt::format("SELECT 1 FROM cleave_chain(?{0}) c CROSS JOIN cleave_log l ON l.position = c.rowid "
                     "WHERE cleave_take(?{0}, {1})",
                     taker_place, columns);
}

result<void> chain_walk::run(database& db, std::string_view sql) {
  if (arrived()) return {};
  auto rows = db.prepare(sql);
  if (!rows) return unexpected(std::move(rows).error());
  auto const enough = run_through(db, *rows, taker_place, *this);
  if (!enough) return unexpected(enough.error());
  // A row that is not there ends the run, too.
  if (broken_ || (!*enough && !arrived())) return unexpected(broken_chain(db, stream_, at_));
  return {};
}

std::uint64_t chain_walk::next() noexcept {
  // It was not there.
  if (at_.position == asked_for_) return 0;
  asked_for_ = at_.position;
  return arrived() ? 0 : at_.position;
}

bool chain_walk::is_link(sqlite3_value* stream, sqlite3_value* version, sqlite3_value* previous_value,
                         std::uint64_t& previous) noexcept {
  // A pointer forward would be a circle.
  bool const sound = sqlite3_value_type(stream) == SQLITE_INTEGER && sqlite3_value_int64(stream) == stream_ &&
                     sqlite3_value_type(version) == SQLITE_INTEGER &&
                     static_cast<std::uint64_t>(sqlite3_value_int64(version)) == at_.version &&
                     read_pointer(previous_value, previous) && (previous == 0) == (at_.version == 1) &&
                     previous < at_.position;
  return sound || broken();
}

bool read_pointer(sqlite3_value* from, std::uint64_t& to) noexcept {
  to = 0;
  int const type = sqlite3_value_type(from);
  if (type == SQLITE_NULL) return true;
  if (type != SQLITE_INTEGER) return false;
  auto const value = sqlite3_value_int64(from);
  to = static_cast<std::uint64_t>(value);
  return value > 0;
}

} // namespace cleave::sqlite
