// SPDX-License-Identifier: BSL-1.0
#include <cleave/sqlite/database.hpp>

#include "connection.hpp"
#include "sqlite_error.hpp"

#include <sqlite3.h>

#include <cstring>
#include <limits>

namespace cleave::sqlite {

namespace {

// Debian's SQLite reads "file:..." as a URI and ":memory:" as no file at all; here a path is a path.
std::string plain_path(std::string const& path) {
  bool const special = path.starts_with("file:") || path.starts_with(":");
  return special ? "./" + path : path;
}

bool is_blank(std::string_view sql) noexcept {
  return sql.find_first_not_of(" \t\r\n;") == std::string_view::npos;
}

result<sqlite3_stmt*> prepare_next(detail::connection& owner, std::string_view& sql, unsigned flags) {
  std::string_view const all = sql;
  if (all.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return unexpected(
        make_error(errc::limit_exceeded, "{}: an SQL text of {} bytes", owner.path, all.size()));
  }
  sqlite3_stmt* made = nullptr;
  char const* tail = nullptr;
  int const code = sqlite3_prepare_v3(owner.handle, all.data(), static_cast<int>(all.size()), flags, &made,
                                      &tail);
  if (code != SQLITE_OK) return unexpected(owner.failure(code, "prepare", all));
  sql = all.substr(static_cast<std::size_t>(tail - all.data()));
  return made;
}

} // namespace

namespace detail {

namespace {

// Of a text that is looked up for each run of a statement: a few of its words tell the statements of a program apart.
std::size_t hash_of(std::string_view sql) noexcept {
  constexpr std::size_t word = sizeof(std::uint64_t);
  constexpr std::size_t words = 4;
  std::uint64_t hash = sql.size();
  if (sql.size() < word) return static_cast<std::size_t>(hash);
  for (std::size_t i = 0; i < words; ++i) {
    std::uint64_t part = 0;
    std::memcpy(&part, sql.data() + (sql.size() - word) * i / (words - 1), word);
    hash = (hash ^ part) * 0x9e37'79b9'7f4a'7c15U;
  }
  return static_cast<std::size_t>(hash);
}

} // namespace

sqlite3_stmt* connection::take(std::string_view sql) {
  std::size_t const hash = hash_of(sql);
  for (cached& place : cache) {
    if (place.handle == nullptr || place.hash != hash || sql != sqlite3_sql(place.handle)) continue;
    return std::exchange(place.handle, nullptr);
  }
  return nullptr;
}

void connection::put(sqlite3_stmt* idle) noexcept {
  std::size_t const hash = hash_of(sqlite3_sql(idle));
  cached* place = &cache.front();
  for (cached& candidate : cache) {
    if (candidate.handle == nullptr) {
      place = &candidate;
      break;
    }
    if (candidate.last_used < place->last_used) place = &candidate;
  }
  if (place->handle != nullptr) sqlite3_finalize(place->handle);
  *place = {hash, idle, ++uses};
}

error connection::failure(int code, std::string_view doing, std::string_view sql) {
  last_failure = code;
  return sqlite_error(handle, code, path, doing, sql);
}

} // namespace detail

result<database> database::open(options const& chosen) {
  if (chosen.path.empty() || chosen.path.find('\0') != std::string::npos) {
    return unexpected(
        make_error(errc::invalid_argument, "a database needs a file name; \"{}\" is none", chosen.path));
  }
  database opened(new detail::connection);
  detail::connection& owner = *opened.state_;
  owner.path = plain_path(chosen.path);
  owner.cache.resize(detail::connection::cache_places);

  // Also a reader opens for writing: it may have to write the WAL's shared memory. PRAGMA query_only keeps it from changing data.
  int const flags = SQLITE_OPEN_READWRITE | (chosen.create && !chosen.read_only ? SQLITE_OPEN_CREATE : 0) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  char const* const vfs = chosen.vfs.empty() ? nullptr : chosen.vfs.c_str();
  if (vfs != nullptr && sqlite3_vfs_find(vfs) == nullptr) {
    return unexpected(
        make_error(errc::not_found, "{}: no SQLite VFS is registered as \"{}\"", owner.path, chosen.vfs));
  }
  int const code = sqlite3_open_v2(owner.path.c_str(), &owner.handle, flags, vfs);
  if (code != SQLITE_OK) return unexpected(owner.failure(code, "open the file", {}));
  if (!chosen.read_only && sqlite3_db_readonly(owner.handle, "main") == 1) {
    return unexpected(make_error(errc::read_only, "{}: the file cannot be written", owner.path));
  }
  constexpr auto longest = static_cast<std::uint32_t>(std::numeric_limits<int>::max());
  sqlite3_busy_timeout(owner.handle, static_cast<int>(std::min(chosen.busy_wait_ms, longest)));
  sqlite3_db_config(owner.handle, SQLITE_DBCONFIG_ENABLE_FKEY, 1, nullptr);
  // A text in double quotes that names no column is an error, not a string.
  sqlite3_db_config(owner.handle, SQLITE_DBCONFIG_DQS_DML, 0, nullptr);
  sqlite3_db_config(owner.handle, SQLITE_DBCONFIG_DQS_DDL, 0, nullptr);
  if (chosen.read_only) {
    if (auto good = opened.run_script("PRAGMA query_only = ON"); !good)
      return unexpected(std::move(good).error());
  }
  return opened;
}

void database::close() noexcept {
  for (detail::connection::cached const& place : state_->cache) sqlite3_finalize(place.handle);
  [[maybe_unused]] int const code = sqlite3_close(state_->handle);
  CLEAVE_ASSERT(code == SQLITE_OK, "a database is destroyed before its statements");
  delete state_;
}

result<statement> database::prepare(std::string_view sql) {
  if (sqlite3_stmt* const idle = state_->take(sql)) return statement(state_, idle);
  std::string_view rest = sql;
  auto made = prepare_next(*state_, rest, SQLITE_PREPARE_PERSISTENT);
  if (!made) return unexpected(std::move(made).error());
  if (*made == nullptr || !is_blank(rest)) {
    sqlite3_finalize(*made);
    return unexpected(
        make_error(errc::invalid_argument, "{}: wanted one SQL statement: \"{}\"", state_->path, sql));
  }
  return statement(state_, *made);
}

result<std::int64_t> database::run_counted(statement& prepared) {
  std::int64_t const before = sqlite3_total_changes64(state_->handle);
  if (auto good = prepared.run(); !good) return unexpected(std::move(good).error());
  // sqlite3_changes64 keeps the count of an earlier statement when this one changes no rows.
  return sqlite3_total_changes64(state_->handle) == before ? 0 : sqlite3_changes64(state_->handle);
}

result<void> database::run_script(std::string_view sql) {
  while (!is_blank(sql)) {
    auto made = prepare_next(*state_, sql, 0);
    if (!made) return unexpected(std::move(made).error());
    if (*made == nullptr) continue; // a comment
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(*made);
    if (code != SQLITE_DONE) {
      error failed = state_->failure(sqlite3_extended_errcode(state_->handle), "run", sqlite3_sql(*made));
      sqlite3_finalize(*made);
      return unexpected(std::move(failed));
    }
    sqlite3_finalize(*made);
  }
  return {};
}

std::int64_t database::last_insert_id() const noexcept { return sqlite3_last_insert_rowid(state_->handle); }

database::rule database::violated_rule() const noexcept {
  if ((state_->last_failure & 0xff) != SQLITE_CONSTRAINT) return rule::none;
  switch (state_->last_failure) {
  case SQLITE_CONSTRAINT_UNIQUE:
  case SQLITE_CONSTRAINT_ROWID: return rule::unique;
  case SQLITE_CONSTRAINT_PRIMARYKEY: return rule::primary_key;
  case SQLITE_CONSTRAINT_FOREIGNKEY: return rule::foreign_key;
  case SQLITE_CONSTRAINT_CHECK: return rule::check;
  case SQLITE_CONSTRAINT_NOTNULL: return rule::not_null;
  default: return rule::other;
  }
}

bool database::in_transaction() const noexcept { return sqlite3_get_autocommit(state_->handle) == 0; }

std::string_view database::path() const noexcept { return state_->path; }

sqlite3* database::handle() const noexcept { return state_->handle; }

} // namespace cleave::sqlite
