// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/log_follower.hpp>
#include <cleave/query/step_thread.hpp>

#include "small_read_store.hpp"
#include "ticks.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using Catch::Contains;
using cleave::errc;
using cleave::log_start;
using cleave::position;
using cleave::step;
using cleave_test::tick;
using cleave_test::tock;
using store_type = cleave::memory::event_store;

namespace {

struct heard {
  std::vector<std::uint64_t> at{};
  std::vector<std::uint64_t> live{};
  std::uint64_t fails_at = 0;
};
struct ear {
  using events = cleave::event_set<clockwork::ticked>;
  static constexpr std::string_view name = "ear.v1";
  heard* into;
  cleave::result<void> on(clockwork::ticked const& e, cleave::envelope const& at) {
    if (e.by < 0) throw std::runtime_error("backwards");
    if (at.position.value() == into->fails_at)
      return cleave::unexpected(cleave::error(errc::busy, "not now"));
    into->at.push_back(at.position.value());
    return {};
  }
  void on_live(position at) { into->live.push_back(at.value()); }
};
struct recorder { // takes everything
  static constexpr std::string_view name = "recorder.v1";
  heard* into;
  void on(cleave::recorded_event const& e) { into->at.push_back(e.at.position.value()); }
};

using numbers = std::vector<std::uint64_t>;

template <class Follower> void run(Follower& follower) {
  while (follower.step() == step::worked) {
  }
}

} // namespace

TEST_CASE("a consumer begins at the beginning, behind a position, or now, and hears what it lists") {
  store_type store;
  for (int i = 0; i < 3; ++i) tick(store);
  tock(store);
  heard all;
  heard late;
  heard now;
  heard everything;
  cleave::log_follower first(store, ear{&all}, {.batch = 2});
  cleave::log_follower second(store, ear{&late}, {.from = log_start::after(position(2))});
  cleave::log_follower third(store, ear{&now}, {.from = log_start::now()});
  cleave::log_follower fourth(store, recorder{&everything}, {});
  tick(store); // before the first step of any: none misses it
  run(first);
  run(second);
  run(third);
  run(fourth);
  REQUIRE(all.at == numbers{1, 2, 3, 5});
  REQUIRE(late.at == numbers{3, 5});
  REQUIRE(now.at == numbers{5});
  REQUIRE(everything.at == numbers{1, 2, 3, 4, 5});
  // Told once each time that it has caught up.
  REQUIRE(all.live == numbers{5});
  run(first);
  REQUIRE(all.live == numbers{5});
  tick(store);
  run(first);
  REQUIRE(all.live == numbers{5, 6});
  // What concerns others is passed over.
  tock(store);
  run(first);
  REQUIRE(first.reached() == position(7));
  REQUIRE(all.at == numbers{1, 2, 3, 5, 6});
}

TEST_CASE("an acknowledged position is where the next life goes on, whatever its options say") {
  store_type store;
  cleave_test::small_read_store rows;
  heard all;
  for (int i = 0; i < 5; ++i) tick(store);
  {
    cleave::log_follower follower(store, ear{&all}, {.batch = 2}, rows);
    REQUIRE(follower.step() == step::worked);
    REQUIRE(rows.checkpoint("ear.v1").value() == position(2));
  }
  cleave::log_follower again(store, ear{&all}, {.from = log_start::now()}, rows);
  run(again);
  REQUIRE(all.at == numbers{1, 2, 3, 4, 5});
  REQUIRE(rows.checkpoint("ear.v1").value() == position(5));
}

TEST_CASE("a start of now is kept, so that the next life misses nothing that was appended between the two") {
  store_type store;
  cleave_test::small_read_store rows;
  heard all;
  tick(store);
  {
    cleave::log_follower follower(store, ear{&all}, {.from = log_start::now()}, rows);
    follower.step();
  }
  tick(store);
  cleave::log_follower again(store, ear{&all}, {.from = log_start::now()}, rows);
  run(again);
  REQUIRE(all.at == numbers{2});
}

TEST_CASE(
    "a consumer that fails or throws stops behind what came before, and hears the event again in its next life") {
  bool const throws = GENERATE(false, true);
  store_type store;
  cleave_test::small_read_store rows;
  heard all;
  for (int i = 0; i < 3; ++i) tick(store);
  tick(store, throws ? -1 : 1);
  all.fails_at = throws ? 0 : 4;
  cleave::log_follower follower(store, ear{&all}, {}, rows);
  REQUIRE(follower.step() == step::failed);
  REQUIRE(follower.step() == step::failed);
  REQUIRE(follower.reached() == position(3));
  REQUIRE(rows.checkpoint("ear.v1").value() == position(3));
  REQUIRE_THAT(
      follower.progress().status().failure,
      Contains("consumer ear.v1 failed at event ticked.v1 at position 4 (stream clock-1, version 4)") &&
          Contains(throws ? "backwards" : "not now"));
  if (throws) return;
  all.fails_at = 0;
  cleave::log_follower again(store, ear{&all}, {}, rows);
  run(again);
  REQUIRE(all.at == numbers{1, 2, 3, 4});
}

TEST_CASE("a position that cannot be stored stops the consumer, and nothing is lost") {
  store_type store;
  cleave_test::small_read_store rows;
  heard all;
  tick(store);
  tick(store);
  cleave::log_follower follower(store, ear{&all}, {.batch = 1}, rows);
  REQUIRE(follower.step() == step::worked);
  rows.trouble = cleave::error(errc::disk_full, "no room");
  REQUIRE(follower.step() == step::failed);
  rows.trouble.reset();
  cleave::log_follower again(store, ear{&all}, {}, rows);
  run(again);
  REQUIRE(all.at == numbers{1, 2, 2});
}

TEST_CASE(
    "followers that come while others write miss nothing and hear nothing twice, from wherever they begin") {
  constexpr std::uint64_t events = 2'000;
  store_type store;
  std::atomic<bool> go = false;
  std::vector<std::thread> writers;
  for (int w = 0; w < 2; ++w) {
    writers.emplace_back([&] {
      while (!go) std::this_thread::yield();
      for (std::uint64_t i = 0; i < events / 2; ++i) tick(store);
    });
  }
  go = true;
  for (int round = 0; round < 10; ++round) {
    auto const from = position(store.head().value());
    heard all;
    cleave::log_follower follower(store, ear{&all}, {.from = log_start::after(from), .batch = 7});
    {
      cleave::step_thread const runs(follower, store.commits(), 1'000'000);
      auto const until = position(std::min(events, from.value() + 150));
      REQUIRE(follower.progress().wait(cleave::at_least(until, std::chrono::minutes(1))));
    }
    numbers expected(all.at.size());
    std::iota(expected.begin(), expected.end(), from.value() + 1);
    REQUIRE(all.at == expected);
  }
  for (auto& writer : writers) writer.join();
}
