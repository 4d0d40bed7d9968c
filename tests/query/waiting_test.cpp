// SPDX-License-Identifier: BSL-1.0
#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/testing/manual_clock.hpp>

#include "../attack/scale.hpp"
#include "ticks.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

using cleave::at_least;
using cleave::position;
using namespace std::chrono_literals;

namespace {

struct total {
  using events = cleave::event_set<clockwork::ticked>;
  using queries = cleave::query_set<clockwork::sum>;
  static constexpr std::string_view name = "total.v1";
  void on(clockwork::ticked const& e) { sum += e.by; }
  std::int64_t answer(clockwork::sum const&) const { return sum; }
  std::int64_t sum = 0;
};

} // namespace

TEST_CASE("of thousands that wait, those whose position is reached go on, and the others wait on") {
#ifdef CLEAVE_ATTACK_SANITIZED
  constexpr std::uint64_t waiters = 200;
#else
  constexpr std::uint64_t waiters = 5'000;
#endif
  constexpr std::uint64_t positions = 10;
  cleave::projection_progress progress("p.v1");
  std::atomic<std::uint64_t> gone[positions + 1] = {};
  std::atomic<std::uint64_t> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(waiters);
  for (std::uint64_t i = 0; i < waiters; ++i) {
    threads.emplace_back([&, wanted = position(1 + i % positions)] {
      if (!progress.wait(at_least(wanted, 10min)) || progress.reached() < wanted) ++wrong;
      ++gone[wanted.value()];
    });
  }
  while (progress.status().waiting < waiters) std::this_thread::yield();
  for (std::uint64_t p = 1; p <= positions; ++p) {
    progress.advance(position(p));
    while (progress.status().waiting > waiters - p * (waiters / positions)) std::this_thread::yield();
    REQUIRE(progress.status().waiting == waiters - p * (waiters / positions));
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(wrong == 0);
  for (std::uint64_t p = 1; p <= positions; ++p) REQUIRE(gone[p] == waiters / positions);
}

TEST_CASE("an advance costs the same, whether one or a thousand wait for something further on") {
#ifdef CLEAVE_ATTACK_SANITIZED
  constexpr std::uint64_t many = 100;
#else
  constexpr std::uint64_t many = 2'000;
#endif
  auto const time_of_advances = [](std::uint64_t waiters) {
    cleave::projection_progress progress("p.v1");
    std::vector<std::thread> threads;
    for (std::uint64_t i = 0; i < waiters; ++i) {
      threads.emplace_back([&] { static_cast<void>(progress.wait(at_least(position(1'000'000), 10min))); });
    }
    while (progress.status().waiting < waiters) std::this_thread::yield();
    auto best = std::chrono::nanoseconds::max();
    for (std::uint64_t p = 1; p <= 200; ++p) {
      auto const begin = std::chrono::steady_clock::now();
      progress.advance(position(p));
      best = std::min<std::chrono::nanoseconds>(best, std::chrono::steady_clock::now() - begin);
    }
    progress.advance(position(1'000'000));
    for (auto& thread : threads) thread.join();
    return best;
  };
  auto const one = time_of_advances(1);
  auto const all = time_of_advances(many);
  REQUIRE(all < 5 * one + 1us);
}

TEST_CASE("a projection's status tells how far it is behind, in events and in time") {
  cleave::testing::manual_clock clock;
  cleave::memory::event_store store({.clock = clock});
  cleave::application app{
      store, cleave::projections<total>,
      cleave::application_options{.write = {.clock = clock}, .projector = {.threads = false}}};
  auto const lag = [&] {
    auto const status = app.projections().at(0);
    return std::pair(status.behind_events, status.behind_us);
  };
  REQUIRE(lag() == std::pair(std::uint64_t{0}, std::int64_t{0}));
  cleave_test::tick(store);
  clock.advance_us(5'000);
  auto const second = cleave_test::tick(store);
  clock.advance_us(2'000);
  REQUIRE(lag() == std::pair(std::uint64_t{2}, std::int64_t{7'000}));
  REQUIRE(*app.query(clockwork::sum{}, at_least(second)) == 2);
  REQUIRE(lag() == std::pair(std::uint64_t{0}, std::int64_t{0}));
  // Events that it does not follow count until it has passed them.
  cleave_test::tock(store);
  REQUIRE(lag() == std::pair(std::uint64_t{1}, std::int64_t{0}));
  clock.set(cleave::testing::manual_clock::default_start);
  REQUIRE(lag() == std::pair(std::uint64_t{1}, std::int64_t{0}));
  app.step();
  REQUIRE(lag().first == 0);
}
