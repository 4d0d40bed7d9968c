// SPDX-License-Identifier: BSL-1.0
#include "sqlite_error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cerrno>
#include <iterator>
#include <string>
#include <system_error>

namespace cleave::sqlite {

namespace {

constexpr std::size_t shown_sql_bytes = 160;

// Names of the codes that a reader of a log would otherwise have to look up.
std::string_view code_name(int code) noexcept {
  switch (code) {
  case SQLITE_CONSTRAINT_UNIQUE: return "SQLITE_CONSTRAINT_UNIQUE";
  case SQLITE_CONSTRAINT_PRIMARYKEY: return "SQLITE_CONSTRAINT_PRIMARYKEY";
  case SQLITE_CONSTRAINT_FOREIGNKEY: return "SQLITE_CONSTRAINT_FOREIGNKEY";
  case SQLITE_CONSTRAINT_CHECK: return "SQLITE_CONSTRAINT_CHECK";
  case SQLITE_CONSTRAINT_NOTNULL: return "SQLITE_CONSTRAINT_NOTNULL";
  case SQLITE_IOERR_READ: return "SQLITE_IOERR_READ";
  case SQLITE_IOERR_SHORT_READ: return "SQLITE_IOERR_SHORT_READ";
  case SQLITE_IOERR_WRITE: return "SQLITE_IOERR_WRITE";
  case SQLITE_IOERR_FSYNC: return "SQLITE_IOERR_FSYNC";
  case SQLITE_IOERR_DIR_FSYNC: return "SQLITE_IOERR_DIR_FSYNC";
  case SQLITE_IOERR_TRUNCATE: return "SQLITE_IOERR_TRUNCATE";
  case SQLITE_BUSY_SNAPSHOT: return "SQLITE_BUSY_SNAPSHOT";
  case SQLITE_BUSY_RECOVERY: return "SQLITE_BUSY_RECOVERY";
  default: break;
  }
  switch (code & 0xff) {
  case SQLITE_ERROR: return "SQLITE_ERROR";
  case SQLITE_PERM: return "SQLITE_PERM";
  case SQLITE_ABORT: return "SQLITE_ABORT";
  case SQLITE_BUSY: return "SQLITE_BUSY";
  case SQLITE_LOCKED: return "SQLITE_LOCKED";
  case SQLITE_NOMEM: return "SQLITE_NOMEM";
  case SQLITE_READONLY: return "SQLITE_READONLY";
  case SQLITE_INTERRUPT: return "SQLITE_INTERRUPT";
  case SQLITE_IOERR: return "SQLITE_IOERR";
  case SQLITE_CORRUPT: return "SQLITE_CORRUPT";
  case SQLITE_FULL: return "SQLITE_FULL";
  case SQLITE_CANTOPEN: return "SQLITE_CANTOPEN";
  case SQLITE_TOOBIG: return "SQLITE_TOOBIG";
  case SQLITE_CONSTRAINT: return "SQLITE_CONSTRAINT";
  case SQLITE_MISUSE: return "SQLITE_MISUSE";
  case SQLITE_NOTADB: return "SQLITE_NOTADB";
  default: return "SQLite";
  }
}

// SQLITE_CANTOPEN alone says nothing; the operating system's reason does.
errc cannot_open(int os_error) noexcept {
  switch (os_error) {
  case ENOENT:
  case ENOTDIR: return errc::not_found;
  case EACCES:
  case EPERM:
  case EROFS: return errc::read_only;
  case ENOSPC:
  case EDQUOT: return errc::disk_full;
  default: return errc::io_error;
  }
}

} // namespace

errc to_errc(int sqlite_code) noexcept {
  switch (sqlite_code & 0xff) {
  case SQLITE_ERROR:
  case SQLITE_MISUSE:
  case SQLITE_RANGE:
  case SQLITE_MISMATCH: return errc::invalid_argument;
  case SQLITE_BUSY:
  case SQLITE_LOCKED: return errc::busy;
  case SQLITE_NOMEM:
  case SQLITE_TOOBIG: return errc::limit_exceeded;
  case SQLITE_PERM:
  case SQLITE_READONLY:
  case SQLITE_AUTH: return errc::read_only;
  case SQLITE_CORRUPT:
  case SQLITE_FORMAT: return errc::corrupt;
  case SQLITE_NOTADB: return errc::not_a_store;
  case SQLITE_FULL: return errc::disk_full;
  case SQLITE_CONSTRAINT: return errc::constraint_violated;
  default: return errc::io_error;
  }
}

error sqlite_error(sqlite3* db, int sqlite_code, std::string_view path, std::string_view doing,
                   std::string_view sql) {
  errc code = to_errc(sqlite_code);
  int const os_error = db != nullptr ? sqlite3_system_errno(db) : 0;
  if ((sqlite_code & 0xff) == SQLITE_CANTOPEN) code = cannot_open(os_error);

  std::string text = fmt::format("{}: cannot {}", path, doing);
  if (!sql.empty()) {
    std::string_view const shown = sql.substr(0, shown_sql_bytes);
    fmt::format_to(std::back_inserter(text), " \"{}{}\"", shown, shown.size() < sql.size() ? "..." : "");
  }
  char const* const said = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(sqlite_code);
  fmt::format_to(std::back_inserter(text), ": {} ({}", said, code_name(sqlite_code));
  bool const from_os = (sqlite_code & 0xff) == SQLITE_CANTOPEN || (sqlite_code & 0xff) == SQLITE_IOERR;
  if (from_os && os_error != 0)
    fmt::format_to(std::back_inserter(text), ", {}", std::generic_category().message(os_error));
  text += ')';
  return error(code, std::move(text));
}

} // namespace cleave::sqlite
