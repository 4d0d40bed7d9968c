// SPDX-License-Identifier: BSL-1.0
// The orders of a customer, one row each, ready to be shown.
#pragma once

#include <cleave/query/projection.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "domain/decimal.hpp"
#include "domain/events.hpp"

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shop {

struct order_summary {
  std::int64_t order = 0;
  std::string status; // "placed", "shipped", "cancelled"
  std::string placed_on;
  std::optional<std::string> shipped_on;
  std::int64_t lines = 0;
  std::int64_t units = 0;
  cents before_discount;
  amount total;
};
BOOST_DESCRIBE_STRUCT(order_summary, (),
                      (order, status, placed_on, shipped_on, lines, units, before_discount, total))

struct customer_orders {
  std::string customer;
  std::string company;
  std::vector<order_summary> orders; // by number
};
BOOST_DESCRIBE_STRUCT(customer_orders, (), (customer, company, orders))

// errc::not_found for a customer that is not registered.
struct orders_of {
  using result_type = customer_orders;
  std::string customer;
};

struct order_summaries {
  using events = cleave::event_set<customer_registered, order_placed, order_shipped, order_cancelled>;
  using queries = cleave::query_set<orders_of>;
  static constexpr std::string_view name = "order-summaries.v1";

  cleave::result<void> create(cleave::sqlite::database& db);
  cleave::result<void> on(customer_registered const& e, cleave::envelope const& at,
                          cleave::sqlite::database& db);
  cleave::result<void> on(order_placed const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<void> on(order_shipped const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<void> on(order_cancelled const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<customer_orders> answer(orders_of const& question, cleave::sqlite::database& db) const;
};

} // namespace shop
