// SPDX-License-Identifier: BSL-1.0
// The whole read side is made, used and destroyed, over and over, while others write, ask and wait: nothing is left running, nobody
// waits for ever, and what handlers do inside of handlers stops nothing.
#include <cleave/cleave.hpp>
#include <cleave/event/async_event_bus.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/memory/query_cache.hpp>
#include <cleave/query/live_query.hpp>
#include <cleave/query/log_follower.hpp>

#include "../query/ticks.hpp"
#include "scale.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>

using cleave::at_least;
using cleave_test::tick;
using namespace std::chrono_literals;

namespace clockwork {
BOOST_DESCRIBE_STRUCT(sum_of, (), (stream))
}

namespace {

struct tower {
  using events = cleave::event_set<clockwork::ticked>;
  using queries = cleave::query_set<clockwork::sum_of>;
  static constexpr std::string_view name = "tower.v1";
  void on(clockwork::ticked const& e) { sum += e.by; }
  std::int64_t answer(clockwork::sum_of const&) const { return sum; }
  std::int64_t sum = 0;
};
struct counting {
  static constexpr std::string_view name = "counting.v1";
  std::atomic<std::uint64_t>* seen;
  void on(cleave::recorded_event const&) const { ++*seen; }
};

// One life. What comes of a wait depends on who is faster; what must hold is that it ends.
void live_once(std::uint64_t round, std::atomic<int>& wrong) {
  cleave::memory::event_store store;
  cleave::memory::query_cache cache({.entries = 4});
  std::atomic<std::uint64_t> seen = 0;
  std::thread writer;
  std::thread asker;
  {
    cleave::application app{store, cleave::projections<tower>,
                            cleave::cached_queries<clockwork::sum_of>(cache)};
    cleave::log_follower follower(store, counting{&seen}, {.batch = 1 + round % 3});
    std::optional<cleave::step_thread> follows(std::in_place, follower, store.commits(), 1'000'000);
    cleave::live_query live(app, clockwork::sum_of{"clock-1"},
                            cleave::live_query_options{.queue = std::size_t{1} << (round % 5)});
    cleave::event_bus& bus = app.events();
    cleave::subscription inner;
    // A handler that appends, subscribes, unsubscribes and publishes.
    auto outer = bus.subscribe<clockwork::ticked>([&](clockwork::ticked const& e) {
      if (e.by > 2) return;
      tick(store, e.by);
      auto const short_lived = bus.subscribe<clockwork::ticked>([](clockwork::ticked const&) {});
      inner = bus.subscribe<clockwork::ticked>([](clockwork::ticked const&) {});
      bus.publish(clockwork::ticked{e.by + 1});
      inner.reset();
    });
    writer = std::thread([&store] {
      for (int i = 0; i < 4; ++i) tick(store);
    });
    bus.publish(clockwork::ticked{1});
    asker = std::thread([&app, &store, &wrong] {
      auto const head = store.head().value();
      auto const answer = app.query(clockwork::sum_of{"clock-1"}, at_least(head, 1min));
      if (!answer || *answer < 1) ++wrong;
    });
    if (round % 2 == 0 && !live.next(1min)) ++wrong;
    if (round % 3 == 0 && !follower.progress().wait(at_least(cleave::position(2), 1min))) ++wrong;
    asker.join();
    if (round % 4 == 0) follows.reset();
    if (round % 5 == 0) outer.reset();
    // The rest ends while the writer writes.
  }
  writer.join();
}

struct republishing {
  static constexpr std::string_view name = "republishing.v1";
  std::function<void()> publish;
  void on(cleave::recorded_event const&) const { publish(); }
};

// One life of an asynchronous bus whose handlers publish on it, append, subscribe and unsubscribe, while two threads publish and a
// follower of the log publishes what it reads. What was taken is counted, and handled once unless it gave way or was discarded.
void bus_once(std::uint64_t round, std::atomic<int>& wrong) {
  using cleave::publish_outcome;
  using clockwork::ticked;
  constexpr std::size_t bounds[] = {1, 2, 16};
  constexpr cleave::when_full answers[] = {cleave::when_full::wait, cleave::when_full::fail,
                                           cleave::when_full::drop_oldest};
  constexpr cleave::waiting waits[] = {cleave::waiting::adaptive, cleave::waiting::park};
  auto const full = answers[round / 3 % 3];
  bool const drains = round / 9 % 2 == 0;

  cleave::memory::event_store store;
  cleave::event_bus other;
  std::atomic<std::uint64_t> taken = 0;
  std::atomic<std::uint64_t> handled = 0;
  std::thread publishers[2];
  {
    cleave::async_event_bus<ticked> bus({.capacity = bounds[round % 3],
                                         .full = full,
                                         .waits = waits[round / 18 % 2],
                                         .batch = std::size_t{1} << (round % 4)});
    auto const publish = [&](std::int64_t by) {
      auto const came = bus.publish(ticked{by});
      if (came == publish_outcome::taken) ++taken;
      return came;
    };
    std::mutex inner_mutex;
    cleave::subscription inner;
    auto const listening = bus.subscribe([&](ticked const& e) {
      ++handled;
      if (e.by > 2) return;
      tick(store, 3);
      {
        std::scoped_lock const lock(inner_mutex);
        auto const short_lived = other.subscribe<ticked>([](ticked const&) {});
        inner = other.subscribe<ticked>([](ticked const&) {});
        other.publish(e);
        inner.reset();
      }
      // More than there is room for: what cannot be waited for is said, and nothing hangs.
      for (int i = 0; i < 3; ++i) {
        auto const came = publish(3);
        bool const said = came == publish_outcome::taken || came == publish_outcome::closed ||
                          (came == publish_outcome::may_not_wait && full == cleave::when_full::wait) ||
                          (came == publish_outcome::full && full == cleave::when_full::fail);
        if (!said) ++wrong;
      }
    });
    auto const competing = bus.compete(2, [](ticked const&) {});
    bus.start();
    cleave::log_follower follower(store, republishing{[&] { static_cast<void>(publish(4)); }},
                                  {.batch = 1 + round % 3});
    std::optional<cleave::step_thread> follows(std::in_place, follower, store.commits(), 1'000'000);
    for (std::thread& one : publishers) {
      one = std::thread([&publish] {
        for (int i = 0; i < 4; ++i) static_cast<void>(publish(1));
      });
    }
    if (round % 2 == 0) follows.reset();
    if (round % 4 != 0) { // otherwise it is closed while they publish
      for (std::thread& one : publishers) one.join();
    }
    bus.close(drains ? cleave::closing::drain : cleave::closing::discard);
    for (std::thread& one : publishers) {
      if (one.joinable()) one.join();
    }
    follows.reset();
    std::uint64_t const gone = bus.dropped(listening) + bus.discarded(listening);
    if (handled + gone != taken) ++wrong;
    if (drains && bus.waiting(competing) != 0) ++wrong;
    if (bus.failed(listening) != 0) ++wrong;
  }
}

} // namespace

TEST_CASE(
    "an application with its projection, cache, follower and live query comes and goes while others write") {
  auto const rounds = cleave::test::attack_count(2'000);
  std::atomic<int> wrong = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) live_once(round, wrong);
  REQUIRE(wrong == 0);
}

TEST_CASE(
    "an asynchronous bus with room for 1, 2 or 16 events, whose handlers publish on it, append and subscribe, comes and goes") {
  auto const rounds = cleave::test::attack_count(2'000);
  std::atomic<int> wrong = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) bus_once(round, wrong);
  REQUIRE(wrong == 0);
}

TEST_CASE("a handler that publishes on its own full bus is told that it may not wait, and the bus goes on") {
  auto const bound = GENERATE(as<std::size_t>{}, 1, 2, 16);
  cleave::async_event_bus<clockwork::ticked> bus({.capacity = bound});
  std::promise<std::size_t> refused;
  std::atomic<std::uint64_t> handled = 0;
  auto const all = bus.subscribe([&](clockwork::ticked const& e) {
    ++handled;
    if (e.by != 1) return;
    std::size_t count = 0;
    for (std::size_t i = 0; i < bound; ++i) { // its own place is free behind it only
      if (bus.publish(clockwork::ticked{2}) == cleave::publish_outcome::may_not_wait) ++count;
    }
    refused.set_value(count);
  });
  bus.start();
  REQUIRE(bus.publish(clockwork::ticked{1}) == cleave::publish_outcome::taken);
  REQUIRE(refused.get_future().get() == 1);
  bus.close(cleave::closing::drain);
  REQUIRE(handled == bound);
  REQUIRE(bus.waiting(all) == 0);
}
