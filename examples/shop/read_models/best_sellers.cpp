// SPDX-License-Identifier: BSL-1.0
#include "read_models/best_sellers.hpp"

#include "read_models/done.hpp"

namespace shop {

using cleave::sqlite::database;

cleave::result<void> best_sellers::create(database& db) {
  return db.run_script(R"sql(
    CREATE TABLE IF NOT EXISTS best_seller(
      id       INTEGER PRIMARY KEY,
      name     TEXT NOT NULL,
      units    INTEGER NOT NULL DEFAULT 0,
      total_e4 INTEGER NOT NULL DEFAULT 0 -- after discount, in 1/10000
    ) STRICT;
    -- What each order added, for the day that it is cancelled.
    CREATE TABLE IF NOT EXISTS best_seller_line(
      in_order INTEGER NOT NULL,
      product  INTEGER NOT NULL,
      units    INTEGER NOT NULL,
      total_e4 INTEGER NOT NULL,
      PRIMARY KEY(in_order, product)
    ) STRICT, WITHOUT ROWID;
  )sql");
}

cleave::result<void> best_sellers::on(product_added const& e, cleave::envelope const&, database& db) {
  return done(db.execute("INSERT INTO best_seller(id, name) VALUES(?1, ?2)", e.product, e.name));
}

cleave::result<void> best_sellers::on(order_placed const& e, cleave::envelope const&, database& db) {
  for (order_line const& line : e.lines) {
    auto rows = db.execute(
        "INSERT INTO best_seller_line(in_order, product, units, total_e4) VALUES(?1, ?2, ?3, ?4)", e.order,
        line.product, line.quantity, line.price_e4());
    if (rows) {
      rows = db.execute("UPDATE best_seller SET units = units + ?2, total_e4 = total_e4 + ?3 WHERE id = ?1",
                        line.product, line.quantity, line.price_e4());
    }
    if (!rows) return done(std::move(rows));
  }
  return {};
}

cleave::result<void> best_sellers::on(order_cancelled const& e, cleave::envelope const&, database& db) {
  auto rows = db.execute(
      "UPDATE best_seller AS b SET units = b.units - l.units, total_e4 = b.total_e4 - l.total_e4 "
      "FROM best_seller_line AS l WHERE l.in_order = ?1 AND b.id = l.product",
      e.order);
  if (rows) rows = db.execute("DELETE FROM best_seller_line WHERE in_order = ?1", e.order);
  return done(std::move(rows));
}

cleave::result<std::vector<best_seller>> best_sellers::answer(best_sellers_report const& question,
                                                              database& db) const {
  std::vector<best_seller> best;
  auto read = db.for_each(
      "SELECT id, name, units, total_e4 FROM best_seller WHERE units > 0 "
      "ORDER BY units DESC, id LIMIT ?1",
      [&best](std::int64_t product, std::string title, std::int64_t units, std::int64_t total_e4) {
        best.push_back({product, std::move(title), units, {total_e4}});
      },
      question.top);
  if (!read) return cleave::unexpected(std::move(read).error());
  return best;
}

} // namespace shop
