// SPDX-License-Identifier: BSL-1.0
// Eight threads on a few streams: what they were answered must be possible in one order.
#include <cleave/memory/event_store.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/faulty_store.hpp>
#include <cleave/testing/history.hpp>
#include <cleave/testing/seeded_ids.hpp>
#include <cleave/testing/sqlite/simulated_disk.hpp>

#include "../sqlite/scratch.hpp"
#include "scale.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <thread>

using namespace cleave;
using namespace cleave::test;
using testing::history_recorder;

namespace {

constexpr std::size_t threads = 8;
constexpr std::size_t calls = 60; // of each thread

// One thread: it believes what it was last told of each stream, so that about half of its expectations are right.
void append_and_read(history_recorder& store, testing::seeded_ids& ids, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  constexpr std::string_view streams[] = {"thing-1", "thing-2", "thing-3"};
  std::uint64_t known[3] = {};
  std::vector<new_event> last;
  std::vector<stream_append> last_parts;
  for (std::size_t i = 0; i < calls; ++i) {
    std::size_t const one = random() % 3;
    switch (random() % 10) {
    case 0: static_cast<void>(store.read_all()); break;
    case 1:
    case 2:
    case 3: {
      auto const head = store.read_stream(streams[one]);
      if (head) known[one] = head->value();
      break;
    }
    case 4: // a retry
      if (!last_parts.empty()) static_cast<void>(store.append({.streams = last_parts}));
      break;
    default: {
      auto const expected = [&](std::size_t stream) {
        switch (random() % 6) {
        case 0: return expectation::any();
        case 1: return expectation::stream_exists();
        default: return expectation::exactly(version(known[stream]));
        }
      };
      last.assign(1 + random() % 4, new_event{});
      for (new_event& event : last)
        event = {.id = ids.next_event(), .name = "thing-happened.v1", .data = "{}"};
      std::size_t const other = (one + 1) % 3;
      std::size_t const cut = last.size() > 2 ? 2 : last.size();
      last_parts = {{streams[one], expected(one), std::span(last).first(cut)}};
      if (cut < last.size())
        last_parts.push_back({streams[other], expected(other), std::span(last).subspan(cut)});
      if (auto const done = store.append({.streams = last_parts}))
        known[last_parts.size() == 2 ? other : one] = done->version.value();
    }
    }
  }
}

testing::report one_history(any_event_store store, std::uint64_t seed) {
  history_recorder recorder(store);
  testing::seeded_ids ids(seed);
  std::vector<std::thread> running;
  for (std::size_t t = 0; t < threads; ++t)
    running.emplace_back([&, t] { append_and_read(recorder, ids, seed * threads + t); });
  for (std::thread& thread : running) thread.join();
  return recorder.check();
}

sqlite::event_store open_on(testing::simulated_disk const& disk) {
  auto store = sqlite::event_store::open(
      {.path = "/log.db", .checkpoint_pages = 30, .shared = false, .vfs = disk.vfs()});
  REQUIRE(store);
  return std::move(*store);
}

} // namespace

TEST_CASE("what eight threads are answered by the store in memory is linearizable") {
  for (std::uint64_t i = 0; i < attack_count(400); ++i) {
    INFO("seed " << attack_seed() + i);
    memory::event_store store;
    REQUIRE(one_history(store, attack_seed() + i));
  }
}

TEST_CASE("what eight threads are answered by the store on SQLite is linearizable") {
  for (std::uint64_t i = 0; i < attack_count(100); ++i) {
    INFO("seed " << attack_seed() + i);
    testing::simulated_disk disk("concurrent");
    auto store = open_on(disk);
    REQUIRE(one_history(store, attack_seed() + i));
  }
  scratch_folder const folder;
  auto store = sqlite::event_store::open({.path = folder.file("log.db"), .checkpoint_pages = 30});
  REQUIRE(store);
  CHECK(one_history(*store, attack_seed()));
}

TEST_CASE("a store with a race or a lie in it is found by its histories") {
  using testing::fault;
  for (fault const planted :
       {fault::loses_appends, fault::ignores_expectations, fault::checks_before_the_lock,
        fault::swallows_conflicts, fault::stores_part_of_a_batch, fault::stores_repeats,
        fault::reuses_positions, fault::commits_late}) {
    bool found = false;
    std::uint64_t seed = attack_seed();
    for (; !found && seed < attack_seed() + 200; ++seed) {
      memory::event_store store;
      testing::faulty_store faulty(store, planted);
      found = !one_history(faulty, seed);
    }
    INFO("fault " << static_cast<int>(planted));
    CHECK(found);
  }
}
