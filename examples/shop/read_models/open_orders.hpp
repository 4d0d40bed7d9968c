// SPDX-License-Identifier: BSL-1.0
// The orders that wait: placed, and neither shipped nor cancelled.
#pragma once

#include <cleave/query/projection.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "domain/decimal.hpp"
#include "domain/events.hpp"

#include <boost/describe/class.hpp>

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

struct open_orders {
  using events = cleave::event_set<order_placed, order_shipped, order_cancelled>;
  using queries = cleave::query_set<open_orders_report>;
  static constexpr std::string_view name = "open-orders.v1";

  cleave::result<void> create(cleave::sqlite::database& db);
  cleave::result<void> on(order_placed const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<void> on(order_shipped const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<void> on(order_cancelled const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<std::vector<open_order>> answer(open_orders_report const& question,
                                                 cleave::sqlite::database& db) const;
};

} // namespace shop
