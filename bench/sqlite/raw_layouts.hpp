// SPDX-License-Identifier: BSL-1.0
// What SQLite alone can do with the same events: a table with UNIQUE (stream, version), the layout of cleave's log, and a table
// without any index, which is the limit.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/id.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "../scratch.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

inline constexpr std::string_view event_name = "order-placed.v1";
inline std::string const event_data = "{\"order\":10248,\"note\":\"" + std::string(176, 'x') + "\"}";

// A connection with one prepared insert. A large WAL, as ours has it.
class raw_file {
public:
  explicit raw_file(std::string const& path) {
    check(sqlite3_open(path.c_str(), &db_));
    sqlite3_busy_timeout(db_, 600'000);
    run("PRAGMA journal_mode = WAL");
    run("PRAGMA synchronous = FULL");
    run("PRAGMA wal_autocheckpoint = 4000");
  }
  raw_file(raw_file const&) = delete;
  raw_file& operator=(raw_file const&) = delete;
  ~raw_file() {
    for (sqlite3_stmt* const statement : statements_) sqlite3_finalize(statement);
    sqlite3_close(db_);
  }
  void begin() { run("BEGIN IMMEDIATE"); }
  void commit() { run("COMMIT"); }

protected:
  sqlite3_stmt* prepare(char const* sql) {
    sqlite3_stmt* made = nullptr;
    check(sqlite3_prepare_v2(db_, sql, -1, &made, nullptr));
    statements_.push_back(made);
    return made;
  }
  void run(char const* sql) { check(sqlite3_exec(db_, sql, nullptr, nullptr, nullptr)); }
  void step(sqlite3_stmt* statement) {
    if (int const code = sqlite3_step(statement); code != SQLITE_DONE) check(code);
    sqlite3_reset(statement);
  }
  void check(int code) {
    if (code == SQLITE_OK) return;
    std::fprintf(stderr, "raw SQLite: %s (%d)\n", sqlite3_errmsg(db_), code);
    std::abort();
  }
  static void bind(sqlite3_stmt* statement, int place, std::string_view value) {
    sqlite3_bind_text(statement, place, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  }

  sqlite3* db_ = nullptr;

private:
  std::vector<sqlite3_stmt*> statements_;
};

class raw_unique : public raw_file {
public:
  raw_unique(std::string const& path, bool create) : raw_file(path) {
    if (create) run(table);
    prepare_all();
  }
  std::int64_t head(std::string_view stream) {
    bind(head_, 1, stream);
    if (sqlite3_step(head_) != SQLITE_ROW) std::abort();
    auto const version = sqlite3_column_int64(head_, 0);
    sqlite3_reset(head_);
    return version;
  }
  void insert(std::string_view stream, std::int64_t version) {
    bind(insert_, 1, stream);
    sqlite3_bind_int64(insert_, 2, version);
    bind(insert_, 3, event_name);
    bind(insert_, 4, event_data);
    step(insert_);
  }
  // f(version, name, data) for each event of the stream, or of the whole log up to `limit`.
  template <class F> void load(std::string_view stream, F f) {
    bind(load_, 1, stream);
    each(load_, f);
  }
  template <class F> void scan(std::int64_t limit, F f) {
    sqlite3_bind_int64(scan_, 1, limit);
    each(scan_, f);
  }
  // The index is built at the end, which is much faster and gives the same file, or a tidier one.
  template <class Streams> void fill(std::uint64_t events, Streams& streams,
                                     std::vector<std::int64_t>& heads) {
    run("DROP INDEX by_stream");
    begin();
    for (std::uint64_t n = 0; n < events; ++n) {
      auto const stream = streams.next();
      insert("order-" + std::to_string(10'000 + stream), ++heads[stream]);
    }
    commit();
    run("CREATE UNIQUE INDEX by_stream ON event (stream, version)");
    run("PRAGMA wal_checkpoint(TRUNCATE)");
  }

private:
  static constexpr char const* table =
      "CREATE TABLE event (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL, name TEXT NOT NULL, "
      "data TEXT NOT NULL); CREATE UNIQUE INDEX by_stream ON event (stream, version)";
  void prepare_all() {
    insert_ = prepare("INSERT INTO event (stream, version, name, data) VALUES (?1, ?2, ?3, ?4)");
    head_ = prepare("SELECT max(version) FROM event WHERE stream = ?1");
    load_ = prepare("SELECT version, name, data FROM event WHERE stream = ?1 ORDER BY version");
    scan_ = prepare("SELECT version, name, data FROM event WHERE position <= ?1 ORDER BY position");
  }
  template <class F> void each(sqlite3_stmt* statement, F f) {
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW)
      f(sqlite3_column_int64(statement, 0), text(statement, 1), text(statement, 2));
    if (code != SQLITE_DONE) check(code);
    sqlite3_reset(statement);
  }
  static std::string_view text(sqlite3_stmt* statement, int column) {
    return {reinterpret_cast<char const*>(sqlite3_column_text(statement, column)),
            static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
  }
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* head_ = nullptr;
  sqlite3_stmt* load_ = nullptr;
  sqlite3_stmt* scan_ = nullptr;
};

// The tables of cleave's log, filled by hand.
class raw_chain : public raw_file {
public:
  explicit raw_chain(std::string const& path) : raw_file(made(path)) {
    insert_ = prepare(
        "INSERT INTO cleave_log (position, stream, version, previous, name, recorded_at, ids, data) VALUES "
        "(?1, ?2, ?3, ?4, 1, ?5, ?6, ?7)");
    insert_stream_ = prepare("INSERT INTO cleave_streams (id, name) VALUES (?1, ?2)");
    insert_id_ = prepare("INSERT INTO cleave_ids (key, position) VALUES (?1, ?2)");
  }
  void insert(std::uint64_t stream) {
    if (stream >= heads_.size()) heads_.resize(stream + 1);
    auto& [version, last] = heads_[stream];
    if (version == 0) {
      std::string const name = "order-" + std::to_string(10'000 + stream);
      sqlite3_bind_int64(insert_stream_, 1, static_cast<std::int64_t>(stream) + 1);
      bind(insert_stream_, 2, name);
      step(insert_stream_);
    }
    auto const now = cleave::system_clock{}.now();
    auto const id = ids_.next(now);
    std::uint64_t key = 0;
    for (std::size_t i = 0; i < sizeof key; ++i) key = key << 8 | id.bytes()[i];
    sqlite3_bind_int64(insert_, 1, ++position_);
    sqlite3_bind_int64(insert_, 2, static_cast<std::int64_t>(stream) + 1);
    sqlite3_bind_int64(insert_, 3, ++version);
    if (last == 0) sqlite3_bind_null(insert_, 4);
    else sqlite3_bind_int64(insert_, 4, last);
    sqlite3_bind_int64(insert_, 5, now.microseconds());
    sqlite3_bind_blob(insert_, 6, id.bytes().data(), 16, SQLITE_STATIC);
    bind(insert_, 7, event_data);
    step(insert_);
    sqlite3_bind_int64(insert_id_, 1, static_cast<std::int64_t>(key));
    sqlite3_bind_int64(insert_id_, 2, position_);
    step(insert_id_);
    last = position_;
  }

private:
  static std::string const& made(std::string const& path) {
    if (!cleave::sqlite::event_store::open({.path = path})) std::abort();
    return path;
  }
  struct head {
    std::int64_t version = 0;
    std::int64_t position = 0;
  };
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* insert_stream_ = nullptr;
  sqlite3_stmt* insert_id_ = nullptr;
  std::vector<head> heads_;
  std::int64_t position_ = 0;
  cleave::uuid_v7_source ids_;
};

class raw_bare : public raw_file {
public:
  explicit raw_bare(std::string const& path) : raw_file(path) {
    run("CREATE TABLE event (position INTEGER PRIMARY KEY, stream INTEGER NOT NULL, data TEXT NOT NULL)");
    insert_ = prepare("INSERT INTO event (stream, data) VALUES (?1, ?2)");
  }
  void insert(std::uint64_t stream) {
    sqlite3_bind_int64(insert_, 1, static_cast<std::int64_t>(stream));
    bind(insert_, 2, event_data);
    step(insert_);
  }

private:
  sqlite3_stmt* insert_ = nullptr;
};

} // namespace bench
