// SPDX-License-Identifier: BSL-1.0
// A connection to an SQLite file, for the application's own tables: in state-stored command handlers, in read models, and on
// files that have nothing to do with cleave.
#pragma once

#include <cleave/sqlite/statement.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace cleave::sqlite {

struct database_options {
  std::string path{};     // a file name, never a URI and never ":memory:"
  bool create = true;     // make the file when it is not there; else errc::not_found
  bool read_only = false; // refuse to change anything (PRAGMA query_only)
  std::uint32_t busy_wait_ms =
      5'000;         // how long a statement waits for another connection's lock; then errc::busy
  std::string vfs{}; // name of a registered SQLite VFS; empty: the default
};

// One connection. One thread at a time. Foreign keys are enforced; everything else is as SQLite has it.
// Do not write with it to the file of an event store or read store: those keep one writer, and their own checkpoints, because
// of a bug in SQLite before 3.51.3. Use the store's transact or apply.
//
// Errors carry the file, the SQL and SQLite's own words. errc::constraint_violated: a rule of a table (unique, primary key,
// foreign key, check, not null) refused a row; violated_rule() says which kind. errc::disk_full, io_error, corrupt, busy,
// read_only, not_a_store (no database at all), limit_exceeded (too big a value) for the machine and the file;
// errc::invalid_argument for SQL that SQLite does not understand.
class database {
public:
  using options = database_options;

  // errc::not_found when file or folder is not there, errc::read_only when it may not be written (and read_only is not set).
  static result<database> open(options const& chosen);
  database(database&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  database& operator=(database other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~database() {
    if (state_ != nullptr) close();
  }

  // Prepares one statement, or takes it from the cache: a statement that is destroyed goes back there (64 are kept, the
  // longest unused goes first). errc::invalid_argument for wrong SQL, none, or more than one statement.
  result<statement> prepare(std::string_view sql);

  // Runs one statement; rows that it returns are skipped. Returns how many rows it inserted, changed or deleted.
  template <class... Values> result<std::int64_t> execute(std::string_view sql, Values const&... values) {
    auto prepared = prepare(sql);
    if (!prepared) return unexpected(std::move(prepared).error());
    if (auto bound = prepared->bind(values...); !bound) return unexpected(std::move(bound).error());
    return run_counted(*prepared);
  }

  // db.for_each("SELECT id, name FROM user WHERE age > ?1", [](std::int64_t id, std::string_view name) { ... }, 18);
  // See statement::each.
  template <class F, class... Values> result<void> for_each(std::string_view sql, F&& f,
                                                            Values const&... values) {
    auto prepared = prepare(sql);
    if (!prepared) return unexpected(std::move(prepared).error());
    if (auto bound = prepared->bind(values...); !bound) return bound;
    return prepared->each(f);
  }

  // The first row, if there is one: db.first<std::int64_t, std::string>("SELECT id, name FROM user WHERE mail = ?1", mail).
  // The columns are copies: no std::string_view, no std::span.
  template <class... Columns, class... Values>
  result<std::optional<std::tuple<Columns...>>> first(std::string_view sql, Values const&... values) {
    static_assert(
        ((!std::same_as<Columns, std::string_view> && !std::same_as<Columns, std::span<std::byte const>>) &&
         ...),
        "cleave: the row is gone when first() returns: ask for std::string or std::vector<std::byte>");
    auto prepared = prepare(sql);
    if (!prepared) return unexpected(std::move(prepared).error());
    if (auto bound = prepared->bind(values...); !bound) return unexpected(std::move(bound).error());
    auto more = prepared->step();
    if (!more) return unexpected(std::move(more).error());
    if (!*more) return std::optional<std::tuple<Columns...>>();
    auto row = prepared->template row<Columns...>();
    if (!row) return unexpected(std::move(row).error());
    return std::optional<std::tuple<Columns...>>(std::move(*row));
  }
  // The same for one column: db.value<std::int64_t>("SELECT count(*) FROM user").
  template <class T, class... Values> result<std::optional<T>> value(std::string_view sql,
                                                                     Values const&... values) {
    auto row = first<T>(sql, values...);
    if (!row) return unexpected(std::move(row).error());
    if (!*row) return std::optional<T>();
    return std::optional<T>(std::get<0>(std::move(**row)));
  }

  // Runs statements without parameters one after another until one fails: for schemas. Not a transaction of its own.
  result<void> run_script(std::string_view sql);

  // The INTEGER PRIMARY KEY of the last row that was inserted.
  std::int64_t last_insert_id() const noexcept;
  // Which kind of rule the last error with errc::constraint_violated was about.
  enum class rule : std::uint8_t { none, unique, primary_key, foreign_key, check, not_null, other };
  rule violated_rule() const noexcept;
  bool in_transaction() const noexcept;
  std::string_view path() const noexcept;

  // For experts: the connection itself, still owned by this object.
  sqlite3* handle() const noexcept;

private:
  explicit database(detail::connection* state) noexcept : state_(state) {}
  result<std::int64_t> run_counted(statement& prepared);
  void close() noexcept;

  detail::connection* state_;
};

} // namespace cleave::sqlite
