// SPDX-License-Identifier: BSL-1.0
#include "cli/shop_files.hpp"

#include "cli/command_ids.hpp"
#include "cli/csv.hpp"
#include "domain/decimal.hpp"

#include <cstdint>
#include <map>
#include <utility>

namespace shop {

namespace {

using cleave::format_text;

// Reads the fields of one row; the first that does not fit is the row's problem.
class field_reader {
public:
  explicit field_reader(csv_row const& row) : row_(row), problem_(row.problem()) {}

  std::optional<std::string> maybe(std::string_view column) const {
    return problem_.empty() ? row_[column] : std::nullopt;
  }
  std::string text(std::string_view column) {
    auto value = maybe(column);
    if (!value) refuse(format_text("{} is NULL", column));
    return std::move(value).value_or("");
  }
  std::int64_t number(std::string_view column, int decimal_places = 0) {
    auto const value = parse_decimal(text(column), decimal_places);
    if (!value) refuse(format_text("{}: {}", column, value.error().text()));
    return value.value_or(0);
  }
  // What stands behind the day, as in "1996-07-04 00:00:00.000", is not looked at.
  std::optional<date> day(std::string_view column) {
    auto const value = maybe(column);
    if (!value) return std::nullopt;
    auto const day = date::parse(std::string_view(*value).substr(0, 10));
    if (!day) refuse(format_text("{}: {}", column, day.error().text()));
    return day ? std::optional(*day) : std::nullopt;
  }

  std::string const& problem() const { return problem_; }
  void refuse(std::string why) {
    if (problem_.empty()) problem_ = std::move(why);
  }

private:
  csv_row const& row_;
  std::string problem_;
};

// The lines where the keys of a file stand, so that none is taken twice.
template <class Key> class unique_keys {
public:
  void check(Key const& key, std::string_view what, std::size_t line, field_reader& row) {
    if (!row.problem().empty()) return;
    auto const [found, is_new] = lines_.try_emplace(key, line);
    if (!is_new) row.refuse(format_text("{} {} stands in line {} already", what, key, found->second));
  }

private:
  std::map<Key, std::size_t> lines_;
};

void read_customers(csv_table const& table, shop_files& files) {
  unique_keys<std::string> seen;
  for (csv_row const& row : table.rows()) {
    field_reader fields(row);
    source const at{"customers.csv", row.line()};
    register_customer command{.customer = fields.text("customerID"),
                              .company = fields.text("companyName"),
                              .contact = fields.maybe("contactName"),
                              .city = fields.maybe("city"),
                              .country = fields.maybe("country")};
    seen.check(command.customer, "customer", row.line(), fields);
    if (fields.problem().empty()) files.customers.push_back({at, std::move(command)});
    else files.bad.push_back({at, fields.problem()});
  }
}

void read_products(csv_table const& table, shop_files& files) {
  unique_keys<std::int64_t> seen;
  for (csv_row const& row : table.rows()) {
    field_reader fields(row);
    source const at{"products.csv", row.line()};
    add_product command{.product = fields.number("productID"),
                        .name = fields.text("productName"),
                        .price_cents = fields.number("unitPrice", 2)};
    seen.check(command.product, "product", row.line(), fields);
    if (fields.problem().empty()) files.products.push_back({at, std::move(command)});
    else files.bad.push_back({at, fields.problem()});
  }
}

void read_orders(csv_table const& table, shop_files& files) {
  unique_keys<std::int64_t> seen;
  for (csv_row const& row : table.rows()) {
    field_reader fields(row);
    source const at{"orders.csv", row.line()};
    place_order place{.order = fields.number("orderID"),
                      .customer = fields.text("customerID"),
                      .placed_on = fields.day("orderDate"),
                      .lines = {}};
    if (!place.placed_on) fields.refuse("orderDate is NULL");
    auto const shipped_on = fields.day("shippedDate");
    seen.check(place.order, "order", row.line(), fields);
    if (!fields.problem().empty()) {
      files.bad.push_back({at, fields.problem()});
      continue;
    }
    auto const ship = shipped_on ? std::optional(ship_order{place.order, shipped_on}) : std::nullopt;
    files.orders.push_back({at, {std::move(place), ship}});
  }
}

// Adds the lines to their orders. An order that has a bad one is left out: half an order is another order.
void read_lines(csv_table const& table, shop_files& files) {
  std::map<std::int64_t, sourced<order_rows>*> orders;
  for (auto& order : files.orders) orders.emplace(order.command.place.order, &order);
  std::map<std::int64_t, std::size_t> spoiled; // order -> line in this file
  for (csv_row const& row : table.rows()) {
    field_reader fields(row);
    auto const number = fields.number("orderID");
    auto const order = fields.problem().empty() ? orders.find(number) : orders.end();
    if (order == orders.end()) fields.refuse(format_text("orders.csv has no good row for order {}", number));
    wanted_line const line{.product = fields.number("productID"),
                           .quantity = fields.number("quantity"),
                           .unit_price_cents = fields.number("unitPrice", 2),
                           .discount_percent = fields.number("discount", 2)};
    if (fields.problem().empty()) {
      order->second->command.place.lines.push_back(line);
    } else {
      files.bad.push_back({{"order-details.csv", row.line()}, fields.problem()});
      if (order != orders.end()) spoiled.emplace(number, row.line());
    }
  }
  std::erase_if(files.orders, [&](auto const& order) {
    auto const found = spoiled.find(order.command.place.order);
    if (found == spoiled.end()) return false;
    files.bad.push_back({order.at, format_text("its line in order-details.csv:{} is bad", found->second)});
    return true;
  });
}

} // namespace

cleave::result<shop_files> read_shop_files(std::string const& folder) {
  auto const customers = csv_table::open(
      folder + "/customers.csv", {"customerID", "companyName", "contactName", "city", "country"}, "address");
  if (!customers) return cleave::unexpected(customers.error());
  auto const products = csv_table::open(folder + "/products.csv", {"productID", "productName", "unitPrice"});
  if (!products) return cleave::unexpected(products.error());
  auto const orders = csv_table::open(folder + "/orders.csv",
                                      {"orderID", "customerID", "orderDate", "shippedDate"}, "shipAddress");
  if (!orders) return cleave::unexpected(orders.error());
  auto const lines = csv_table::open(folder + "/order-details.csv",
                                     {"orderID", "productID", "unitPrice", "quantity", "discount"});
  if (!lines) return cleave::unexpected(lines.error());

  shop_files files;
  files.id = shop_space;
  for (csv_table const* table : {&*customers, &*products, &*orders, &*lines}) {
    files.id = cleave::uuid::from_name(files.id, table->text());
  }
  read_customers(*customers, files);
  read_products(*products, files);
  read_orders(*orders, files);
  read_lines(*lines, files);
  return files;
}

} // namespace shop
