// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/touch.hpp>
#include <cleave/sqlite/versions.hpp>

#include "checkpoints.hpp"

#include <sqlite3.h>

#include <bit>

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

} // namespace

result<projection_versions> versions::find(std::string_view first) {
  auto row = db_->first<std::string, std::uint64_t, std::string, std::uint64_t, bool>(
      "SELECT active, active_build, beside, beside_build, switched FROM cleave_versions WHERE projection = ?1",
      projection_);
  if (!row) return unexpected(row.error());
  if (!*row) return projection_versions{.active = std::string(first), .beside = {}};
  auto& [active, active_build, beside, beside_build, switched] = **row;
  return projection_versions{std::move(active), active_build, std::move(beside), beside_build, switched};
}

result<void> versions::put(projection_versions const& changed) {
  auto const stored = db_->execute(
      "INSERT INTO cleave_versions (projection, active, active_build, beside, beside_build, switched) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (projection) DO UPDATE SET active = excluded.active, "
      "active_build = excluded.active_build, beside = excluded.beside, beside_build = excluded.beside_build, "
      "switched = excluded.switched",
      projection_, changed.active, changed.active_build, changed.beside, changed.beside_build,
      changed.switched);
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

result<void> versions::drop(std::string_view version, std::span<std::string_view const> tables) {
  for (std::string_view const table : tables) {
    if (auto gone = db_->run_script("DROP TABLE IF EXISTS " + quoted(table)); !gone) return gone;
  }
  for (char const* const sql : {"DELETE FROM cleave_checkpoints WHERE name = ?1",
                                "DELETE FROM cleave_dead_letters WHERE projection = ?1",
                                "DELETE FROM cleave_leases WHERE projection = ?1"}) {
    if (auto const gone = db_->execute(sql, version); !gone) return unexpected(gone.error());
  }
  return {};
}

} // namespace cleave::sqlite
