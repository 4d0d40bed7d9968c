// SPDX-License-Identifier: BSL-1.0
#include "log_rows.hpp"

#include "sqlite_error.hpp"

#include <sqlite3.h>

#include <new>
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

struct chain_cursor : sqlite3_vtab_cursor {
  row_taker* taker = nullptr;
  std::uint64_t at = 0;
};

chain_cursor& cursor_of(sqlite3_vtab_cursor* cursor) noexcept { return *static_cast<chain_cursor*>(cursor); }

int connect(sqlite3* db, void*, int, char const* const*, sqlite3_vtab** made, char**) noexcept {
  if (int const code = sqlite3_declare_vtab(db, "CREATE TABLE x (taker HIDDEN)"); code != SQLITE_OK)
    return code;
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  *made = new (std::nothrow) sqlite3_vtab{};
  return *made != nullptr ? SQLITE_OK : SQLITE_NOMEM;
}

int disconnect(sqlite3_vtab* table) noexcept {
  delete table;
  return SQLITE_OK;
}

// There is one way to read it: with the taker.
int best_index(sqlite3_vtab*, sqlite3_index_info* info) noexcept {
  for (int i = 0; i < info->nConstraint; ++i) {
    auto const& one = info->aConstraint[i];
    if (one.iColumn != 0 || one.op != SQLITE_INDEX_CONSTRAINT_EQ || one.usable == 0) continue;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    info->estimatedCost = 1;
    return SQLITE_OK;
  }
  return SQLITE_CONSTRAINT;
}

int open(sqlite3_vtab*, sqlite3_vtab_cursor** made) noexcept {
  *made = new (std::nothrow) chain_cursor;
  return *made != nullptr ? SQLITE_OK : SQLITE_NOMEM;
}

int close(sqlite3_vtab_cursor* cursor) noexcept {
  delete &cursor_of(cursor);
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* cursor) noexcept {
  chain_cursor& chain = cursor_of(cursor);
  chain.at = chain.taker->next();
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* cursor, int, char const*, int count, sqlite3_value** values) noexcept {
  chain_cursor& chain = cursor_of(cursor);
  chain.taker = count == 1 ? taker_of(values[0]) : nullptr;
  if (chain.taker == nullptr) return SQLITE_MISUSE;
  return next(cursor);
}

int at_end(sqlite3_vtab_cursor* cursor) noexcept { return cursor_of(cursor).at == 0 ? 1 : 0; }

int column(sqlite3_vtab_cursor*, sqlite3_context*, int) noexcept { return SQLITE_OK; }

int rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* to) noexcept {
  *to = static_cast<sqlite3_int64>(cursor_of(cursor).at);
  return SQLITE_OK;
}

// Without xCreate: the table is there under its module's name, and no schema can have one.
constexpr sqlite3_module chain_module = [] {
  sqlite3_module made{};
  made.xConnect = &connect;
  made.xDisconnect = &disconnect;
  made.xBestIndex = &best_index;
  made.xOpen = &open;
  made.xClose = &close;
  made.xFilter = &filter;
  made.xNext = &next;
  made.xEof = &at_end;
  made.xColumn = &column;
  made.xRowid = &rowid;
  return made;
}();

} // namespace

result<void> teach_rows(database& db) {
  int code = sqlite3_create_function_v2(db.handle(), "cleave_take", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY,
                                        nullptr, &taking::take, nullptr, nullptr, nullptr);
  if (code == SQLITE_OK)
    code = sqlite3_create_module_v2(db.handle(), "cleave_chain", &chain_module, nullptr, nullptr);
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
