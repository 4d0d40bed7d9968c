// SPDX-License-Identifier: BSL-1.0
// The whole read side is made, used and destroyed, over and over, while others write, ask and wait: nothing is left running, nobody
// waits for ever, and what handlers do inside of handlers stops nothing.
#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/memory/query_cache.hpp>
#include <cleave/query/live_query.hpp>
#include <cleave/query/log_follower.hpp>

#include "../query/ticks.hpp"
#include "scale.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <optional>
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

} // namespace

TEST_CASE(
    "an application with its projection, cache, follower and live query comes and goes while others write") {
  auto const rounds = cleave::test::attack_count(2'000);
  std::atomic<int> wrong = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) live_once(round, wrong);
  REQUIRE(wrong == 0);
}
