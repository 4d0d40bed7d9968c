// SPDX-License-Identifier: BSL-1.0
#include "row_feed.hpp"

#include "program_table.hpp"
#include "sqlite_error.hpp"

#include <sqlite3.h>

namespace cleave::sqlite {

namespace {

// SQLite compares it when it hands the pointer out: nobody else's pointer passes.
constexpr char const* feed_type = "cleave row feed";
struct feed_cursor {
  static constexpr char const* declaration =
      "CREATE TABLE x (a, b, c, d, e, f, g, h, i, j, k, l, feed HIDDEN)";
  static constexpr int argument = 12;

  bool begin(sqlite3_value* value) noexcept {
    feed = static_cast<row_feed*>(sqlite3_value_pointer(value, feed_type));
    if (feed != nullptr) next();
    return feed != nullptr;
  }
  void next() noexcept {
    at_row = feed->next();
    ++number;
  }
  bool at_end() const noexcept { return !at_row; }
  sqlite3_int64 row() const noexcept { return number; }
  void column(sqlite3_context* to, int place) const noexcept { feed->give(place, fed_value(to)); }

  row_feed* feed = nullptr;
  bool at_row = false;
  sqlite3_int64 number = 0;
};

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
  int const code = program_table<feed_cursor>::add_to(db.handle(), "cleave_rows");
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
