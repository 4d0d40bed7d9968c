// SPDX-License-Identifier: BSL-1.0
// event_store::verify: the file as SQLite sees it, the log and what is derived from it, and the small tables.
#include <cleave/base/limits.hpp>
#include <cleave/event/stream.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "engine.hpp"
#include "findings.hpp"
#include "log_check.hpp"
#include "schema.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

namespace cleave::sqlite {

namespace {

result<void> check_schema(database& db, findings& found) {
  auto const version = read_schema_version(db, event_store_schema);
  if (!version) return found.unreadable({.table = "cleave_meta"}, "the schema's version", version.error());
  if (std::int64_t const known = event_store_schema.steps.back().version; *version != known)
    found.add({.table = "cleave_meta"}, "the schema has version {}, this store works with {}", *version,
              known);
  return {};
}

// SQLite's own check of the file, or of one table: at most 100 lines; none when all is well. It may give up in the middle.
struct page_report {
  std::vector<std::string> lines;
  std::optional<error> ended;
};
page_report integrity_check(database& db, std::string_view argument) {
  page_report report;
  auto const good = db.for_each(fmt::format("PRAGMA integrity_check({})", argument),
                                [&](std::string_view row) {
                                  if (row == "ok") return;
                                  while (!row.empty()) {
                                    std::string_view const line = row.substr(0, row.find('\n'));
                                    if (!line.starts_with("***")) report.lines.emplace_back(line);
                                    row.remove_prefix(std::min(line.size() + 1, row.size()));
                                  }
                                });
  if (!good) report.ended = good.error();
  return report;
}

// SQLite names pages. Asked for one table after another it tells whose they are.
result<void> check_pages(database& db, findings& found) {
  page_report const whole = integrity_check(db, "100");
  if (whole.lines.empty() && !whole.ended) return {};
  if (whole.ended && !db.in_transaction()) {
    // After a failed read of the operating system.
    for (std::string const& line : whole.lines) found.add({}, "SQLite: {}", line);
    return found.unreadable({}, "the file", *whole.ended);
  }
  std::vector<std::string> tables;
  auto const named = db.for_each("SELECT name FROM sqlite_schema WHERE type = 'table'",
                                 [&](std::string_view name) { tables.emplace_back(name); });
  if (!named) return found.unreadable({}, "the list of tables", named.error());
  std::vector<std::string> told;
  for (std::string const& table : tables) {
    char* const quoted = sqlite3_mprintf("%Q", table.c_str());
    page_report report = integrity_check(db, quoted != nullptr ? quoted : "''");
    sqlite3_free(quoted);
    for (std::string& line : report.lines) {
      found.add({.table = table}, "SQLite: {}", line);
      told.push_back(std::move(line));
    }
    if (!report.ended) continue;
    auto good = found.unreadable({.table = table}, table + " as a whole", *report.ended);
    if (!good) return good;
  }
  for (std::string const& line : whole.lines) {
    if (std::find(told.begin(), told.end(), line) == told.end()) found.add({}, "SQLite: {}", line);
  }
  return {};
}

result<void> check_outcomes(database& db, findings& found, std::int64_t head) {
  auto const check = [&](statement const& row) -> result<void> {
    place const at{.table = "cleave_outcomes"};
    auto const columns =
        row.row<command_id, std::string_view, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                std::optional<std::string_view>, std::optional<std::string_view>>();
    if (!columns) {
      found.add(at, "a row has a column that no store has written: {}", columns.error().text());
      return {};
    }
    auto const& [id, command, fingerprint, position, version, recorded_at, code, reason] = *columns;
    std::string const name = to_string(id);
    if (position < 0 || position > head || version < 0) {
      found.add(at, "the command {} ({}) ended at position {} and version {}, the log ends at {}", name,
                command, position, version, head);
    }
    if (code.has_value() != reason.has_value() || (code && position != 0)) {
      found.add(at, "the command {} ({}) has position {}, rejection {} and reason {}", name, command,
                position, code.value_or("NULL"), reason.value_or("NULL"));
    }
    return {};
  };
  auto const whole = read_rows(
      db, found, "cleave_outcomes",
      "SELECT id, command, fingerprint, position, version, recorded_at, rejection, reason FROM cleave_outcomes",
      check);
  return whole ? result<void>() : unexpected(whole.error());
}

// Which of them are in the table, and which only in the log.
result<void> check_told(database& db, findings& found, std::int64_t head) {
  auto const told = db.value<std::int64_t>("SELECT value FROM cleave_meta WHERE name = 'outcomes_at'");
  if (!told) return found.unreadable({.table = "cleave_meta"}, "outcomes_at", told.error());
  if (std::int64_t const at = told->value_or(0); at < 0 || at > head)
    found.add({.table = "cleave_meta"}, "outcomes_at is {}, the log ends at {}", at, head);
  return {};
}

result<void> check_checkpoints(database& db, findings& found, std::int64_t head) {
  auto const check = [&](statement const& row) -> result<void> {
    auto const columns = row.row<std::string_view, std::int64_t>();
    if (!columns) {
      found.add({.table = "cleave_checkpoints"}, "a row has a column that no store has written: {}",
                columns.error().text());
      return {};
    }
    auto const& [projection, position] = *columns;
    if (position < 0 || position > head) {
      found.add({.table = "cleave_checkpoints", .position = position},
                "the projection {} has applied the log up to position {}, it ends at {}", projection,
                position, head);
    }
    return {};
  };
  auto const whole = read_rows(db, found, "cleave_checkpoints",
                               "SELECT name, position FROM cleave_checkpoints", check);
  return whole ? result<void>() : unexpected(whole.error());
}

result<void> check_all(database& db, findings& found, verification& seen) {
  if (auto good = check_schema(db, found); !good) return good;
  if (auto good = check_pages(db, found); !good) return good;
  log_check log(db, found, seen);
  if (auto good = log.run(); !good) return good;
  if (auto good = check_outcomes(db, found, log.head()); !good) return good;
  if (auto good = check_told(db, found, log.head()); !good) return good;
  return check_checkpoints(db, found, log.head());
}

} // namespace

result<verification> event_store::verify() {
  verification seen;
  bool told = false;
  auto const looked = engine_->readers().read([&](database& db) -> result<void> {
    findings found(db, seen);
    auto done = check_all(db, found, seen);
    told = done || found.snapshot_lost();
    return done;
  });
  // SQLite remembers that it has met damage, and lets the end of the read transaction fail.
  if (!looked && !told) return unexpected(looked.error());
  return seen;
}

} // namespace cleave::sqlite
