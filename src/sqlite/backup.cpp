// SPDX-License-Identifier: BSL-1.0
// event_store::backup, by SQLite's backup API.
#include <cleave/sqlite/event_store.hpp>

#include "connection.hpp"
#include "engine.hpp"
#include "new_file.hpp"
#include "sqlite_error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <optional>

namespace cleave::sqlite {

namespace {

// All pages in one step: of one snapshot, so that no commit of somebody else makes SQLite begin again.
result<void> copy_pages(database& from, database& to) {
  sqlite3_backup* const copying = sqlite3_backup_init(to.handle(), "main", from.handle(), "main");
  if (copying == nullptr) {
    int const code = sqlite3_extended_errcode(to.handle());
    return unexpected(sqlite_error(to.handle(), code, to.path(), "begin a backup"));
  }
  constexpr int all_pages = -1;
  int const stepped = sqlite3_backup_step(copying, all_pages);
  int const finished = sqlite3_backup_finish(copying); // puts the code and the text into `to`
  if (stepped == SQLITE_DONE && finished == SQLITE_OK) return {};
  int const code = finished != SQLITE_OK ? finished : stepped;
  return unexpected(sqlite_error(to.handle(), code, to.path(), fmt::format("copy {}", from.path())));
}

result<void> copy_store(database& from, std::string const& path, std::string const& vfs) {
  auto to = database::open({.path = path, .create = false, .vfs = vfs});
  if (!to && to.error().code() == errc::not_found) {
    return unexpected(
        error(errc::unsupported,
              fmt::format("{}: a file of the disk cannot be opened through the store's VFS", path),
              std::move(to).error()));
  }
  if (!to) return unexpected(std::move(to).error());
  // A copy that fails is removed: a journal would be work for nothing. FULL: SQLite syncs the file before it says that it is done.
  if (auto good = to->run_script("PRAGMA journal_mode = OFF; PRAGMA synchronous = FULL"); !good) return good;
  return copy_pages(from, *to);
}

} // namespace

result<void> event_store::backup(std::string const& to) {
  if (to.empty() || to.find('\0') != std::string::npos)
    return unexpected(make_error(errc::invalid_argument, "a backup needs a file name; \"{}\" is none", to));
  for (char const* const companion : {"-wal", "-journal"}) {
    if (auto good = check_not_there(to + companion); !good) return good;
  }
  event_store_options const& chosen = engine_->options();
  auto made = new_file::make(to, chosen.path);
  if (!made) return unexpected(std::move(made).error());
  auto copied = engine_->readers().read(
      [&](database& db) -> result<void> { return copy_store(db, made->partial(), chosen.vfs); });
  if (!copied) return copied;
  return made->finish();
}

} // namespace cleave::sqlite
