// SPDX-License-Identifier: BSL-1.0
#include "log_rows.hpp"

#include "program_table.hpp"
#include "sqlite_error.hpp"

#include <sqlite3.h>

#include <utility>

namespace cleave::sqlite {

namespace {

// SQLite compares it when it hands the pointer out: nobody else's pointer passes.
constexpr char const* taker_type = "cleave row taker";

row_taker* taker_of(sqlite3_value* value) noexcept {
  return static_cast<row_taker*>(sqlite3_value_pointer(value, taker_type));
}

} // namespace

// What SQLite calls. Nothing may be thrown through its frames.
struct taking {
  static void take(sqlite3_context* call, int count, sqlite3_value** values) noexcept {
    row_taker* const taker = count > 0 ? taker_of(values[0]) : nullptr;
    if (taker == nullptr) {
      sqlite3_result_error(call, "cleave_take: no taker is bound", -1);
      return;
    }
    try {
      if (taker->take(values + 1)) return; // NULL: the row does not come out
    } catch (...) {
      taker->thrown_ = std::current_exception();
    }
    sqlite3_result_int(call, 1);
  }
  static void rethrow(row_taker& taker) {
    if (taker.thrown_) std::rethrow_exception(std::exchange(taker.thrown_, nullptr));
  }
};

namespace {

struct chain_cursor {
  static constexpr char const* declaration = "CREATE TABLE x (taker HIDDEN)";
  static constexpr int argument = 0;

  bool begin(sqlite3_value* value) noexcept {
    taker = taker_of(value);
    if (taker != nullptr) next();
    return taker != nullptr;
  }
  void next() noexcept { at = taker->next(); }
  bool at_end() const noexcept { return at == 0; }
  sqlite3_int64 row() const noexcept { return static_cast<sqlite3_int64>(at); }
  void column(sqlite3_context*, int) const noexcept {} // NULL

  row_taker* taker = nullptr;
  std::uint64_t at = 0;
};

} // namespace

result<void> teach_rows(database& db) {
  int code = sqlite3_create_function_v2(db.handle(), "cleave_take", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                        nullptr, &taking::take, nullptr, nullptr, nullptr);
  if (code == SQLITE_OK) code = program_table<chain_cursor>::add_to(db.handle(), "cleave_chain");
  if (code == SQLITE_OK) return {};
  return unexpected(sqlite_error(db.handle(), code, db.path(), "prepare to read the log", {}));
}

result<bool> run_through(database& db, statement& rows, int place, row_taker& taker) {
  int const code = sqlite3_bind_pointer(rows.handle(), place, &taker, taker_type, nullptr);
  if (code != SQLITE_OK) {
    return unexpected(
        sqlite_error(db.handle(), code, db.path(), "bind the reader of", sqlite3_sql(rows.handle())));
  }
  auto const enough = rows.step();
  rows.reset();
  taking::rethrow(taker);
  return enough;
}

} // namespace cleave::sqlite
