// SPDX-License-Identifier: BSL-1.0
// Which products sell best, by units. Cancelled orders do not count.
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

struct best_seller {
  std::int64_t product = 0;
  std::string name;
  std::int64_t units = 0;
  amount total; // after discount
};
BOOST_DESCRIBE_STRUCT(best_seller, (), (product, name, units, total))

// The best first; of equals the lower number. Products that were never sold are left out.
struct best_sellers_report {
  using result_type = std::vector<best_seller>;
  std::int64_t top = INT64_MAX; // how many at the most
};

struct best_sellers {
  using events = cleave::event_set<product_added, order_placed, order_cancelled>;
  using queries = cleave::query_set<best_sellers_report>;
  static constexpr std::string_view name = "best-sellers.v1";

  cleave::result<void> create(cleave::sqlite::database& db);
  cleave::result<void> on(product_added const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<void> on(order_placed const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<void> on(order_cancelled const& e, cleave::envelope const& at, cleave::sqlite::database& db);
  cleave::result<std::vector<best_seller>> answer(best_sellers_report const& question,
                                                  cleave::sqlite::database& db) const;
};

} // namespace shop
