// SPDX-License-Identifier: BSL-1.0
// An event query on the log in SQLite.
#pragma once

#include <cleave/event/event_query.hpp>
#include <cleave/event/position.hpp>
#include <cleave/sqlite/database.hpp>

#include "item_walk.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::sqlite {

// Two ways. Without tags the log is walked, and only wanted names pass; with tags each item is walked by itself (item_walk.hpp).
class log_filter {
public:
  explicit log_filter(event_query const& query);

  bool by_tag() const noexcept { return by_tag_; }
  // Without tags, and with few names: asks for their ids, so that each row is compared with numbers, or with nothing where the log
  // has no other names. Good for what the snapshot shows. False: the log has none of them.
  result<bool> look_up_names(database& db);
  // Without tags: a condition on the column `name` of cleave_log l; empty when every name passes.
  std::string const& sql() const noexcept { return sql_; }
  // ?4 is left to whoever takes the rows.
  static constexpr int taker = 4;
  // Binds ?1 < position <= ?2, at most ?3 rows, and the filter's own parameter behind ?4, which lives as long as the filter.
  result<void> bind(database& db, statement& prepared, std::uint64_t after, std::uint64_t upto,
                    std::uint64_t limit) const;

private:
  static constexpr std::size_t few_names = 8;

  bool by_tag_ = false;
  std::string sql_;
  std::vector<std::string_view> names_; // without tags: those that pass
  std::string parameter_;               // the same as JSON; empty: the condition has no parameter
};

// The first event behind `after` that matches, or position 0. `name` becomes its name.
result<position> find_match(database& db, id_finder& ids, event_query const& query, position after,
                            std::string& name);

} // namespace cleave::sqlite
