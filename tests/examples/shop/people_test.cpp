// SPDX-License-Identifier: BSL-1.0
// Customers' e-mail addresses, who may do what, and orders that many have noted on.
#include <cleave/command/decider_runner.hpp>
#include <cleave/command/snapshots.hpp>
#include <cleave/event/read_events.hpp>

#include "application.hpp"
#include "scratch_folder.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace {

std::unique_ptr<shop::running_shop> opened(std::string const& path, shop::user who = {}) {
  auto made = shop::running_shop::open(path, std::move(who));
  if (!made) FAIL(made.error().message());
  return *std::move(made);
}
// "", or the code of the rejection.
template <class C> std::string code(shop::running_shop& shop, C const& command) {
  auto const done = shop.execute(command);
  if (done) return "";
  return done.error().is_rejection() ? done.error().rejection().code : done.error().message();
}
void register_customers(shop::running_shop& shop, int count) {
  for (int i = 0; i < count; ++i) {
    std::string const id = "C" + std::to_string(i);
    REQUIRE(code(shop, shop::register_customer{id, "Company " + id}) == "");
  }
}

} // namespace

TEST_CASE("an e-mail address belongs to one customer at a time") {
  scratch_folder folder;
  auto const shop = opened(folder.path("shop.db"));
  register_customers(*shop, 2);
  CHECK(code(*shop, shop::set_email{"C0", "Tea@House.example"}) == "");
  CHECK(code(*shop, shop::set_email{"C1", "tea@house.EXAMPLE"}) == "email-taken");
  CHECK(code(*shop, shop::set_email{"C0", "TEA@house.example"}) == ""); // as it is
  CHECK(code(*shop, shop::set_email{"C0", "new@house.example"}) == "");
  CHECK(code(*shop, shop::set_email{"C1", "tea@house.example"}) == ""); // it is free again
  CHECK(code(*shop, shop::set_email{"C0", "tea@house.example"}) == "email-taken");
  CHECK(code(*shop, shop::set_email{"C9", "c@nine.example"}) == "unknown-customer");
  for (std::string const& bad :
       {std::string(), std::string("tea"), std::string("@tea"), std::string("tea@"), std::string("a@b@c"),
        std::string("a b@c"), std::string("a\n@b"), std::string("\xff@b"), std::string(300, 'x') + "@b"})
    CHECK(code(*shop, shop::set_email{"C0", bad}) == "not-an-email");
  CHECK(shop->log().head().value() == cleave::position(5));
}

TEST_CASE("of many customers who want one address at once, one gets it") {
  scratch_folder folder;
  auto const shop = opened(folder.path("shop.db"));
  constexpr int customers = 8;
  register_customers(*shop, customers);
  std::atomic<int> got{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> all;
  for (int i = 0; i < customers; ++i) {
    all.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) {
        auto const said = shop->execute(
            shop::set_email{"C" + std::to_string(i), "info@" + std::to_string(round) + ".example"});
        if (said) ++got;
        else if (said.error().is_rejection()) ++refused;
      }
    });
  }
  for (auto& one : all) one.join();
  CHECK(got + refused == customers * 5);
  std::map<std::string, std::string> owner;
  auto const take = [&]<class E>(E const& event) {
    if constexpr (std::is_same_v<E, shop::email_changed>) {
      owner.erase(event.old_email);
      CHECK(owner.emplace(event.email, event.customer).second);
    }
  };
  CHECK(cleave::read_events<shop::email_book::events>(shop->log(), {}, take));
}

TEST_CASE("who is not named in the rules may do nothing") {
  scratch_folder folder;
  auto const path = folder.path("shop.db");
  shop::place_order const first{
      .order = 1, .customer = "C0", .placed_on = {}, .lines = {{.product = 1, .quantity = 2}}};
  shop::place_order second = first;
  second.order = 2;
  {
    auto const keeper = opened(path);
    register_customers(*keeper, 2);
    REQUIRE(code(*keeper, shop::add_product{1, "Green tea", 450}) == "");
    REQUIRE(code(*keeper, first) == "");
  }
  {
    auto const warehouse = opened(path, {.name = "warehouse", .role = "warehouse"});
    CHECK(code(*warehouse, shop::add_product{2, "Black tea", 1}) == "not-allowed");
    CHECK(code(*warehouse, second) == "not-allowed");
    CHECK(code(*warehouse, shop::note_on_order{1, "wrapped"}) == "");
    CHECK(code(*warehouse, shop::ship_order{1, {}}) == "");
  }
  {
    auto const customer = opened(path, {.name = "C0", .role = "customer"});
    CHECK(code(*customer, second) == "");
    CHECK(code(*customer, shop::set_email{"C0", "c@zero.example"}) == "");
    CHECK(code(*customer, shop::set_email{"C1", "c@one.example"}) == "not-allowed");
    CHECK(code(*customer, shop::ship_order{2, {}}) == "not-allowed");
    CHECK(code(*customer, shop::register_customer{"C2", "Mine"}) == "not-allowed");
  }
  auto const stranger = opened(path, {.name = "C0", .role = "stranger"});
  CHECK(code(*stranger, shop::set_email{"C0", "x@y"}) == "not-allowed");
  CHECK(code(*stranger, shop::change_price{1, 1}) == "not-allowed");
  CHECK(code(*stranger, shop::cancel_order{2, {}}) == "not-allowed");
}

TEST_CASE("a long order is loaded from its snapshot and decides as before") {
  scratch_folder folder;
  auto const path = folder.path("shop.db");
  {
    auto const shop = opened(path);
    register_customers(*shop, 1);
    REQUIRE(code(*shop, shop::add_product{1, "Green tea", 450}) == "");
    REQUIRE(code(*shop, shop::place_order{.order = 1,
                                          .customer = "C0",
                                          .placed_on = {},
                                          .lines = {{.product = 1, .quantity = 2}}}) == "");
    CHECK(code(*shop, shop::note_on_order{1, ""}) == "empty-note");
    CHECK(code(*shop, shop::note_on_order{2, "who?"}) == "unknown-order");
    for (int i = 1; i <= 250; ++i) REQUIRE(code(*shop, shop::note_on_order{1, std::to_string(i)}) == "");
  }
  auto const shop = opened(path);
  auto const kept = shop->log().find_snapshot("order-1", cleave::detail::snapshot_fingerprint<shop::order>());
  REQUIRE(kept);
  REQUIRE(*kept);
  CHECK((*kept)->version == cleave::version(200));
  CHECK((*kept)->data == R"({"now":"placed","notes":199})");
  auto const loaded = cleave::load_by_snapshot<shop::order>(shop->log(), "order-1");
  REQUIRE(loaded);
  CHECK(loaded->state.notes == 250);
  CHECK(code(*shop, shop::ship_order{1, {}}) == "");
  CHECK(code(*shop, shop::ship_order{1, {}}) == "already-shipped");
  CHECK(code(*shop, shop::place_order{.order = 1, .customer = "C0", .placed_on = {}, .lines = {}}) ==
        "order-exists");
}
