// SPDX-License-Identifier: BSL-1.0
#include "item_walk.hpp"

#include "number.hpp"

#include <sqlite3.h>

#include <string>

namespace cleave::sqlite {

namespace {

// ?1 and ?2 are the bounds.
constexpr int taker_place = 3;
constexpr int first_id = taker_place + 1;

// Put together by hand, because it is done for each walk.
std::string sql_for(std::size_t names, std::size_t tags, std::string_view columns) {
  std::string sql;
  sql.reserve(320 + 24 * names + 96 * tags);
  int place = first_id;
  auto const add_place = [&] { sql += std::to_string(place++); };
  std::string_view const at = tags == 0 ? "l.position" : "t.position";
  if (tags == 0) {
    sql += "SELECT 1 FROM cleave_log l WHERE ";
  } else {
    sql += "SELECT 1 FROM cleave_tagged t LEFT JOIN cleave_log l ON l.position = t.position WHERE t.tag = ?";
    add_place();
    sql += " AND ";
  }
  sql.append(at).append(" > ?1 AND ").append(at).append(" <= ?2 AND ");
  for (std::size_t i = 1; i < tags; ++i) {
    sql += "EXISTS (SELECT 1 FROM cleave_tagged o WHERE o.position = t.position AND o.tag = ?";
    add_place();
    sql += ") AND ";
  }
  // No IN: it would make a table of more than two names, for each run.
  if (names != 0) sql += "CASE WHEN l.name IS NULL";
  for (std::size_t i = 0; i < names; ++i) {
    sql += " OR l.name = ?";
    add_place();
  }
  if (names != 0) sql += " THEN ";
  sql.append("cleave_take(?3, ").append(columns).append(", ").append(at).append(")");
  if (names != 0) sql += " END";
  return sql.append(" ORDER BY ").append(at);
}

// False: nothing in the file matches the item.
result<bool> find_ids_of(id_finder& ids, database& db, query_item const& item, item_ids& to) {
  for (std::string_view const tag : item.tags) {
    auto const id = ids.find_tag(db, tag);
    if (!id) return unexpected(id.error());
    if (!*id) return false;
    to.tags.push_back(**id);
  }
  for (std::string_view const name : item.names) {
    auto const id = ids.find_name(db, name);
    if (!id) return unexpected(id.error());
    if (*id) to.names.push_back(**id);
  }
  return item.names.empty() || !to.names.empty();
}

} // namespace

result<std::optional<std::int64_t>> id_finder::find_name(database& db, std::string_view name) {
  return db.value<std::int64_t>("SELECT id FROM cleave_names WHERE name = ?1", name);
}

result<std::optional<std::int64_t>> id_finder::find_tag(database& db, std::string_view tag) {
  return db.value<std::int64_t>("SELECT id FROM cleave_tags WHERE tag = ?1", tag);
}

result<std::vector<item_ids>> find_ids(id_finder& ids, database& db, event_query const& query) {
  std::vector<item_ids> found;
  found.reserve(query.items.size());
  for (query_item const& item : query.items) {
    auto const matches = find_ids_of(ids, db, item, found.emplace_back());
    if (!matches) return unexpected(matches.error());
    if (!*matches) found.pop_back();
  }
  return found;
}

result<bool> walk_item(database& db, item_ids const& item, std::string_view columns, std::uint64_t after,
                       std::uint64_t upto, row_taker& taker) {
  auto rows = db.prepare(sql_for(item.names.size(), item.tags.size(), columns));
  if (!rows) return unexpected(std::move(rows).error());
  sqlite3_stmt* const handle = rows->handle();
  // Binding an integer fails for a wrong place only.
  sqlite3_bind_int64(handle, 1, sql_bound(after));
  sqlite3_bind_int64(handle, 2, sql_bound(upto));
  int place = first_id;
  for (std::int64_t const tag : item.tags) sqlite3_bind_int64(handle, place++, tag);
  for (std::int64_t const name : item.names) sqlite3_bind_int64(handle, place++, name);
  return run_through(db, *rows, taker_place, taker);
}

} // namespace cleave::sqlite
