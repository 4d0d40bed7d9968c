// SPDX-License-Identifier: BSL-1.0
// An event query as SQL.
#pragma once

#include <cleave/event/event_query.hpp>
#include <cleave/event/position.hpp>
#include <cleave/sqlite/database.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::sqlite {

// Two ways. Without tags: the log is walked, and only wanted names pass. With tags: the positions come, in order, out of the
// index by tag, one branch for each item of the query.
class log_filter {
public:
  explicit log_filter(event_query const& query);

  bool by_tag() const noexcept { return by_tag_; }
  // Without tags: a condition on the column `name` of cleave_log l; empty when every name passes.
  // With tags: a query for the column `position`, in ascending order, with ?1 < position <= ?2 and at most ?3 rows.
  std::string const& sql() const noexcept { return sql_; }
  // ?4 is left to whoever takes the rows.
  static constexpr int taker = 4;
  // Binds ?1 to ?3 and the filter's own parameters behind ?4, which live as long as the filter.
  result<void> bind(database& db, statement& prepared, std::uint64_t after, std::uint64_t upto,
                    std::uint64_t limit) const;

private:
  std::string add_parameter(std::string value);
  std::string name_condition(std::string_view column, std::string names);
  std::string branch(query_item const& item);

  bool by_tag_ = false;
  std::string sql_;
  std::vector<std::string> parameters_;
};

// The first event behind `after` that matches, or position 0. `name` becomes its name.
result<position> find_match(database& db, event_query const& query, position after, std::string& name);

} // namespace cleave::sqlite
