// SPDX-License-Identifier: BSL-1.0
// The stored events of every released version: what was written once is read for ever. A file is never changed; a new version of
// an event gets a file of its own.
#include <cleave/event/codec.hpp>
#include <cleave/event/event_set.hpp>

#include "domain/date.hpp"
#include "domain/events.hpp"

#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <string>

namespace {

template <class E> void reads(E const& wanted) {
  std::string const path = SHOP_GOLDEN "/" + std::string(cleave::event_name_of<E>()) + ".json";
  INFO(path);
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in);
  std::string const stored{std::istreambuf_iterator<char>(in), {}};
  auto const read = cleave::codec<E>::decode(stored);
  if (!read) FAIL(read.error().message());
  CHECK(*read == wanted);
}

} // namespace

TEST_CASE("every stored event of the shop is read as it was written") {
  using namespace shop;
  reads(customer_registered{"OLIVA", "Oliva, \"Pan\" y Más", "Counter", std::nullopt, "Spain"});
  reads(product_added{9, "Chocolate 85 %", 395});
  reads(price_changed{9, 395, 410});
  reads(order_placed{1001, "OLIVA", date::parse("2026-01-05").value(), {{9, 12, 395, 15}, {1, 1, 0, 0}}});
  reads(order_shipped{1001, std::nullopt});
  reads(order_cancelled{1001, "out of oil"});
}
