// SPDX-License-Identifier: BSL-1.0
// The orders that wait: placed, and neither shipped nor cancelled.
#pragma once

#include <cleave/query/projection.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "domain/decimal.hpp"
#include "domain/events.hpp"

#include <boost/describe/class.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace shop {

struct open_order {
  std::int64_t order = 0;
  std::string customer;
  std::string placed_on;
  std::int64_t lines = 0;
  std::int64_t units = 0;
  amount total; // after discount
};
BOOST_DESCRIBE_STRUCT(open_order, (), (order, customer, placed_on, lines, units, total))

// Those that wait longest first.
struct open_orders_report {
  using result_type = std::vector<open_order>;
};

// The read model in one table. Each version of it has a table of its own, so that one can be built beside the other (cli/rebuild.hpp).
class open_orders_table {
public:
  using events = cleave::event_set<order_placed, order_shipped, order_cancelled>;
  using queries = cleave::query_set<open_orders_report>;

  explicit open_orders_table(std::string_view table) : table_(table) {}

  cleave::result<void> create(cleave::sqlite::database& db);
  cleave::result<void> on(order_placed const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<void> on(order_shipped const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<void> on(order_cancelled const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<std::vector<open_order>> answer(open_orders_report const& question,
                                                 cleave::sqlite::database& db) const;

private:
  std::string_view table_;
};

struct open_orders : open_orders_table {
  static constexpr std::string_view name = "open-orders.v1";
  static constexpr std::array<std::string_view, 1> tables = {"open_order"};
  open_orders() : open_orders_table(tables[0]) {}
};
// The same once more, to be built when the rows of the other one are in doubt. The two can take turns for ever.
struct open_orders_anew : open_orders_table {
  static constexpr std::string_view name = "open-orders.v2";
  static constexpr std::array<std::string_view, 1> tables = {"open_order_2"};
  open_orders_anew() : open_orders_table(tables[0]) {}
};

} // namespace shop
