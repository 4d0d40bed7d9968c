// SPDX-License-Identifier: BSL-1.0
#include "row_feed.hpp"

#include "sqlite_error.hpp"

#include <sqlite3.h>

#include <new>

namespace cleave::sqlite {

namespace {

// SQLite compares it when it hands the pointer out: nobody else's pointer passes.
constexpr char const* feed_type = "cleave row feed";
constexpr int columns = 12; // without the feed

struct feed_cursor : sqlite3_vtab_cursor {
  row_feed* feed = nullptr;
  bool at_row = false;
  sqlite3_int64 row = 0;
};

feed_cursor& cursor_of(sqlite3_vtab_cursor* cursor) noexcept { return *static_cast<feed_cursor*>(cursor); }

int connect(sqlite3* db, void*, int, char const* const*, sqlite3_vtab** made, char**) noexcept {
  int const code = sqlite3_declare_vtab(db,
                                        "CREATE TABLE x (a, b, c, d, e, f, g, h, i, j, k, l, feed HIDDEN)");
  if (code != SQLITE_OK) return code;
  sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
  *made = new (std::nothrow) sqlite3_vtab{};
  return *made != nullptr ? SQLITE_OK : SQLITE_NOMEM;
}

int disconnect(sqlite3_vtab* table) noexcept {
  delete table;
  return SQLITE_OK;
}

// There is one way to read it: with the feed.
int best_index(sqlite3_vtab*, sqlite3_index_info* info) noexcept {
  for (int i = 0; i < info->nConstraint; ++i) {
    auto const& one = info->aConstraint[i];
    if (one.iColumn != columns || one.op != SQLITE_INDEX_CONSTRAINT_EQ || one.usable == 0) continue;
    info->aConstraintUsage[i].argvIndex = 1;
    info->aConstraintUsage[i].omit = 1;
    info->estimatedCost = 1;
    return SQLITE_OK;
  }
  return SQLITE_CONSTRAINT;
}

int open(sqlite3_vtab*, sqlite3_vtab_cursor** made) noexcept {
  *made = new (std::nothrow) feed_cursor;
  return *made != nullptr ? SQLITE_OK : SQLITE_NOMEM;
}

int close(sqlite3_vtab_cursor* cursor) noexcept {
  delete &cursor_of(cursor);
  return SQLITE_OK;
}

int next(sqlite3_vtab_cursor* cursor) noexcept {
  feed_cursor& fed = cursor_of(cursor);
  fed.at_row = fed.feed->next();
  ++fed.row;
  return SQLITE_OK;
}

int filter(sqlite3_vtab_cursor* cursor, int, char const*, int count, sqlite3_value** values) noexcept {
  feed_cursor& fed = cursor_of(cursor);
  fed.feed = count == 1 ? static_cast<row_feed*>(sqlite3_value_pointer(values[0], feed_type)) : nullptr;
  if (fed.feed == nullptr) return SQLITE_MISUSE;
  return next(cursor);
}

int at_end(sqlite3_vtab_cursor* cursor) noexcept { return cursor_of(cursor).at_row ? 0 : 1; }

int column(sqlite3_vtab_cursor* cursor, sqlite3_context* to, int place) noexcept {
  cursor_of(cursor).feed->give(place, fed_value(to));
  return SQLITE_OK;
}

int rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* to) noexcept {
  *to = cursor_of(cursor).row;
  return SQLITE_OK;
}

// Without xCreate: the table is there under its module's name, and no schema can have one.
constexpr sqlite3_module feed_module = [] {
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

void fed_value::integer(std::int64_t value) const noexcept { sqlite3_result_int64(to_, value); }

void fed_value::text(std::string_view value) const noexcept {
  // An empty text that points nowhere would be NULL.
  sqlite3_result_text64(to_, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
}

void fed_value::blob(void const* data, std::size_t size) const noexcept {
  sqlite3_result_blob64(to_, data, size, SQLITE_STATIC);
}

result<void> teach_feed(database& db) {
  int const code = sqlite3_create_module_v2(db.handle(), "cleave_rows", &feed_module, nullptr, nullptr);
  if (code == SQLITE_OK) return {};
  return unexpected(sqlite_error(db.handle(), code, db.path(), "prepare to write the log", {}));
}

result<void> run_fed(database& db, statement& insert, row_feed& feed) {
  int const code = sqlite3_bind_pointer(insert.handle(), 1, &feed, feed_type, nullptr);
  if (code != SQLITE_OK) {
    return unexpected(
        sqlite_error(db.handle(), code, db.path(), "bind the rows of", sqlite3_sql(insert.handle())));
  }
  return insert.run();
}

} // namespace cleave::sqlite
