// SPDX-License-Identifier: BSL-1.0
#include "log_filter.hpp"

#include <cleave/event/json_writer.hpp>

#include "number.hpp"
#include "sqlite_error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace cleave::sqlite {

namespace {

constexpr int first_parameter = log_filter::taker + 1;

std::string json_array(std::span<std::string_view const> texts) {
  std::string out;
  char lead = '[';
  cleave::detail::json_writer writer(out);
  for (std::string_view const text : texts) {
    writer.put(lead);
    writer.text(text); // checked by check_query: it is UTF-8
    lead = ',';
  }
  writer.put(']');
  writer.flush();
  return out;
}

constexpr std::string_view tag_id = "(SELECT id FROM cleave_tags WHERE tag = {})";

} // namespace

log_filter::log_filter(event_query const& query) {
  bool any_name = query.matches_all();
  for (query_item const& item : query.items) {
    if (!item.tags.empty()) by_tag_ = true;
    else if (item.names.empty()) any_name = true;
  }
  if (any_name) {
    // One item that takes everything makes the others idle.
    by_tag_ = false;
    return;
  }
  if (!by_tag_) {
    std::vector<std::string_view> names;
    for (query_item const& item : query.items)
      names.insert(names.end(), item.names.begin(), item.names.end());
    sql_ = name_condition("l.name", json_array(names));
    return;
  }
  for (query_item const& item : query.items) sql_ += (sql_.empty() ? "" : " UNION ") + branch(item);
  sql_ += " ORDER BY 1 LIMIT ?3";
}

std::string log_filter::add_parameter(std::string value) {
  parameters_.push_back(std::move(value));
  return fmt::format("?{}", first_parameter + parameters_.size() - 1);
}

std::string log_filter::name_condition(std::string_view column, std::string names) {
  return fmt::format("{} IN (SELECT id FROM cleave_names WHERE name IN (SELECT value FROM json_each({})))",
                     column, add_parameter(std::move(names)));
}

std::string log_filter::branch(query_item const& item) {
  if (item.tags.empty()) {
    return "SELECT l.position FROM cleave_log l WHERE l.position > ?1 AND l.position <= ?2 AND " +
           name_condition("l.name", json_array(item.names));
  }
  std::string sql = fmt::format(
      "SELECT t.position FROM cleave_tagged t WHERE t.tag = {} AND t.position > ?1 AND t.position <= ?2",
      fmt::format(fmt::runtime(tag_id), add_parameter(std::string(item.tags[0]))));
  for (std::string_view const tag : item.tags.subspan(1)) {
    sql += fmt::format(
        " AND EXISTS (SELECT 1 FROM cleave_tagged o WHERE o.tag = {} AND o.position = t.position)",
        fmt::format(fmt::runtime(tag_id), add_parameter(std::string(tag))));
  }
  if (!item.names.empty()) {
    sql += " AND " + name_condition("(SELECT l.name FROM cleave_log l WHERE l.position = t.position)",
                                    json_array(item.names));
  }
  return sql;
}

result<void> log_filter::bind(database& db, statement& prepared, std::uint64_t after, std::uint64_t upto,
                              std::uint64_t limit) const {
  sqlite3_bind_int64(prepared.handle(), 1, sql_bound(after));
  sqlite3_bind_int64(prepared.handle(), 2, sql_bound(upto));
  sqlite3_bind_int64(prepared.handle(), 3, sql_bound(limit));
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    std::string const& value = parameters_[i];
    int const code = sqlite3_bind_text64(prepared.handle(), first_parameter + static_cast<int>(i),
                                         value.data(), value.size(), SQLITE_STATIC, SQLITE_UTF8);
    if (code != SQLITE_OK)
      return unexpected(
          sqlite_error(db.handle(), code, db.path(), "bind a filter of", sqlite3_sql(prepared.handle())));
  }
  return {};
}

result<position> find_match(database& db, event_query const& query, position after, std::string& name) {
  log_filter const filter(query);
  std::string const sql =
      filter.by_tag()
          ? filter.sql()
          : fmt::format("SELECT l.position FROM cleave_log l WHERE l.position > ?1 AND l.position <= ?2{}{} "
                        "ORDER BY l.position LIMIT ?3",
                        filter.sql().empty() ? "" : " AND ", filter.sql());
  auto prepared = db.prepare(sql);
  if (!prepared) return unexpected(prepared.error());
  if (auto good = filter.bind(db, *prepared, after.value(), UINT64_MAX, 1); !good)
    return unexpected(good.error());
  auto const found = prepared->step();
  if (!found) return unexpected(found.error());
  if (!*found) return position();
  auto const at = prepared->column<std::uint64_t>(0);
  if (!at) return unexpected(at.error());
  auto text = db.value<std::string>(
      "SELECT n.name FROM cleave_log l JOIN cleave_names n ON n.id = l.name WHERE l.position = ?1", *at);
  if (!text) return unexpected(text.error());
  name = std::move(*text).value_or("");
  return position(*at);
}

} // namespace cleave::sqlite
