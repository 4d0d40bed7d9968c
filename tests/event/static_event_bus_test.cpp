// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/static_event_bus.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using cleave::envelope;
using cleave::handler_failure;
using cleave::static_event_bus;

namespace {

struct order_placed {
  int number = 0;
};
struct order_shipped {
  int number = 0;
};

struct audit {
  std::string heard;
  void operator()(order_placed const& e) { heard += 'p' + std::to_string(e.number); }
  void operator()(order_shipped const& e, envelope const& at) {
    heard += 's' + std::to_string(e.number) + '@' + std::to_string(at.position.value());
  }
};

} // namespace

TEST_CASE("a static bus calls those subscribers that take the event, in order") {
  audit log;
  std::string heard;
  static_event_bus bus{[&](order_placed const&) { heard += 'a'; }, log,
                       [&](order_shipped const&) { heard += 'b'; }, [&](auto const&) { heard += '*'; }};
  REQUIRE(bus.publish(order_placed{1}) == 0);
  REQUIRE(heard == "a*");
  REQUIRE(bus.publish(order_shipped{2}) == 0);
  REQUIRE(heard == "a*b*");
  REQUIRE(log.heard == "p1s2@0");
  envelope at;
  at.position = cleave::position(9);
  bus.publish(order_shipped{3}, at);
  REQUIRE(log.heard == "p1s2@0s3@9");
}

TEST_CASE("a static bus keeps temporaries and refers to named objects") {
  audit named;
  static_event_bus bus{named, [count = std::make_unique<int>(0)](order_placed const&) { ++*count; }};
  bus.publish(order_placed{4});
  REQUIRE(named.heard == "p4");
  static_assert(sizeof(static_event_bus{[](order_placed const&) {}, [](order_shipped const&) {}}) <= 2,
                "lambdas without captures take no storage");
}

TEST_CASE("a static bus contains what a subscriber throws, and tells it to those that take failures") {
  std::string heard;
  std::vector<std::string> told;
  static_event_bus bus{[&](order_placed const&) { heard += 'a'; },
                       [](order_placed const&) { throw std::runtime_error("no stock"); },
                       [&](order_placed const&) { heard += 'b'; },
                       [&](handler_failure const& f) {
                         told.push_back(f.reason.text());
                         throw std::runtime_error("log full");
                       }};
  REQUIRE(bus.publish(order_placed{}) == 1);
  REQUIRE(heard == "ab");
  REQUIRE(told.size() == 1);
  REQUIRE(told[0].find("order_placed threw: no stock") != std::string::npos);
}

TEST_CASE("a static bus publishes at compile time") {
  struct counter {
    int placed = 0;
    constexpr void operator()(order_placed const& e) { placed += e.number; }
  };
  constexpr int placed = [] {
    counter count;
    static_event_bus bus{count};
    bus.publish(order_placed{3});
    bus.publish(order_shipped{5});
    return count.placed;
  }();
  STATIC_REQUIRE(placed == 3);
}
