// SPDX-License-Identifier: BSL-1.0
// A table whose rows come from the program while a statement runs: an eponymous virtual table (sqlite.org/vtab.html), which is there
// under its module's name without CREATE, and is read in one way: with a pointer of the program's as its only argument.
#pragma once

#include <sqlite3.h>

#include <new>

namespace cleave::sqlite {

// A Cursor has
//   static constexpr char const* declaration, and the number of its hidden column, `argument`;
//   bool begin(sqlite3_value* argument)   goes to the first row; false: that is no pointer of ours
//   void next(), bool at_end() const, sqlite3_int64 row() const
//   void column(sqlite3_context* to, int number) const
// Nothing may be thrown through SQLite's frames: all are noexcept.
template <class Cursor> class program_table {
public:
  static int add_to(sqlite3* db, char const* name) noexcept {
    return sqlite3_create_module_v2(db, name, &module, nullptr, nullptr);
  }

private:
  struct cursor : sqlite3_vtab_cursor {
    Cursor rows;
  };
  static Cursor& rows_of(sqlite3_vtab_cursor* at) noexcept { return static_cast<cursor*>(at)->rows; }

  static int connect(sqlite3* db, void*, int, char const* const*, sqlite3_vtab** made, char**) noexcept {
    if (int const code = sqlite3_declare_vtab(db, Cursor::declaration); code != SQLITE_OK) return code;
    sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
    *made = new (std::nothrow) sqlite3_vtab{};
    return *made != nullptr ? SQLITE_OK : SQLITE_NOMEM;
  }
  static int disconnect(sqlite3_vtab* table) noexcept {
    delete table;
    return SQLITE_OK;
  }
  static int best_index(sqlite3_vtab*, sqlite3_index_info* info) noexcept {
    for (int i = 0; i < info->nConstraint; ++i) {
      auto const& one = info->aConstraint[i];
      if (one.iColumn != Cursor::argument || one.op != SQLITE_INDEX_CONSTRAINT_EQ || one.usable == 0)
        continue;
      info->aConstraintUsage[i].argvIndex = 1;
      info->aConstraintUsage[i].omit = 1;
      info->estimatedCost = 1;
      return SQLITE_OK;
    }
    return SQLITE_CONSTRAINT;
  }
  static int open(sqlite3_vtab*, sqlite3_vtab_cursor** made) noexcept {
    *made = new (std::nothrow) cursor{};
    return *made != nullptr ? SQLITE_OK : SQLITE_NOMEM;
  }
  static int close(sqlite3_vtab_cursor* at) noexcept {
    delete static_cast<cursor*>(at);
    return SQLITE_OK;
  }
  static int filter(sqlite3_vtab_cursor* at, int, char const*, int count, sqlite3_value** values) noexcept {
    return count == 1 && rows_of(at).begin(values[0]) ? SQLITE_OK : SQLITE_MISUSE;
  }
  static int next(sqlite3_vtab_cursor* at) noexcept {
    rows_of(at).next();
    return SQLITE_OK;
  }
  static int at_end(sqlite3_vtab_cursor* at) noexcept { return rows_of(at).at_end() ? 1 : 0; }
  static int column(sqlite3_vtab_cursor* at, sqlite3_context* to, int number) noexcept {
    rows_of(at).column(to, number);
    return SQLITE_OK;
  }
  static int rowid(sqlite3_vtab_cursor* at, sqlite3_int64* to) noexcept {
    *to = rows_of(at).row();
    return SQLITE_OK;
  }

  // Without xCreate no schema can have such a table.
  static constexpr sqlite3_module module = [] {
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
};

} // namespace cleave::sqlite
