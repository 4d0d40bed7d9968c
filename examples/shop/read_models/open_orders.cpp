// SPDX-License-Identifier: BSL-1.0
#include "read_models/open_orders.hpp"

#include "read_models/done.hpp"

namespace shop {

using cleave::sqlite::database;

cleave::result<void> open_orders_table::create(database& db) {
  return db.run_script(cleave::format_text(R"sql(
    CREATE TABLE IF NOT EXISTS {}(
      id        INTEGER PRIMARY KEY,
      customer  TEXT NOT NULL,
      placed_on TEXT NOT NULL,
      lines     INTEGER NOT NULL,
      units     INTEGER NOT NULL,
      total_e4  INTEGER NOT NULL -- after discount, in 1/10000
    ) STRICT;
  )sql",
                                           table_));
}

cleave::result<void> open_orders_table::on(order_placed const& e, cleave::envelope const& at, database& db) {
  return done(
      db.execute(cleave::format_text("INSERT INTO {}(id, customer, placed_on, lines, units, total_e4) "
                                     "VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                                     table_),
                 e.order, e.customer, e.placed_on.value_or(date::of(at.recorded_at)).text(), e.lines.size(),
                 e.units(), e.price_e4()));
}

cleave::result<void> open_orders_table::on(order_shipped const& e, cleave::envelope const&, database& db) {
  return done(db.execute(cleave::format_text("DELETE FROM {} WHERE id = ?1", table_), e.order));
}

cleave::result<void> open_orders_table::on(order_cancelled const& e, cleave::envelope const&, database& db) {
  return done(db.execute(cleave::format_text("DELETE FROM {} WHERE id = ?1", table_), e.order));
}

cleave::result<std::vector<open_order>> open_orders_table::answer(open_orders_report const&,
                                                                  database& db) const {
  std::vector<open_order> open;
  auto read = db.for_each(
      cleave::format_text(
          "SELECT id, customer, placed_on, lines, units, total_e4 FROM {} ORDER BY placed_on, id", table_),
      [&open](std::int64_t order, std::string customer, std::string placed_on, std::int64_t lines,
              std::int64_t units, std::int64_t total_e4) {
        open.push_back({order, std::move(customer), std::move(placed_on), lines, units, {total_e4}});
      });
  if (!read) return cleave::unexpected(std::move(read).error());
  return open;
}

} // namespace shop
