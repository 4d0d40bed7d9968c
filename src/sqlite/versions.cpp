// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/touch.hpp>
#include <cleave/sqlite/versions.hpp>

#include "checkpoints.hpp"

#include <sqlite3.h>

#include <bit>
#include <string>
#include <utility>
#include <vector>

namespace cleave::sqlite {

static_assert(cleave::version_table<versions>);

namespace {

using cleave::detail::hash_mix;
using cleave::detail::hash_text;

// A name as SQL takes it, whatever stands in it.
std::string quoted(std::string_view name) {
  std::string out = "\"";
  for (char const c : name) {
    out += c;
    if (c == '"') out += c;
  }
  return out += '"';
}

// Of a value, its type with it: 1, 1.0 and '1' are three.
std::uint64_t hash_value(sqlite3_stmt* row, int column, std::uint64_t hash) {
  int const type = sqlite3_column_type(row, column);
  hash = hash_mix(hash, static_cast<std::uint64_t>(type));
  switch (type) {
  case SQLITE_INTEGER: return hash_mix(hash, static_cast<std::uint64_t>(sqlite3_column_int64(row, column)));
  case SQLITE_FLOAT: return hash_mix(hash, std::bit_cast<std::uint64_t>(sqlite3_column_double(row, column)));
  case SQLITE_NULL: return hash;
  default: {
    // A text comes as its bytes too.
    auto const* const bytes = static_cast<char const*>(sqlite3_column_blob(row, column));
    auto const size = static_cast<std::size_t>(sqlite3_column_bytes(row, column));
    return hash_text(std::string_view(bytes == nullptr ? "" : bytes, size), hash);
  }
  }
}

// Sums, because they do not mind the order and count equal rows.
void add_row(sqlite3_stmt* row, int columns, row_digest& sum) {
  std::uint64_t low = 1;
  std::uint64_t high = 2;
  for (int i = 0; i < columns; ++i) {
    low = hash_value(row, i, low);
    high = hash_value(row, i, high);
  }
  ++sum.rows;
  sum.low += low;
  sum.high += high;
}

result<std::vector<std::string>> texts(database& db, std::string_view sql, std::string_view of) {
  std::vector<std::string> found;
  auto read = db.for_each(sql, [&](std::string text) { found.push_back(std::move(text)); }, of);
  if (!read) return unexpected(std::move(read).error());
  return found;
}

// What tells the rows of a table apart, as SQL takes it.
result<std::string> row_name(database& db, std::string_view table) {
  if (db.prepare("SELECT rowid FROM " + quoted(table))) return std::string("rowid");
  auto const columns = texts(db, "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 ORDER BY pk", table);
  if (!columns) return unexpected(columns.error());
  std::string out;
  for (std::string const& column : *columns) out += (out.empty() ? "" : ", ") + quoted(column);
  return out;
}

// The table is not empty, or gone: the rows that were removed are `most`, or fewer.
result<std::uint64_t> clear_table(database& db, std::string_view table, std::uint64_t most) {
  auto const there = db.value<std::int64_t>(
      "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1 COLLATE NOCASE", table);
  if (!there) return unexpected(there.error());
  if (there->value_or(0) == 0) return std::uint64_t{0};
  // No trigger is to hear of it: it could write to what stays.
  auto const triggers = texts(
      db, "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE", table);
  if (!triggers) return unexpected(triggers.error());
  for (std::string const& trigger : *triggers) {
    if (auto gone = db.run_script("DROP TRIGGER " + quoted(trigger)); !gone)
      return unexpected(std::move(gone).error());
  }
  auto const row = row_name(db, table);
  if (!row) return unexpected(row.error());
  auto const removed = db.execute("DELETE FROM " + quoted(table) + " WHERE (" + *row + ") IN (SELECT " +
                                      *row + " FROM " + quoted(table) + " LIMIT ?1)",
                                  most);
  if (!removed) return unexpected(removed.error());
  auto const rows = static_cast<std::uint64_t>(*removed);
  if (rows < most) {
    if (auto gone = db.run_script("DROP TABLE " + quoted(table)); !gone)
      return unexpected(std::move(gone).error());
  }
  return rows;
}

} // namespace

result<projection_versions> versions::find(std::string_view first) {
  auto row = db_->first<std::string, std::uint64_t, std::string, std::uint64_t, bool, std::string>(
      "SELECT active, active_build, beside, beside_build, switched, clearing FROM cleave_versions "
      "WHERE projection = ?1",
      projection_);
  if (!row) return unexpected(row.error());
  if (!*row) return projection_versions{.active = std::string(first), .beside = {}};
  auto& [active, active_build, beside, beside_build, switched, clearing] = **row;
  return projection_versions{std::move(active), active_build, std::move(beside),
                             beside_build,      switched,     std::move(clearing)};
}

result<void> versions::put(projection_versions const& changed) {
  auto const stored = db_->execute(
      "INSERT INTO cleave_versions (projection, active, active_build, beside, beside_build, switched, clearing) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (projection) DO UPDATE SET active = excluded.active, "
      "active_build = excluded.active_build, beside = excluded.beside, beside_build = excluded.beside_build, "
      "switched = excluded.switched, clearing = excluded.clearing",
      projection_, changed.active, changed.active_build, changed.beside, changed.beside_build,
      changed.switched, changed.clearing);
  if (!stored) return unexpected(stored.error());
  return {};
}

result<position> versions::checkpoint(std::string_view version) { return load_checkpoint(*db_, version); }

result<table_digest> versions::digest(std::string_view table) {
  auto rows = db_->prepare("SELECT * FROM " + quoted(table));
  if (!rows) return unexpected(std::move(rows).error());
  table_digest out;
  auto more = rows->step();
  // Behind the first step: a statement that was prepared before the table changed has its columns anew.
  int const columns = rows->columns();
  for (int i = 0; i < columns; ++i) {
    char const* const name = sqlite3_column_name(rows->handle(), i);
    out.columns.emplace_back(name != nullptr ? name : "");
  }
  for (; more && *more; more = rows->step()) add_row(rows->handle(), columns, out.rows);
  if (!more) return unexpected(std::move(more).error());
  return out;
}

result<std::uint64_t> versions::clear(std::string_view version, std::span<std::string_view const> tables,
                                      std::uint64_t most) {
  std::uint64_t removed = 0;
  for (std::string_view const table : tables) {
    auto const rows = clear_table(*db_, table, most - removed);
    if (!rows) return unexpected(rows.error());
    removed += *rows;
    if (removed >= most) return removed;
  }
  auto const letters = db_->execute(
      "DELETE FROM cleave_dead_letters WHERE projection = ?1 AND position IN "
      "(SELECT position FROM cleave_dead_letters WHERE projection = ?1 LIMIT ?2)",
      version, most - removed);
  if (!letters) return unexpected(letters.error());
  removed += static_cast<std::uint64_t>(*letters);
  if (removed >= most) return removed;
  for (char const* const sql :
       {"DELETE FROM cleave_checkpoints WHERE name = ?1", "DELETE FROM cleave_leases WHERE projection = ?1",
        "DELETE FROM cleave_partitions WHERE projection = ?1"}) {
    if (auto const gone = db_->execute(sql, version); !gone) return unexpected(gone.error());
  }
  return removed;
}

} // namespace cleave::sqlite
