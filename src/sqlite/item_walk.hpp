// SPDX-License-Identifier: BSL-1.0
// How a query with tags is read: each of its items is walked by itself, along the index of tags, and whoever takes the events puts
// them in one order. Names and tags are looked up once, as the small integers that they are in the file; as texts in one statement
// for all items (UNION, IN, json_each) a boundary of a dozen events costs 180,000 instructions, mostly for tables that live as
// long as the statement.
#pragma once

#include <cleave/event/event_query.hpp>
#include <cleave/sqlite/database.hpp>

#include "log_rows.hpp"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace cleave::sqlite {

// Who knows the integers of names and tags; this one asks the file.
class id_finder {
public:
  virtual result<std::optional<std::int64_t>> find_name(database& db, std::string_view name);
  virtual result<std::optional<std::int64_t>> find_tag(database& db, std::string_view tag);

protected:
  ~id_finder() = default;
};

// One item of a query. Without names: any; without tags: any.
struct item_ids {
  std::vector<std::int64_t> names;
  std::vector<std::int64_t> tags;
};
// Only items that anything in the file can match.
result<std::vector<item_ids>> find_ids(id_finder& ids, database& db, event_query const& query);

// Hands the item's events with after < position <= upto to the taker, in order: `columns` of cleave_log l, and behind them the
// position, which tells an entry of the index of tags without its event: there the columns are NULL. True: the taker had enough.
result<bool> walk_item(database& db, item_ids const& item, std::string_view columns, std::uint64_t after,
                       std::uint64_t upto, row_taker& taker);

} // namespace cleave::sqlite
