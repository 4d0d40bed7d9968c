// SPDX-License-Identifier: BSL-1.0
#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/query/async_waits.hpp>
#include <cleave/testing/manual_clock.hpp>

#include "../attack/scale.hpp"
#include "ticks.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

using Catch::Contains;
using cleave::async_waits;
using cleave::at_least;
using cleave::errc;
using cleave::position;
using cleave::result;
using cleave::step;
using namespace std::chrono_literals;

namespace {

struct total {
  using events = cleave::event_set<clockwork::ticked>;
  using queries = cleave::query_set<clockwork::sum>;
  static constexpr std::string_view name = "total.v1";
  void on(clockwork::ticked const& e) {
    if (e.by == 666) throw std::runtime_error("out of order");
    sum += e.by;
  }
  std::int64_t answer(clockwork::sum const&) const { return sum; }
  std::int64_t sum = 0;
};

struct bench {
  cleave::testing::manual_clock clock;
  cleave::projection_progress progress{"p.v1"};
  std::vector<std::string> said;

  cleave::async_wait_options options() const { return {.threads = false, .clock = clock}; }
  auto say(std::string const& name) {
    return [this, name](result<void> const& outcome) {
      said.push_back(name + (outcome ? " reached" : " " + std::string(to_string(outcome.error().code()))));
    };
  }
  std::vector<std::string> heard() { return std::exchange(said, {}); }
  void advance(async_waits& waits, std::uint64_t to) {
    progress.advance(position(to));
    waits.step();
  }
};
using words = std::vector<std::string>;

} // namespace

TEST_CASE("a wait without a thread is told when its position is reached, and not before") {
  bench b;
  async_waits waits(b.progress, b.options());
  REQUIRE(waits.when_reached(at_least(position(5)), b.say("five")));
  REQUIRE(waits.when_reached(at_least(position(3)), b.say("three")));
  REQUIRE(waits.when_reached(at_least(position(5)), b.say("five again")));
  REQUIRE(waits.when_reached(at_least(position(9)), b.say("nine")));
  CHECK(waits.waiting() == 4);
  b.advance(waits, 2);
  CHECK(b.heard() == words{});
  b.progress.advance(position(6));
  CHECK(b.heard() == words{}); // never within a step of the projection
  CHECK(waits.step() == step::worked);
  CHECK(b.heard() == words{"three reached", "five reached", "five again reached"});
  CHECK(waits.waiting() == 1);
  // What is there is told at once, on the caller's thread.
  REQUIRE(waits.when_reached(at_least(position(6)), b.say("six")));
  REQUIRE(waits.when_reached(at_least(), b.say("anything")));
  CHECK(b.heard() == words{"six reached", "anything reached"});
  b.advance(waits, 9);
  CHECK(b.heard() == words{"nine reached"});
  CHECK(waits.step() == step::idle);
}

TEST_CASE("a wait whose time is up is told so, and which position was asked for") {
  bench b;
  async_waits waits(b.progress, b.options());
  b.advance(waits, 4);
  REQUIRE(waits.when_reached(at_least(position(7), 200ms), b.say("later")));
  std::string text;
  REQUIRE(waits.when_reached(at_least(position(5), 100ms),
                             [&](result<void> const& outcome) { text = outcome.error().message(); }));
  REQUIRE(waits.when_reached(at_least(position(5), 0ms), b.say("at once")));
  CHECK(b.heard() == words{"at once stale"});
  b.clock.advance_us(99'999);
  CHECK(waits.step() == step::idle);
  CHECK(text == "");
  b.clock.advance_us(1);
  CHECK(waits.step() == step::worked);
  CHECK_THAT(text, Contains("p.v1 is at position 4, 5 was asked for (waited 100 ms)"));
  CHECK(b.heard() == words{});
  b.clock.advance_us(100'000);
  waits.step();
  CHECK(b.heard() == words{"later stale"});
  CHECK(waits.waiting() == 0);
}

TEST_CASE("no more than the stated number wait, and one that is refused is not told") {
  bench b;
  auto options = b.options();
  options.most = 2;
  async_waits waits(b.progress, options);
  REQUIRE(waits.when_reached(at_least(position(1)), b.say("first")));
  REQUIRE(waits.when_reached(at_least(position(1)), b.say("second")));
  auto const refused = waits.when_reached(at_least(position(1)), b.say("third"));
  CHECK(refused.error().code() == errc::limit_exceeded);
  CHECK_THAT(refused.error().message(), Contains("p.v1") && Contains("the limit is 2"));
  REQUIRE(waits.when_reached(at_least(), b.say("nothing to wait for")));
  b.advance(waits, 1);
  CHECK(b.heard() == words{"nothing to wait for reached", "first reached", "second reached"});
  REQUIRE(waits.when_reached(at_least(position(2)), b.say("third")));
  b.advance(waits, 2);
  CHECK(b.heard() == words{"third reached"});
}

TEST_CASE("when the projection stops, all that wait are told why, and so is who comes later") {
  bench b;
  async_waits waits(b.progress, b.options());
  std::string text;
  REQUIRE(waits.when_reached(at_least(position(1), 1h),
                             [&](result<void> const& outcome) { text = outcome.error().message(); }));
  REQUIRE(waits.when_reached(at_least(position(2), 1h), b.say("two")));
  b.progress.fail(cleave::error(errc::handler_failed, "a broken spring"));
  CHECK(waits.step() == step::worked);
  CHECK_THAT(text, Contains("p.v1 stopped at position 0, 1 was asked for") && Contains("a broken spring"));
  CHECK(b.heard() == words{"two stale"});
  REQUIRE(waits.when_reached(at_least(position(1), 1h), b.say("late")));
  CHECK(b.heard() == words{"late stale"});
}

TEST_CASE("who still waits at the end is told") {
  bench b;
  {
    async_waits waits(b.progress, b.options());
    REQUIRE(waits.when_reached(at_least(position(1), 1h), b.say("one")));
  }
  CHECK(b.heard() == words{"one stale"});
  b.progress.advance(position(1));
  CHECK(b.heard() == words{});
}

TEST_CASE("a completion may wait again") {
  bench b;
  async_waits waits(b.progress, b.options());
  int rounds = 0;
  struct again {
    async_waits& waits;
    int& rounds;
    void operator()(result<void> const& outcome) const {
      if (!outcome) return;
      ++rounds;
      if (!waits.when_reached(at_least(position(static_cast<std::uint64_t>(rounds) + 1)), *this))
        std::abort();
    }
  };
  REQUIRE(waits.when_reached(at_least(position(1)), again{waits, rounds}));
  b.advance(waits, 1);
  CHECK(rounds == 1);
  b.advance(waits, 1'000); // one after another, none within another
  CHECK(rounds == 1'000);
  CHECK(waits.waiting() == 1);
}

TEST_CASE("of many that wait without threads each is told once, none too early, while others come") {
#ifdef CLEAVE_ATTACK_SANITIZED
  constexpr std::uint64_t each = 500;
#else
  constexpr std::uint64_t each = 4'000;
#endif
  constexpr std::uint64_t clients = 3;
  cleave::projection_progress progress("p.v1");
  std::vector<std::atomic<int>> told(each * clients);
  std::atomic<int> wrong = 0;
  std::atomic<std::uint64_t> done = 0;
  {
    async_waits waits(progress, {.most = each * clients});
    std::vector<std::thread> threads;
    threads.reserve(clients + 1);
    for (std::uint64_t c = 0; c < clients; ++c) {
      threads.emplace_back([&, c] {
        std::mt19937_64 random(c);
        for (std::uint64_t i = 0; i < each; ++i) {
          auto const wanted = position(1 + random() % each);
          auto const begun = waits.when_reached(
              at_least(wanted, 10min), [&, wanted, place = c * each + i](result<void> const& outcome) {
                if (!outcome || progress.reached() < wanted || ++told[place] != 1) ++wrong;
                ++done;
              });
          if (!begun) ++wrong;
        }
      });
    }
    threads.emplace_back([&] {
      for (std::uint64_t p = 1; p <= each; ++p) progress.advance(position(p));
    });
    for (auto& thread : threads) thread.join();
    while (done < each * clients) std::this_thread::yield();
    CHECK(waits.waiting() == 0);
  }
  CHECK(wrong == 0);
}

TEST_CASE("the thread for timeouts tells who waits in vain, however long it had rested") {
  cleave::projection_progress progress("p.v1");
  async_waits waits(progress, {.poll_us = 1'000});
  for (int round = 0; round < 3; ++round) {
    std::atomic<int> stale = 0;
    for (auto const timeout : {1ms, 2ms, 20ms}) {
      REQUIRE(waits.when_reached(at_least(position(1), timeout), [&](result<void> const& outcome) {
        if (!outcome && outcome.error().code() == errc::stale) ++stale;
      }));
    }
    while (stale < 3) std::this_thread::yield();
  }
  std::atomic<bool> told = false;
  REQUIRE(waits.when_reached(at_least(position(1), 10min), [&](result<void> const&) { told = true; }));
  progress.fail(cleave::error(errc::handler_failed, "a broken spring"));
  while (!told) std::this_thread::yield();
}

TEST_CASE("an advance wakes the thread that tells, however long it would have slept") {
  cleave::projection_progress progress("p.v1");
  async_waits waits(progress, {.poll_us = 3'600'000'000});
  // Somebody waits all the time, so that no other wait is a reason to wake it.
  REQUIRE(waits.when_reached(at_least(position(1'000), 10min), [](result<void> const&) {}));
  for (std::uint64_t p = 1; p <= 50; ++p) {
    std::atomic<bool> told = false;
    REQUIRE(waits.when_reached(at_least(position(p), 10min),
                               [&](result<void> const& outcome) { told = outcome.has_value(); }));
    progress.advance(position(p));
    while (!told) std::this_thread::yield();
  }
}

TEST_CASE("a command's effect is asked for as soon as it is there, and no thread waits for it") {
  bool const threads = GENERATE(false, true);
  cleave::memory::event_store store;
  cleave::application app{store, cleave::projections<total>,
                          cleave::application_options{.projector = {.threads = threads}}};
  async_waits waits(app.progress_of<clockwork::sum>(), {.threads = app.has_threads()});
  constexpr int commands = 200;
  std::atomic<int> wrong = 0;
  std::atomic<int> told = 0;
  for (int i = 1; i <= commands; ++i) {
    auto const at = cleave_test::tick(store, 1);
    REQUIRE(waits.when_reached(at_least(at, 10min), [&, i](result<void> const& outcome) {
      auto const answer = app.query(clockwork::sum{});
      if (!outcome || !answer || *answer < i) ++wrong;
      ++told;
    }));
  }
  if (!threads) {
    while (app.step() == step::worked) {
    }
    CHECK(told == 0);
    waits.step();
    CHECK(told == commands);
  }
  while (told < commands) std::this_thread::yield();
  CHECK(wrong == 0);
  auto const never = cleave_test::tick(store, 666);
  std::atomic<bool> stale = false;
  REQUIRE(waits.when_reached(at_least(never, 10min), [&](result<void> const& outcome) { stale = !outcome; }));
  if (!threads) {
    app.step();
    waits.step();
  }
  while (!stale) std::this_thread::yield();
}
