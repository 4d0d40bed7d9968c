// SPDX-License-Identifier: BSL-1.0
// The stored events of every released version of the shop: what was written once is read for ever.
#include "../../golden/golden.hpp"
#include "domain/date.hpp"
#include "domain/events.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <vector>

TEST_CASE("every stored event of the shop is read as it was written") {
  using namespace shop;
  cleave_golden::folder golden(SHOP_GOLDEN);
  golden.event(customer_registered{"OLIVA", "Oliva, \"Pan\" y Más", "Counter", std::nullopt, "Spain"});
  golden.event(product_added{9, "Chocolate 85 %", 395});
  golden.event(price_changed{9, 395, 410});
  golden.event(
      order_placed{1001, "OLIVA", date::parse("2026-01-05").value(), {{9, 12, 395, 15}, {1, 1, 0, 0}}});
  golden.event(order_shipped{1001, std::nullopt});
  golden.event(order_cancelled{1001, "out of oil"});
  golden.event(email_changed{"OLIVA", "new@oliva.example", "old@oliva.example"});
  golden.event(order_noted{1001, "rings \"twice\""});
  REQUIRE(golden.complaints() == std::vector<std::string>());
}
