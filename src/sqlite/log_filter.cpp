// SPDX-License-Identifier: BSL-1.0
#include "log_filter.hpp"

#include <cleave/event/json_writer.hpp>

#include "number.hpp"
#include "sqlite_error.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace cleave::sqlite {

namespace {

constexpr int names_parameter = log_filter::taker + 1;

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

// Remembers where the first row stands.
class first_taker final : public row_taker {
public:
  bool take(sqlite3_value** row) override {
    at_ = static_cast<std::uint64_t>(sqlite3_value_int64(row[1]));
    return false;
  }
  std::uint64_t at() const noexcept { return at_; }

private:
  std::uint64_t at_ = 0;
};

// The first match of any item; 0: none.
result<std::uint64_t> first_match(database& db, id_finder& ids, event_query const& query,
                                  std::uint64_t after) {
  auto const items = find_ids(ids, db, query);
  if (!items) return unexpected(items.error());
  std::uint64_t first = 0;
  for (item_ids const& item : *items) {
    first_taker taker;
    auto const found = walk_item(db, item, "l.name", after, first == 0 ? UINT64_MAX : first - 1, taker);
    if (!found) return unexpected(found.error());
    if (*found) first = taker.at();
  }
  return first;
}

result<std::uint64_t> first_named(database& db, log_filter const& filter, std::uint64_t after) {
  auto prepared = db.prepare(fmt::format("SELECT l.position FROM cleave_log l WHERE l.position > ?1 AND "
                                         "l.position <= ?2{}{} ORDER BY l.position LIMIT ?3",
                                         filter.sql().empty() ? "" : " AND ", filter.sql()));
  if (!prepared) return unexpected(prepared.error());
  if (auto good = filter.bind(db, *prepared, after, UINT64_MAX, 1); !good) return unexpected(good.error());
  auto const found = prepared->step();
  if (!found) return unexpected(found.error());
  if (!*found) return std::uint64_t{0};
  return prepared->column<std::uint64_t>(0);
}

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
  if (by_tag_) return;
  for (query_item const& item : query.items)
    names_.insert(names_.end(), item.names.begin(), item.names.end());
  std::ranges::sort(names_);
  names_.erase(std::unique(names_.begin(), names_.end()), names_.end());
  parameter_ = json_array(names_);
  sql_ = fmt::format(
      "l.name IN (SELECT id FROM cleave_names WHERE name IN (SELECT value FROM json_each(?{})))",
      names_parameter);
}

result<bool> log_filter::look_up_names(database& db) {
  if (names_.empty() || names_.size() > few_names) return true;
  std::string condition;
  std::int64_t known = 0;
  for (std::string_view const name : names_) {
    auto const id = db.value<std::int64_t>("SELECT id FROM cleave_names WHERE name = ?1", name);
    if (!id) return unexpected(id.error());
    if (!*id) continue;
    ++known;
    condition += fmt::format("{}l.name = {}", condition.empty() ? "" : " OR ", **id);
  }
  auto const all = db.value<std::int64_t>("SELECT count(*) FROM cleave_names");
  if (!all) return unexpected(all.error());
  parameter_.clear();
  sql_ = known == all->value_or(0) ? std::string() : std::move(condition);
  return known != 0;
}

result<void> log_filter::bind(database& db, statement& prepared, std::uint64_t after, std::uint64_t upto,
                              std::uint64_t limit) const {
  sqlite3_bind_int64(prepared.handle(), 1, sql_bound(after));
  sqlite3_bind_int64(prepared.handle(), 2, sql_bound(upto));
  sqlite3_bind_int64(prepared.handle(), 3, sql_bound(limit));
  if (parameter_.empty()) return {};
  int const code = sqlite3_bind_text64(prepared.handle(), names_parameter, parameter_.data(),
                                       parameter_.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code == SQLITE_OK) return {};
  return unexpected(
      sqlite_error(db.handle(), code, db.path(), "bind a filter of", sqlite3_sql(prepared.handle())));
}

result<position> find_match(database& db, id_finder& ids, event_query const& query, position after,
                            std::string& name) {
  log_filter const filter(query);
  auto const at = filter.by_tag() ? first_match(db, ids, query, after.value())
                                  : first_named(db, filter, after.value());
  if (!at) return unexpected(at.error());
  if (*at == 0) return position();
  auto text = db.value<std::string>(
      "SELECT n.name FROM cleave_log l JOIN cleave_names n ON n.id = l.name WHERE l.position = ?1", *at);
  if (!text) return unexpected(text.error());
  name = std::move(*text).value_or("");
  return position(*at);
}

} // namespace cleave::sqlite
