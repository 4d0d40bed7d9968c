// SPDX-License-Identifier: BSL-1.0
// The raw way: SQLite's C functions, prepared statements, one table with UNIQUE(stream, version), JSON by hand.
#pragma once

#include "../scratch.hpp"

#include <sqlite3.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace bench {

class raw_log {
public:
  explicit raw_log(std::string const& path, bool full = true, bool create = true) {
    check(sqlite3_open(path.c_str(), &db_));
    sqlite3_busy_timeout(db_, 60'000);
    run("PRAGMA journal_mode = WAL");
    run(full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL");
    if (create) {
      run("CREATE TABLE IF NOT EXISTS event (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL, "
          "name TEXT NOT NULL, data TEXT NOT NULL, UNIQUE (stream, version))");
    }
    prepare("INSERT INTO event (stream, version, name, data) VALUES (?1, ?2, ?3, ?4)", insert_);
    prepare("SELECT name, data FROM event WHERE stream = ?1 ORDER BY version", load_);
    prepare("SELECT name, data FROM event ORDER BY position", scan_);
    prepare("SELECT name, data, position, stream FROM event ORDER BY position", scan_all_);
    prepare("SELECT max(version) FROM event WHERE stream = ?1", head_);
  }
  raw_log(raw_log const&) = delete;
  raw_log& operator=(raw_log const&) = delete;
  ~raw_log() {
    for (sqlite3_stmt* statement : {insert_, load_, scan_, scan_all_, head_}) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }

  void begin() { run("BEGIN IMMEDIATE"); }
  void commit() { run("COMMIT"); }

  std::int64_t head(std::string_view stream) {
    bind(head_, 1, stream);
    step(head_, SQLITE_ROW);
    auto const version = sqlite3_column_int64(head_, 0);
    sqlite3_reset(head_);
    return version;
  }
  void insert(std::string_view stream, std::int64_t version, std::string_view name, std::int64_t cents) {
    char text[64] = "{\"cents\":";
    char* const end = std::to_chars(text + 9, text + 40, cents).ptr;
    *end = '}';
    bind(insert_, 1, stream);
    sqlite3_bind_int64(insert_, 2, version);
    bind(insert_, 3, name);
    bind(insert_, 4, std::string_view(text, static_cast<std::size_t>(end + 1 - text)));
    step(insert_, SQLITE_DONE);
    sqlite3_reset(insert_);
  }
  // f(name, cents)
  template <class F> void load(std::string_view stream, F f) {
    bind(load_, 1, stream);
    each(load_, f);
  }
  template <class F> void scan(F f) { each(scan_, f); }
  // f(position, stream, name, cents)
  template <class F> void scan_all(F f) {
    while (next(scan_all_)) {
      f(sqlite3_column_int64(scan_all_, 2), text(scan_all_, 3), text(scan_all_, 0),
        cents_of(text(scan_all_, 1)));
    }
    sqlite3_reset(scan_all_);
  }

private:
  template <class F> void each(sqlite3_stmt* statement, F f) {
    while (next(statement)) f(text(statement, 0), cents_of(text(statement, 1)));
    sqlite3_reset(statement);
  }
  bool next(sqlite3_stmt* statement) {
    int const code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE) check(code);
    return code == SQLITE_ROW;
  }
  static std::int64_t cents_of(std::string_view data) {
    std::int64_t cents = 0;
    if (auto const colon = data.find(':'); colon != std::string_view::npos)
      std::from_chars(data.data() + colon + 1, data.data() + data.size(), cents);
    return cents;
  }
  static std::string_view text(sqlite3_stmt* statement, int column) {
    return {reinterpret_cast<char const*>(sqlite3_column_text(statement, column)),
            static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
  }
  static void bind(sqlite3_stmt* statement, int place, std::string_view value) {
    sqlite3_bind_text(statement, place, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  }
  void step(sqlite3_stmt* statement, int wanted) {
    if (int const code = sqlite3_step(statement); code != wanted) check(code);
  }
  void run(char const* sql) { check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); }
  void prepare(char const* sql, sqlite3_stmt*& out) {
    check(sqlite3_prepare_v2(db_, sql, -1, &out, nullptr));
  }
  void check(int code) {
    if (code == SQLITE_OK) return;
    std::fprintf(stderr, "raw SQLite: %s (%d)\n", sqlite3_errmsg(db_), code);
    std::abort();
  }

  sqlite3* db_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* load_ = nullptr;
  sqlite3_stmt* scan_ = nullptr;
  sqlite3_stmt* scan_all_ = nullptr;
  sqlite3_stmt* head_ = nullptr;
};

} // namespace bench
