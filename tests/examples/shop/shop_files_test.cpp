// SPDX-License-Identifier: BSL-1.0
#include "cli/shop_files.hpp"
#include "scratch_folder.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace {

struct csv_files {
  std::string customers =
      "customerID,companyName,contactName,address,city,country\nA,Company A,NULL,x,Bergen,Norway\n";
  std::string products = "productID,productName,unitPrice\n1,Tea,4.50\n2,Salt,2.40\n";
  std::string orders = "orderID,customerID,orderDate,shippedDate,shipAddress\n"
                       "10,A,2026-01-05 00:00:00.000,2026-01-08 00:00:00.000,x\n"
                       "11,A,2026-01-06,NULL,12, rue X\n";
  std::string lines = "orderID,productID,unitPrice,quantity,discount\n10,1,4.50,2,0.15\n11,2,2.40,1,0\n";

  shop::shop_files read() const {
    scratch_folder const folder;
    folder.write("customers.csv", customers);
    folder.write("products.csv", products);
    folder.write("orders.csv", orders);
    folder.write("order-details.csv", lines);
    auto files = shop::read_shop_files(folder.path());
    REQUIRE(files);
    return *files;
  }
};

std::string complaints(shop::shop_files const& files) {
  std::string all;
  for (auto const& row : files.bad) {
    all += std::string(row.at.file) + ':' + std::to_string(row.at.line) + ": " + row.reason + '\n';
  }
  return all;
}

} // namespace

TEST_CASE("rows become commands") {
  auto const files = csv_files().read();
  CHECK(complaints(files) == "");
  REQUIRE(files.customers.size() == 1);
  CHECK(files.customers[0].command.contact == std::nullopt);
  CHECK(files.customers[0].command.country == "Norway");
  REQUIRE(files.products.size() == 2);
  CHECK(files.products[1].command.price_cents == 240);
  REQUIRE(files.orders.size() == 2);
  auto const& [place, ship] = files.orders[0].command;
  CHECK(place.placed_on->text() == "2026-01-05");
  REQUIRE(place.lines.size() == 1);
  CHECK(place.lines[0].unit_price_cents == 450);
  CHECK(place.lines[0].discount_percent == 15);
  REQUIRE(ship);
  CHECK(ship->shipped_on->text() == "2026-01-08");
  CHECK(!files.orders[1].command.ship);
}

TEST_CASE("a bad row is named with file, line and reason, and the rest is read") {
  csv_files csv;
  SECTION("a price with too many places") {
    csv.products += "3,Oil,1.005\n4,Bread,5.60\n";
    auto const files = csv.read();
    CHECK(complaints(files) ==
          "products.csv:4: unitPrice: \"1.005\" is not a number with at most 2 decimal places\n");
    CHECK(files.products.size() == 3);
  }
  SECTION("a key twice") {
    csv.customers += "A,Company B,NULL,x,Bergen,Norway\n";
    CHECK(complaints(csv.read()) == "customers.csv:3: customer A stands in line 2 already\n");
  }
  SECTION("a value that must be there") {
    csv.customers += "NULL,Company B,NULL,x,Bergen,Norway\n";
    CHECK(complaints(csv.read()) == "customers.csv:3: customerID is NULL\n");
  }
  SECTION("a day that does not exist, and the lines of that order") {
    csv.orders += "12,A,2026-02-30,NULL,x\n";
    csv.lines += "12,1,4.50,1,0\n";
    CHECK(complaints(csv.read()) ==
          "orders.csv:4: orderDate: \"2026-02-30\" is not a day such as 1996-07-04\n"
          "order-details.csv:4: orders.csv has no good row for order 12\n");
  }
}

TEST_CASE("an order with a bad line is left out as a whole") {
  csv_files csv;
  csv.lines += "10,2,2.40,many,0\n";
  auto const files = csv.read();
  CHECK(complaints(files) == "order-details.csv:4: quantity: \"many\" is not a whole number\n"
                             "orders.csv:2: its line in order-details.csv:4 is bad\n");
  REQUIRE(files.orders.size() == 1);
  CHECK(files.orders[0].command.place.order == 11);
}

TEST_CASE("the id of the files is that of their contents") {
  csv_files const first;
  csv_files second;
  CHECK(first.read().id == second.read().id);
  second.lines += "11,1,4.50,1,0\n";
  CHECK(first.read().id != second.read().id);
}

TEST_CASE("a file that is missing is an error") {
  scratch_folder const folder;
  auto const files = shop::read_shop_files(folder.path());
  REQUIRE(!files);
  CHECK(files.error().code() == cleave::errc::not_found);
}
