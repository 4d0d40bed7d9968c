// SPDX-License-Identifier: BSL-1.0
// The rules of an order, on the pure decider.
#include "domain/order.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace {

shop::order_facts const facts{.customer_is_known = true, .price_cents = {{1, 450}, {2, 420}}};

shop::place_order good_order() {
  return {
      .order = 7, .customer = "TEAHO", .placed_on = std::nullopt, .lines = {{.product = 1, .quantity = 2}}};
}

// The code of the rejection; empty when there is none.
template <class... Es> std::string code(cleave::decision<Es...> const& decided) {
  return decided.refused() != nullptr ? decided.refused()->code : "";
}
template <class... Es> auto only_event(cleave::decision<Es...> const& decided) {
  REQUIRE(decided.size() == 1);
  boost::mp11::mp_first<boost::mp11::mp_list<Es...>> only;
  decided.for_each([&only](auto const& event) { only = event; });
  return only;
}

shop::order placed() {
  shop::order order;
  order.evolve(shop::order_placed{});
  return order;
}
shop::order shipped() {
  auto order = placed();
  order.evolve(shop::order_shipped{});
  return order;
}
shop::order cancelled() {
  auto order = placed();
  order.evolve(shop::order_cancelled{});
  return order;
}

} // namespace

TEST_CASE("an order takes today's price where its line names none, and keeps its own where it does") {
  auto command = good_order();
  command.lines = {{.product = 1, .quantity = 2},
                   {.product = 2, .quantity = 3, .unit_price_cents = 99, .discount_percent = 15}};
  auto const event = only_event(shop::order().decide(command, facts));
  CHECK(event.order == 7);
  CHECK(event.customer == "TEAHO");
  CHECK(event.lines == std::vector<shop::order_line>{{1, 2, 450, 0}, {2, 3, 99, 15}});
}

TEST_CASE("the price of an order is exact: cents times whole percents") {
  shop::order_line const line{.product = 1, .quantity = 3, .unit_price_cents = 333, .discount_percent = 15};
  CHECK(line.full_price_cents() == 999);
  CHECK(line.price_e4() == 84915); // 8.4915
  shop::order_placed const order{.order = 1, .customer = "", .placed_on = {}, .lines = {line, {2, 1, 1, 0}}};
  CHECK(order.units() == 4);
  CHECK(order.full_price_cents() == 1000);
  CHECK(order.price_e4() == 85015);
}

TEST_CASE("each rule of placing an order rejects with its own code") {
  auto command = good_order();
  auto known = facts;
  auto const rejected = [&] { return code(shop::order().decide(command, known)); };
  auto& line = command.lines.front();

  CHECK(rejected() == "");
  SECTION("unknown customer") {
    known.customer_is_known = false;
    CHECK(rejected() == "unknown-customer");
  }
  SECTION("unknown product") {
    line.product = 3;
    CHECK(rejected() == "unknown-product");
  }
  SECTION("no lines") {
    command.lines.clear();
    CHECK(rejected() == "empty-order");
  }
  SECTION("quantity") {
    line.quantity = 0;
    CHECK(rejected() == "quantity-under-one");
    line.quantity = -1;
    CHECK(rejected() == "quantity-under-one");
    line.quantity = shop::max_quantity;
    CHECK(rejected() == "");
    line.quantity = shop::max_quantity + 1;
    CHECK(rejected() == "quantity-too-high");
  }
  SECTION("discount") {
    line.discount_percent = 0;
    CHECK(rejected() == "");
    line.discount_percent = 100;
    CHECK(rejected() == "");
    line.discount_percent = 101;
    CHECK(rejected() == "discount-out-of-range");
    line.discount_percent = -1;
    CHECK(rejected() == "discount-out-of-range");
  }
  SECTION("price") {
    line.unit_price_cents = 0;
    CHECK(rejected() == "");
    line.unit_price_cents = -1;
    CHECK(rejected() == "negative-price");
    line.unit_price_cents = shop::max_price_cents;
    CHECK(rejected() == "");
    line.unit_price_cents = shop::max_price_cents + 1;
    CHECK(rejected() == "price-too-high");
  }
  SECTION("a product twice") {
    command.lines.push_back(line);
    CHECK(rejected() == "product-twice");
  }
  SECTION("the whole order") {
    line = {.product = 1, .quantity = 100, .unit_price_cents = shop::max_price_cents};
    CHECK(rejected() == "");
    command.lines.push_back({.product = 2, .quantity = 1, .unit_price_cents = 1});
    CHECK(rejected() == "order-too-large");
  }
}

TEST_CASE("a number is given to one order only, whatever became of it") {
  CHECK(code(placed().decide(good_order(), facts)) == "order-exists");
  CHECK(code(shipped().decide(good_order(), facts)) == "order-exists");
  CHECK(code(cancelled().decide(good_order(), facts)) == "order-exists");
}

TEST_CASE("an order is shipped once, and never after it was cancelled") {
  CHECK(only_event(placed().decide(shop::ship_order{7, std::nullopt})) ==
        shop::order_shipped{7, std::nullopt});
  CHECK(code(shop::order().decide(shop::ship_order{7, {}})) == "unknown-order");
  CHECK(code(shipped().decide(shop::ship_order{7, {}})) == "already-shipped");
  CHECK(code(cancelled().decide(shop::ship_order{7, {}})) == "ship-after-cancelling");
}

TEST_CASE("an order is cancelled once, and never after it was shipped") {
  CHECK(only_event(placed().decide(shop::cancel_order{7, "lost"})) == shop::order_cancelled{7, "lost"});
  CHECK(code(shop::order().decide(shop::cancel_order{7, {}})) == "unknown-order");
  CHECK(code(shipped().decide(shop::cancel_order{7, {}})) == "cancel-after-shipping");
  CHECK(code(cancelled().decide(shop::cancel_order{7, {}})) == "already-cancelled");
}
