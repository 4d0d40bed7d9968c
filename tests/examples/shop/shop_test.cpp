// SPDX-License-Identifier: BSL-1.0
// The shop on its file: what the tables decide, and what the read models show.
#include "application.hpp"
#include "scratch_folder.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace {

// A shop with customer TEAHO and products 1 (4.50) and 2 (4.20).
struct open_shop {
  scratch_folder folder;
  std::unique_ptr<shop::running_shop> shop = opened(folder.path("shop.db"));

  open_shop() {
    CHECK(code(shop::register_customer{"TEAHO", "The Tea House", {}, "Bergen", "Norway"}) == "");
    CHECK(code(shop::add_product{1, "Green tea", 450}) == "");
    CHECK(code(shop::add_product{2, "Black tea", 420}) == "");
  }

  static std::unique_ptr<shop::running_shop> opened(std::string const& path) {
    auto made = shop::running_shop::open(path);
    if (!made) FAIL(made.error().message());
    return *std::move(made);
  }
  // The code of the rejection; empty when the command was executed.
  template <class C> std::string code(C const& command) const {
    auto const done = shop->execute(command);
    if (done) return "";
    INFO(done.error().message());
    REQUIRE(done.error().is_rejection());
    return done.error().rejection().code;
  }
  template <class Q> auto ask(Q const& question) const {
    auto answer = shop->query(question);
    if (!answer) FAIL(answer.error().message());
    return *std::move(answer);
  }
};

shop::date day(std::string_view text) { return shop::date::parse(text).value(); }

shop::place_order order(std::int64_t number, std::string_view placed_on = "2026-03-01") {
  return {.order = number,
          .customer = "TEAHO",
          .placed_on = day(placed_on),
          .lines = {{.product = 1, .quantity = 2}}};
}

} // namespace

TEST_CASE("each rule of customers and products rejects with its own code") {
  open_shop const in;
  CHECK(in.code(shop::register_customer{"TEAHO", "Another", {}, {}, {}}) == "customer-exists");
  CHECK(in.code(shop::register_customer{"X", "", {}, {}, {}}) == "empty-name");
  CHECK(in.code(shop::register_customer{"", "X", {}, {}, {}}) == "empty-name");
  CHECK(in.code(shop::add_product{1, "Another", 450}) == "product-exists");
  CHECK(in.code(shop::add_product{3, "", 450}) == "empty-name");
  CHECK(in.code(shop::add_product{3, "Honey", -1}) == "negative-price");
  CHECK(in.code(shop::add_product{3, "Honey", shop::max_price_cents + 1}) == "price-too-high");
  CHECK(in.code(shop::change_price{3, 450}) == "unknown-product");
  CHECK(in.code(shop::change_price{1, -1}) == "negative-price");
  CHECK(in.code(shop::change_price{1, shop::max_price_cents + 1}) == "price-too-high");
}

TEST_CASE("an order is checked against the tables") {
  open_shop const in;
  auto stranger = order(1);
  stranger.customer = "NOBODY";
  CHECK(in.code(stranger) == "unknown-customer");
  auto odd = order(1);
  odd.lines.push_back({.product = 99, .quantity = 1});
  CHECK(in.code(odd) == "unknown-product");
  CHECK(in.code(order(1)) == "");
  CHECK(in.code(order(1)) == "order-exists");
}

TEST_CASE("an order keeps the price of its day when the product's changes") {
  open_shop const in;
  CHECK(in.code(order(1)) == "");
  CHECK(in.code(shop::change_price{1, 500}) == "");
  CHECK(in.code(order(2)) == "");
  auto const orders = in.ask(shop::orders_of{"TEAHO"}).orders;
  REQUIRE(orders.size() == 2);
  CHECK(orders[0].total.text() == "9.0000");
  CHECK(orders[1].total.text() == "10.0000");
}

TEST_CASE("a price that is changed to itself is no event") {
  open_shop const in;
  auto const before = in.shop->log().head().value();
  CHECK(in.code(shop::change_price{1, 450}) == "");
  CHECK(in.shop->log().head().value() == before);
}

TEST_CASE("a rejected command leaves neither rows nor events") {
  open_shop const in;
  auto const before = in.shop->log().head().value();
  CHECK(in.code(shop::register_customer{"TEAHO", "Another", {}, {}, "Atlantis"}) == "customer-exists");
  CHECK(in.shop->log().head().value() == before);
  auto const countries = in.shop->log().transact([](cleave::sqlite::transaction& at) -> cleave::result<void> {
    CHECK(at.db().value<std::int64_t>("SELECT count(*) FROM country").value() == 1);
    return {};
  });
  CHECK(countries);
}

TEST_CASE("of many that place an order of one number at once, one succeeds") {
  open_shop const in;
  for (std::int64_t number = 1; number <= 10; ++number) {
    std::atomic<int> placed = 0;
    std::atomic<int> refused = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&] {
          auto const done = in.shop->execute(order(number));
          if (done) ++placed;
          else if (done.error().is_rejection() && done.error().rejection().code == "order-exists") ++refused;
        });
      }
    }
    CHECK(placed == 1);
    CHECK(refused == 7);
  }
}

TEST_CASE("a command that is repeated under its id gets the first answer, after a restart too") {
  open_shop in;
  cleave::command_context const good{.id = cleave::command_id(cleave::uuid::from_name({}, "good"))};
  cleave::command_context const bad{.id = cleave::command_id(cleave::uuid::from_name({}, "bad"))};
  auto const first = in.shop->execute(order(1), good);
  REQUIRE(first);
  auto const refused = in.shop->execute(shop::ship_order{99, {}}, bad);
  REQUIRE(!refused);
  auto const head = in.shop->log().head().value();

  in.shop.reset();
  in.shop = open_shop::opened(in.folder.path("shop.db"));
  auto const second = in.shop->execute(order(1), good);
  REQUIRE(second);
  CHECK(second->repeated);
  CHECK(second->position == first->position);
  CHECK(second->version == first->version);
  CHECK(in.code(order(99)) == "");
  auto const again = in.shop->execute(shop::ship_order{99, {}}, bad);
  REQUIRE(!again);
  REQUIRE(again.error().is_rejection());
  CHECK(again.error().rejection() == refused.error().rejection());
  CHECK(in.shop->log().head().value() == head.next());

  auto const other = in.shop->execute(order(2), good);
  REQUIRE(!other);
  REQUIRE(!other.error().is_rejection());
  CHECK(other.error().error().code() == cleave::errc::command_id_reused);
}

TEST_CASE("a cancelled order leaves revenue, best sellers and open orders, and its summary stays") {
  open_shop const in;
  CHECK(in.code(order(1, "2026-03-31")) == "");
  CHECK(in.code(order(2, "2026-04-01")) == "");
  CHECK(in.ask(shop::revenue_report{}).total.text() == "18.0000");
  CHECK(in.ask(shop::best_sellers_report{})[0].units == 4);
  CHECK(in.ask(shop::open_orders_report{}).size() == 2);

  CHECK(in.code(shop::cancel_order{2, "changed their mind"}) == "");
  auto const revenue = in.ask(shop::revenue_report{});
  CHECK(revenue.orders == 1);
  CHECK(revenue.before_discount.text() == "9.00");
  CHECK(revenue.total.text() == "9.0000");
  REQUIRE(revenue.months.size() == 1);
  CHECK(revenue.months[0].month == "2026-03");
  REQUIRE(revenue.customers.size() == 1);
  CHECK(revenue.customers[0].orders == 1);
  CHECK(in.ask(shop::best_sellers_report{})[0].units == 2);
  CHECK(in.ask(shop::open_orders_report{}).size() == 1);
  auto const orders = in.ask(shop::orders_of{"TEAHO"}).orders;
  REQUIRE(orders.size() == 2);
  CHECK(orders[1].status == "cancelled");
}

TEST_CASE("a shipped order counts, and waits no more") {
  open_shop const in;
  CHECK(in.code(order(1)) == "");
  CHECK(in.code(shop::ship_order{1, day("2026-03-02")}) == "");
  CHECK(in.ask(shop::revenue_report{}).orders == 1);
  CHECK(in.ask(shop::open_orders_report{}).empty());
  auto const orders = in.ask(shop::orders_of{"TEAHO"}).orders;
  REQUIRE(orders.size() == 1);
  CHECK(orders[0].status == "shipped");
  CHECK(orders[0].shipped_on == "2026-03-02");
}

TEST_CASE("an order without a day was placed on the day of its recording") {
  open_shop const in;
  auto command = order(1);
  command.placed_on.reset();
  CHECK(in.code(command) == "");
  std::string recorded_on;
  auto const read = in.shop->log().read_stream("order-1", {}, [&](cleave::recorded_event const& event) {
    recorded_on = shop::date::of(event.at.recorded_at).text();
    return true;
  });
  REQUIRE(read);
  CHECK(in.ask(shop::open_orders_report{})[0].placed_on == recorded_on);
}

TEST_CASE("best sellers come in order of units, equals by number, and no more than asked for") {
  open_shop const in;
  CHECK(in.code(shop::add_product{3, "Never sold", 1}) == "");
  auto command = order(1);
  command.lines = {{.product = 2, .quantity = 5}, {.product = 1, .quantity = 5}};
  CHECK(in.code(command) == "");
  auto const all = in.ask(shop::best_sellers_report{});
  REQUIRE(all.size() == 2);
  CHECK(all[0].product == 1);
  CHECK(all[1].product == 2);
  CHECK(in.ask(shop::best_sellers_report{1}).size() == 1);
}

TEST_CASE("the orders of a customer that is not registered are not found") {
  open_shop const in;
  auto const none = in.shop->query(shop::orders_of{"NOBODY"});
  REQUIRE(!none);
  CHECK(none.error().code() == cleave::errc::not_found);
}
