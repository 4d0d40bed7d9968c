// SPDX-License-Identifier: BSL-1.0
#include "read_models/order_summaries.hpp"

#include "read_models/done.hpp"

namespace shop {

using cleave::sqlite::database;

cleave::result<void> order_summaries::create(database& db) {
  return db.run_script(R"sql(
    CREATE TABLE IF NOT EXISTS order_summary_customer(
      id      TEXT PRIMARY KEY,
      company TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS order_summary(
      id           INTEGER PRIMARY KEY,
      customer     TEXT NOT NULL,
      status       TEXT NOT NULL,
      placed_on    TEXT NOT NULL,
      shipped_on   TEXT,
      lines        INTEGER NOT NULL,
      units        INTEGER NOT NULL,
      before_cents INTEGER NOT NULL,
      total_e4     INTEGER NOT NULL -- after discount, in 1/10000
    ) STRICT;
    CREATE INDEX IF NOT EXISTS order_summary_by_customer ON order_summary(customer);
  )sql");
}

cleave::result<void> order_summaries::on(customer_registered const& e, cleave::envelope const&,
                                         database& db) {
  return done(
      db.execute("INSERT INTO order_summary_customer(id, company) VALUES(?1, ?2)", e.customer, e.company));
}

cleave::result<void> order_summaries::on(order_placed const& e, cleave::envelope const& at, database& db) {
  return done(db.execute(
      "INSERT INTO order_summary(id, customer, status, placed_on, lines, units, before_cents, total_e4) "
      "VALUES(?1, ?2, 'placed', ?3, ?4, ?5, ?6, ?7)",
      e.order, e.customer, e.placed_on.value_or(date::of(at.recorded_at)).text(), e.lines.size(), e.units(),
      e.full_price_cents(), e.price_e4()));
}

cleave::result<void> order_summaries::on(order_shipped const& e, cleave::envelope const& at, database& db) {
  return done(db.execute("UPDATE order_summary SET status = 'shipped', shipped_on = ?2 WHERE id = ?1",
                         e.order, e.shipped_on.value_or(date::of(at.recorded_at)).text()));
}

cleave::result<void> order_summaries::on(order_cancelled const& e, cleave::envelope const&, database& db) {
  return done(db.execute("UPDATE order_summary SET status = 'cancelled' WHERE id = ?1", e.order));
}

cleave::result<customer_orders> order_summaries::answer(orders_of const& question, database& db) const {
  auto company = db.value<std::string>("SELECT company FROM order_summary_customer WHERE id = ?1",
                                       question.customer);
  if (!company) return cleave::unexpected(std::move(company).error());
  if (!*company) {
    return cleave::unexpected(
        cleave::make_error(cleave::errc::not_found, "there is no customer {}", question.customer));
  }
  customer_orders found{.customer = question.customer, .company = **company, .orders = {}};
  auto listed = db.for_each(
      "SELECT id, status, placed_on, shipped_on, lines, units, before_cents, total_e4 FROM order_summary "
      "WHERE customer = ?1 ORDER BY id",
      [&found](std::int64_t order, std::string status, std::string placed_on,
               std::optional<std::string> shipped_on, std::int64_t lines, std::int64_t units,
               std::int64_t before_cents, std::int64_t total_e4) {
        found.orders.push_back({order,
                                std::move(status),
                                std::move(placed_on),
                                std::move(shipped_on),
                                lines,
                                units,
                                {before_cents},
                                {total_e4}});
      },
      question.customer);
  if (!listed) return cleave::unexpected(std::move(listed).error());
  return found;
}

} // namespace shop
