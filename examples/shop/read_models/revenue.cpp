// SPDX-License-Identifier: BSL-1.0
#include "read_models/revenue.hpp"

#include "read_models/done.hpp"

namespace shop {

using cleave::sqlite::database;

// The sums are kept, not computed when asked: a report costs as much as it prints. What an order added is kept too, because the
// event of its cancellation does not repeat it.
cleave::result<void> revenue::create(database& db) {
  return db.run_script(R"sql(
    CREATE TABLE IF NOT EXISTS revenue_by_order(
      id           INTEGER PRIMARY KEY,
      customer     TEXT NOT NULL,
      month        TEXT NOT NULL,
      before_cents INTEGER NOT NULL,
      total_e4     INTEGER NOT NULL -- after discount, in 1/10000
    ) STRICT;
    CREATE TABLE IF NOT EXISTS revenue_by_customer(
      id           TEXT PRIMARY KEY,
      company      TEXT NOT NULL,
      orders       INTEGER NOT NULL DEFAULT 0,
      before_cents INTEGER NOT NULL DEFAULT 0,
      total_e4     INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE TABLE IF NOT EXISTS revenue_by_month(
      id           TEXT PRIMARY KEY,
      orders       INTEGER NOT NULL,
      before_cents INTEGER NOT NULL,
      total_e4     INTEGER NOT NULL
    ) STRICT;
  )sql");
}

cleave::result<void> revenue::on(customer_registered const& e, cleave::envelope const&, database& db) {
  return done(
      db.execute("INSERT INTO revenue_by_customer(id, company) VALUES(?1, ?2)", e.customer, e.company));
}

cleave::result<void> revenue::on(order_placed const& e, cleave::envelope const& at, database& db) {
  auto const month = e.placed_on.value_or(date::of(at.recorded_at)).month();
  auto const before = e.full_price_cents();
  auto const total = e.price_e4();
  auto rows = db.execute("INSERT INTO revenue_by_order(id, customer, month, before_cents, total_e4) "
                         "VALUES(?1, ?2, ?3, ?4, ?5)",
                         e.order, e.customer, month, before, total);
  if (rows) {
    rows = db.execute("UPDATE revenue_by_customer SET orders = orders + 1, before_cents = before_cents + ?2, "
                      "total_e4 = total_e4 + ?3 WHERE id = ?1",
                      e.customer, before, total);
  }
  if (rows) {
    rows = db.execute(
        "INSERT INTO revenue_by_month(id, orders, before_cents, total_e4) VALUES(?1, 1, ?2, ?3) "
        "ON CONFLICT DO UPDATE SET orders = orders + 1, before_cents = before_cents + ?2, "
        "total_e4 = total_e4 + ?3",
        month, before, total);
  }
  return done(std::move(rows));
}

cleave::result<void> revenue::on(order_cancelled const& e, cleave::envelope const&, database& db) {
  auto rows = db.execute("UPDATE revenue_by_customer AS r SET orders = r.orders - 1, "
                         "before_cents = r.before_cents - o.before_cents, total_e4 = r.total_e4 - o.total_e4 "
                         "FROM revenue_by_order AS o WHERE o.id = ?1 AND r.id = o.customer",
                         e.order);
  if (rows) {
    rows = db.execute("UPDATE revenue_by_month AS r SET orders = r.orders - 1, "
                      "before_cents = r.before_cents - o.before_cents, total_e4 = r.total_e4 - o.total_e4 "
                      "FROM revenue_by_order AS o WHERE o.id = ?1 AND r.id = o.month",
                      e.order);
  }
  if (rows) rows = db.execute("DELETE FROM revenue_by_order WHERE id = ?1", e.order);
  return done(std::move(rows));
}

cleave::result<revenue_figures> revenue::answer(revenue_report const&, database& db) const {
  revenue_figures figures;
  auto read = db.for_each(
      "SELECT id, company, orders, before_cents, total_e4 FROM revenue_by_customer "
      "WHERE orders > 0 ORDER BY total_e4 DESC, id",
      [&figures](std::string customer, std::string company, std::int64_t orders, std::int64_t before_cents,
                 std::int64_t total_e4) {
        figures.customers.push_back(
            {std::move(customer), std::move(company), orders, {before_cents}, {total_e4}});
      });
  if (!read) return cleave::unexpected(std::move(read).error());
  read = db.for_each(
      "SELECT id, orders, before_cents, total_e4 FROM revenue_by_month WHERE orders > 0 ORDER BY id",
      [&figures](std::string month, std::int64_t orders, std::int64_t before_cents, std::int64_t total_e4) {
        figures.months.push_back({std::move(month), orders, {before_cents}, {total_e4}});
        figures.orders += orders;
        figures.before_discount.units += before_cents;
        figures.total.units += total_e4;
      });
  if (!read) return cleave::unexpected(std::move(read).error());
  return figures;
}

} // namespace shop
