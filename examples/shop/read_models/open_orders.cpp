// SPDX-License-Identifier: BSL-1.0
#include "read_models/open_orders.hpp"

#include "read_models/done.hpp"

namespace shop {

using cleave::sqlite::database;

cleave::result<void> open_orders::create(database& db) {
  return db.run_script(R"sql(
    CREATE TABLE IF NOT EXISTS open_order(
      id        INTEGER PRIMARY KEY,
      customer  TEXT NOT NULL,
      placed_on TEXT NOT NULL,
      lines     INTEGER NOT NULL,
      units     INTEGER NOT NULL,
      total_e4  INTEGER NOT NULL -- after discount, in 1/10000
    ) STRICT;
  )sql");
}

cleave::result<void> open_orders::on(order_placed const& e, cleave::envelope const& at, database& db) {
  return done(db.execute("INSERT INTO open_order(id, customer, placed_on, lines, units, total_e4) "
                         "VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                         e.order, e.customer, e.placed_on.value_or(date::of(at.recorded_at)).text(),
                         e.lines.size(), e.units(), e.price_e4()));
}

cleave::result<void> open_orders::on(order_shipped const& e, cleave::envelope const&, database& db) {
  return done(db.execute("DELETE FROM open_order WHERE id = ?1", e.order));
}

cleave::result<void> open_orders::on(order_cancelled const& e, cleave::envelope const&, database& db) {
  return done(db.execute("DELETE FROM open_order WHERE id = ?1", e.order));
}

cleave::result<std::vector<open_order>> open_orders::answer(open_orders_report const&, database& db) const {
  std::vector<open_order> open;
  auto read = db.for_each(
      "SELECT id, customer, placed_on, lines, units, total_e4 FROM open_order ORDER BY placed_on, id",
      [&open](std::int64_t order, std::string customer, std::string placed_on, std::int64_t lines,
              std::int64_t units, std::int64_t total_e4) {
        open.push_back({order, std::move(customer), std::move(placed_on), lines, units, {total_e4}});
      });
  if (!read) return cleave::unexpected(std::move(read).error());
  return open;
}

} // namespace shop
