// SPDX-License-Identifier: BSL-1.0
// What the shop has earned: in total, by customer, by month. An order counts from the day it was placed on, in the month of that
// day, and no longer once it is cancelled.
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

struct customer_revenue {
  std::string customer;
  std::string company;
  std::int64_t orders = 0;
  cents before_discount;
  amount total;
};
BOOST_DESCRIBE_STRUCT(customer_revenue, (), (customer, company, orders, before_discount, total))

struct month_revenue {
  std::string month; // "1996-07"
  std::int64_t orders = 0;
  cents before_discount;
  amount total;
};
BOOST_DESCRIBE_STRUCT(month_revenue, (), (month, orders, before_discount, total))

struct revenue_figures {
  std::int64_t orders = 0;
  cents before_discount;
  amount total;
  std::vector<customer_revenue> customers; // the best first; those with an order
  std::vector<month_revenue> months;       // in order of time; those with an order
};
BOOST_DESCRIBE_STRUCT(revenue_figures, (), (orders, before_discount, total, customers, months))

struct revenue_report {
  using result_type = revenue_figures;
};

struct revenue {
  using events = cleave::event_set<customer_registered, order_placed, order_cancelled>;
  using queries = cleave::query_set<revenue_report>;
  static constexpr std::string_view name = "revenue.v1";

  cleave::result<void> create(cleave::sqlite::database& db);
  cleave::result<void> on(customer_registered const& e, cleave::envelope const& at,
                          cleave::sqlite::database& db);
  cleave::result<void> on(order_placed const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<void> on(order_cancelled const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<revenue_figures> answer(revenue_report const& question, cleave::sqlite::database& db) const;
};

} // namespace shop
