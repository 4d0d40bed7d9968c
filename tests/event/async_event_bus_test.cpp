// SPDX-License-Identifier: BSL-1.0
// The asynchronous bus driven step by step on one thread. async_event_bus_threads_test.cpp has what needs threads.
#include <cleave/event/async_event_bus.hpp>
#include <cleave/event/event_bus.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using cleave::async_event_bus;
using cleave::closing;
using cleave::consumers;
using cleave::event_set;
using cleave::handler_failure;
using cleave::producers;
using cleave::publish_outcome;
using cleave::step;
using cleave::when_full;

namespace {

struct order_placed {
  int number = 0;
};
struct order_paid {
  int number = 0;
};

using numbers = std::vector<int>;

// Steps all consumers until none has anything to do.
template <class Bus> void run(Bus& bus, std::size_t count) {
  for (bool worked = true; worked;) {
    worked = false;
    for (std::size_t i = 0; i < count; ++i) worked = bus.step(i) == step::worked || worked;
  }
}

} // namespace

TEMPLATE_TEST_CASE_SIG("every consumer sees every event in order, in batches of the size asked for",
                       "[async]", ((producers P), P), producers::one, producers::many) {
  async_event_bus<order_placed, P> bus({.capacity = 8, .batch = 3});
  numbers one;
  std::vector<std::size_t> batches;
  numbers other;
  bus.subscribe([&](order_placed const& e) { one.push_back(e.number); });
  bus.subscribe([&](std::span<order_placed const> batch) {
    batches.push_back(batch.size());
    for (auto const& e : batch) other.push_back(e.number);
  });
  numbers expected;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 7; ++i) {
      expected.push_back(7 * round + i);
      REQUIRE(bus.publish(order_placed{7 * round + i}) == publish_outcome::taken);
    }
    run(bus, 2);
  }
  REQUIRE(one == expected);
  REQUIRE(other == expected);
  // Seven events in threes, and once more apart where the array ends: after 8 and after 16.
  REQUIRE(batches == std::vector<std::size_t>{3, 3, 1, 1, 2, 3, 1, 2, 1, 3, 1});
}

TEST_CASE("a step handles one batch and says whether there was one") {
  async_event_bus<order_placed> bus({.capacity = 4, .batch = 2});
  int heard = 0;
  bus.subscribe([&](order_placed const&) { ++heard; });
  REQUIRE(bus.step(0) == step::idle);
  for (int i = 0; i < 3; ++i) REQUIRE(bus.publish(order_placed{i}) == publish_outcome::taken);
  REQUIRE(bus.step(0) == step::worked);
  REQUIRE(heard == 2);
  bus.close(closing::drain);
  REQUIRE_FALSE(bus.is_done(0));
  REQUIRE(bus.step(0) == step::worked);
  REQUIRE(heard == 3);
  REQUIRE(bus.step(0) == step::idle);
  REQUIRE(bus.is_done(0));
}

TEST_CASE("consumers after others get an event when all of these are done with it") {
  async_event_bus<order_placed> bus({.capacity = 4});
  std::string seen;
  auto const a = bus.subscribe([&](order_placed const&) { seen += 'a'; });
  auto const b = bus.compete(2, [&](order_placed const&) { seen += 'b'; });
  bus.subscribe([&](order_placed const&) { seen += 'c'; }, {a, b});
  REQUIRE(bus.publish(order_placed{}) == publish_outcome::taken);
  REQUIRE(bus.step(3) == step::idle);
  REQUIRE(bus.step(a.first) == step::worked);
  REQUIRE(bus.step(3) == step::idle);
  REQUIRE(bus.step(b.first + 1) == step::worked);
  REQUIRE(bus.step(3) == step::worked);
  REQUIRE(seen == "abc");
}

TEST_CASE("the ring is full until the slowest consumer is done") {
  for (std::size_t const capacity : {1U, 2U, 16U}) {
    async_event_bus<order_placed> bus({.capacity = capacity, .full = when_full::fail});
    bus.subscribe([](order_placed const&) {});
    bus.subscribe([](order_placed const&) {});
    for (std::size_t i = 0; i < capacity; ++i) REQUIRE(bus.publish(order_placed{}) == publish_outcome::taken);
    REQUIRE(bus.publish(order_placed{}) == publish_outcome::full);
    REQUIRE(bus.step(0) == step::worked);
    REQUIRE(bus.publish(order_placed{}) == publish_outcome::full);
    REQUIRE(bus.step(1) == step::worked);
    for (std::size_t i = 0; i < capacity; ++i) REQUIRE(bus.publish(order_placed{}) == publish_outcome::taken);
    REQUIRE(bus.publish(order_placed{}) == publish_outcome::full);
  }
}

TEST_CASE("several events are published side by side, or none of them") {
  async_event_bus<order_placed> bus({.capacity = 4, .full = when_full::fail});
  numbers heard;
  bus.subscribe([&](order_placed const& e) { heard.push_back(e.number); });
  std::array<order_placed, 3> const three{{{1}, {2}, {3}}};
  REQUIRE(bus.publish(std::span<order_placed const>()) == publish_outcome::taken);
  REQUIRE(bus.publish(three) == publish_outcome::taken);
  REQUIRE(bus.publish(three) == publish_outcome::full);
  run(bus, 1);
  REQUIRE(bus.publish(three) == publish_outcome::taken);
  run(bus, 1);
  REQUIRE(heard == numbers{1, 2, 3, 1, 2, 3});
}

TEMPLATE_TEST_CASE_SIG("the oldest events give way to new ones, and are counted for each consumer", "[async]",
                       ((producers P), P), producers::one, producers::many) {
  for (std::size_t const capacity : {1U, 2U, 16U}) {
    async_event_bus<order_placed, P> bus({.capacity = capacity, .full = when_full::drop_oldest, .batch = 5});
    numbers slow;
    int quick = 0;
    auto const a = bus.subscribe([&](order_placed const& e) { slow.push_back(e.number); });
    auto const b = bus.subscribe([&](order_placed const&) { ++quick; });
    int const count = 20;
    for (int i = 0; i < count; ++i) {
      REQUIRE(bus.publish(order_placed{i}) == publish_outcome::taken);
      REQUIRE(bus.step(1) == step::worked);
    }
    run(bus, 2);
    REQUIRE(quick == count);
    REQUIRE(bus.dropped(b) == 0);
    numbers newest;
    for (int i = count - static_cast<int>(capacity); i < count; ++i) newest.push_back(i);
    REQUIRE(slow == newest);
    REQUIRE(bus.dropped(a) == count - capacity);
  }
}

TEST_CASE("publishing in a handler never waits: when the ring is full it says what keeps it from waiting") {
  struct expected {
    when_full full;
    publish_outcome outcome;
  };
  auto const [full, outcome] = GENERATE(values<expected>(
      {{when_full::wait, publish_outcome::may_not_wait}, {when_full::fail, publish_outcome::full}}));
  for (std::size_t const capacity : {1U, 2U, 16U}) {
    async_event_bus<order_placed> bus({.capacity = capacity, .full = full, .batch = 1});
    std::vector<publish_outcome> outcomes;
    bus.subscribe([&](order_placed const& e) {
      if (e.number != 0) return;
      for (std::size_t i = 0; i < capacity; ++i) outcomes.push_back(bus.publish(order_placed{1}));
    });
    REQUIRE(bus.publish(order_placed{0}) == publish_outcome::taken);
    run(bus, 1);
    // The event that is being handled keeps its place.
    std::vector<publish_outcome> wanted(capacity, publish_outcome::taken);
    wanted.back() = outcome;
    REQUIRE(outcomes == wanted);
  }
}

TEST_CASE("a handler that publishes with drop_oldest drops others, and keeps the event that it handles") {
  for (std::size_t const capacity : {1U, 2U, 16U}) {
    async_event_bus<order_placed> bus({.capacity = capacity, .full = when_full::drop_oldest, .batch = 1});
    numbers heard;
    auto const a = bus.subscribe([&](order_placed const& e) {
      if (e.number == 0) {
        for (int i = 1; i <= 20; ++i) REQUIRE(bus.publish(order_placed{i}) == publish_outcome::taken);
      }
      heard.push_back(e.number);
    });
    REQUIRE(bus.publish(order_placed{0}) == publish_outcome::taken);
    run(bus, 1);
    numbers wanted{0};
    for (int i = 21 - static_cast<int>(capacity); i <= 20; ++i) wanted.push_back(i);
    REQUIRE(heard == wanted);
    REQUIRE(bus.dropped(a) == 20 - capacity);
  }
}

TEST_CASE("a publisher does not wait for a bus that nobody has started") {
  async_event_bus<order_placed> bus({.capacity = 1});
  bus.subscribe([](order_placed const&) {});
  REQUIRE(bus.publish(order_placed{}) == publish_outcome::taken);
  REQUIRE(bus.publish(order_placed{}) == publish_outcome::may_not_wait);
}

TEST_CASE("a closed bus takes nothing; what it had is handled, or discarded and counted") {
  async_event_bus<order_placed> bus({.capacity = 4, .batch = 1});
  int heard = 0;
  auto const a = bus.subscribe([&](order_placed const&) { ++heard; });
  for (int i = 0; i < 4; ++i) REQUIRE(bus.publish(order_placed{}) == publish_outcome::taken);
  bus.close(closing::drain);
  REQUIRE(bus.publish(order_placed{}) == publish_outcome::closed);
  REQUIRE(bus.step(0) == step::worked);
  bus.close(closing::discard);
  REQUIRE(bus.is_done(0));
  REQUIRE(bus.step(0) == step::idle);
  REQUIRE(heard == 1);
  REQUIRE(bus.discarded(a) == 3);
}

TEST_CASE("what a handler throws is counted and reported, and keeps no event from anybody") {
  cleave::event_bus failures;
  std::vector<std::string> reported;
  auto const listening = failures.subscribe<handler_failure>(
      [&](handler_failure const& f) { reported.push_back(f.reason.message()); });
  async_event_bus<order_placed> bus({.capacity = 4, .failures = &failures});
  numbers heard;
  int batches = 0;
  auto const a = bus.subscribe([&](order_placed const& e) {
    if (e.number == 1) throw std::runtime_error("out of ink");
    heard.push_back(e.number);
  });
  auto const b = bus.subscribe([&](std::span<order_placed const>) {
    ++batches;
    throw 5;
  });
  for (int i = 0; i < 3; ++i) REQUIRE(bus.publish(order_placed{i}) == publish_outcome::taken);
  run(bus, 2);
  REQUIRE(heard == numbers{0, 2});
  REQUIRE(batches == 1);
  REQUIRE(bus.failed(a) == 1);
  REQUIRE(bus.failed(b) == 1);
  REQUIRE(reported.size() == 2);
  REQUIRE(reported[0].find("out of ink") != std::string::npos);
  REQUIRE(reported[0].find("order_placed") != std::string::npos);
}

TEST_CASE("without anybody to report to, failures are counted all the same") {
  async_event_bus<order_placed> bus({.capacity = 4});
  auto const a = bus.subscribe([](order_placed const&) { throw 5; });
  REQUIRE(bus.publish(order_placed{}) == publish_outcome::taken);
  run(bus, 1);
  REQUIRE(bus.failed(a) == 1);
}

TEST_CASE("of an event_set each handler gets the events that it can be called with") {
  async_event_bus<event_set<order_placed, order_paid>> bus({.capacity = 4});
  std::string seen;
  bus.subscribe([&](order_paid const& e) { seen += "P" + std::to_string(e.number); });
  struct both {
    std::string& to;
    void operator()(order_placed const& e) const { to += "o" + std::to_string(e.number); }
    void operator()(order_paid const& e) const { to += "p" + std::to_string(e.number); }
  };
  bus.subscribe(both{seen});
  bus.subscribe([&](std::span<std::variant<order_placed, order_paid> const> all) {
    seen += std::to_string(all.size());
  });
  REQUIRE(bus.publish(order_placed{1}) == publish_outcome::taken);
  REQUIRE(bus.publish(order_paid{2}) == publish_outcome::taken);
  REQUIRE(bus.publish(order_paid{3}) == publish_outcome::taken);
  run(bus, 3);
  REQUIRE(seen == "P2P3o1p2p33");
}

TEST_CASE("events with one key go to one part, in order; each event goes to one part") {
  async_event_bus<event_set<order_placed, order_paid>> bus({.capacity = 64});
  std::vector<std::pair<int, int>> handled; // number, part
  std::size_t part = 0;
  auto const parts = bus.partition(
      3, [](auto const& e) { return e.number % 10; },
      [&](order_placed const& e) { handled.emplace_back(e.number, static_cast<int>(part)); });
  for (int i = 0; i < 30; ++i) {
    REQUIRE(bus.publish(order_placed{i}) == publish_outcome::taken);
    REQUIRE(bus.publish(order_paid{i}) == publish_outcome::taken);
  }
  for (part = 0; part < parts.count; ++part) {
    while (bus.step(parts.first + part) == step::worked) {
    }
  }
  REQUIRE(handled.size() == 30);
  std::vector<int> last(10, -1);
  std::vector<int> part_of(10, -1);
  std::array<int, 3> shares{};
  for (auto const& [number, in] : handled) {
    auto const key = static_cast<std::size_t>(number % 10);
    REQUIRE(number > last[key]);
    last[key] = number;
    REQUIRE((part_of[key] == -1 || part_of[key] == in));
    part_of[key] = in;
    ++shares[static_cast<std::size_t>(in)];
  }
  for (int const share : shares) REQUIRE(share > 0);
}

namespace {

struct counted {
  static inline int constructed = 0;
  int number = 0;
  counted() { ++constructed; }
  counted(counted const& other) : number(other.number) { ++constructed; }
  counted(counted&& other) noexcept : number(other.number) { ++constructed; }
  counted& operator=(counted const&) noexcept = default;
  counted& operator=(counted&&) noexcept = default;
  ~counted() = default;
};

struct delicate { // copying may throw
  std::string text{};
  delicate() = default;
  explicit delicate(std::string t) : text(std::move(t)) {}
  delicate(delicate const& other) : text(checked(other)) {}
  delicate(delicate&&) noexcept = default;
  delicate& operator=(delicate const& other) {
    text = checked(other);
    return *this;
  }
  delicate& operator=(delicate&&) noexcept = default;
  ~delicate() = default;
  static std::string const& checked(delicate const& from) {
    if (from.text == "broken") throw std::runtime_error("cannot be copied");
    return from.text;
  }
};

} // namespace

TEST_CASE("events are assigned into places that are there already, and read there") {
  async_event_bus<counted> bus({.capacity = 8});
  counted const* read_at = nullptr;
  bus.subscribe([&](counted const& e) { read_at = &e; });
  counted event;
  int const before = counted::constructed;
  counted const* first = nullptr;
  for (int i = 0; i < 9; ++i) {
    event.number = i;
    REQUIRE(bus.publish(event) == publish_outcome::taken);
    run(bus, 1);
    REQUIRE(read_at->number == i);
    if (i == 0) first = read_at;
  }
  REQUIRE(read_at == first);
  REQUIRE(counted::constructed == before);
}

TEST_CASE("events that can only be moved are moved") {
  async_event_bus<std::unique_ptr<int>> bus({.capacity = 2});
  int sum = 0;
  bus.subscribe([&](std::unique_ptr<int> const& e) { sum += *e; });
  REQUIRE(bus.publish(std::make_unique<int>(5)) == publish_outcome::taken);
  run(bus, 1);
  REQUIRE(sum == 5);
}

TEST_CASE("an event whose copy throws is not published, and the exception passes through") {
  async_event_bus<delicate> bus({.capacity = 2, .full = when_full::fail});
  std::vector<std::string> heard;
  bus.subscribe([&](delicate const& e) { heard.push_back(e.text); });
  delicate const broken("broken");
  delicate const sound("sound");
  for (int i = 0; i < 3; ++i) REQUIRE_THROWS_AS(bus.publish(broken), std::runtime_error);
  REQUIRE(bus.publish(sound) == publish_outcome::taken);
  REQUIRE(bus.publish(delicate("moved")) == publish_outcome::taken);
  run(bus, 1);
  REQUIRE(heard == std::vector<std::string>{"sound", "moved"});
}

TEST_CASE("where consumers copy events out, a copy that throws is a failure of that event alone") {
  cleave::event_bus failures;
  int reported = 0;
  auto const listening = failures.subscribe<handler_failure>([&](handler_failure const&) { ++reported; });
  async_event_bus<delicate> bus({.capacity = 4, .full = when_full::drop_oldest, .failures = &failures});
  std::vector<std::string> heard;
  auto const a = bus.subscribe([&](delicate const& e) { heard.push_back(e.text); });
  for (char const* text : {"one", "broken", "broken", "four"}) {
    REQUIRE(bus.publish(delicate(text)) == publish_outcome::taken);
  }
  run(bus, 1);
  REQUIRE(heard == std::vector<std::string>{"one", "four"});
  REQUIRE(bus.failed(a) == 2);
  REQUIRE(reported == 1);
  REQUIRE(bus.dropped(a) == 0);
}
