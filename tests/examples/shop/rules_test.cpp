// SPDX-License-Identifier: BSL-1.0
// The rules of an order, on the pure decider.
#include <cleave/testing/given_when_then.hpp>

#include "domain/order.hpp"

#include <catch2/catch.hpp>

#include <string>

namespace {

using cleave::testing::given;

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

// An order to which this has happened.
template <class... Es> shop::order after(Es const&... events) {
  shop::order order;
  (order.evolve(events), ...);
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
  CHECK(code(after(shop::order_placed{}).decide(good_order(), facts)) == "order-exists");
  CHECK(code(after(shop::order_placed{}, shop::order_shipped{}).decide(good_order(), facts)) ==
        "order-exists");
  CHECK(code(after(shop::order_placed{}, shop::order_cancelled{}).decide(good_order(), facts)) ==
        "order-exists");
}

TEST_CASE("an order is shipped once, and never after it was cancelled") {
  shop::ship_order const ship{7, std::nullopt};
  CHECK(given<shop::order>(shop::order_placed{}).when(ship).then(shop::order_shipped{7, std::nullopt}));
  CHECK(given<shop::order>().when(ship).then_rejected("unknown-order"));
  CHECK(given<shop::order>(shop::order_placed{}, shop::order_shipped{})
            .when(ship)
            .then_rejected("already-shipped"));
  CHECK(given<shop::order>(shop::order_placed{}, shop::order_cancelled{})
            .when(ship)
            .then_rejected("ship-after-cancelling"));
}

TEST_CASE("an order is cancelled once, and never after it was shipped") {
  shop::cancel_order const cancel{7, "lost"};
  CHECK(given<shop::order>(shop::order_placed{}).when(cancel).then(shop::order_cancelled{7, "lost"}));
  CHECK(given<shop::order>().when(cancel).then_rejected("unknown-order"));
  CHECK(given<shop::order>(shop::order_placed{}, shop::order_shipped{})
            .when(cancel)
            .then_rejected("cancel-after-shipping"));
  CHECK(given<shop::order>(shop::order_placed{}, shop::order_cancelled{})
            .when(cancel)
            .then_rejected("already-cancelled"));
}
