// SPDX-License-Identifier: BSL-1.0
// The power goes while eight threads append, so that their appends share transactions.
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/seeded_ids.hpp>
#include <cleave/testing/sqlite/power_loss.hpp>

#include "scale.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <thread>
#include <vector>

using namespace cleave;
using namespace cleave::test;
using testing::unsynced;

namespace {

constexpr char const* file = "/log.db";
constexpr std::size_t threads = 8;
constexpr std::uint64_t appends = 25; // of each thread
constexpr std::uint64_t batch = 2;

sqlite::event_store open_on(testing::simulated_disk const& disk) {
  auto store = sqlite::event_store::open(
      {.path = file, .readers = 1, .checkpoint_pages = 20, .shared = false, .vfs = disk.vfs()});
  REQUIRE(store);
  return std::move(*store);
}

// For each thread and append: how many changes the disk's record had at the most when it was acknowledged; UINT64_MAX: never.
using acknowledgements = std::array<std::array<std::uint64_t, appends>, threads>;

// Every thread appends to its own stream and to a common one.
void append_all(sqlite::event_store& store, testing::simulated_disk const& disk, std::uint64_t seed,
                std::size_t thread, std::array<std::uint64_t, appends>& acknowledged) {
  testing::seeded_ids ids(seed * threads + thread);
  std::string const own = "own-" + std::to_string(thread);
  std::string const data = '"' + own + std::string(seed * 37 % 400, 'x') + '"';
  for (std::uint64_t n = 0; n < appends; ++n) {
    std::array<new_event, batch + 1> events;
    for (new_event& event : events) event = {.id = ids.next_event(), .name = "written.v1", .data = data};
    stream_append const parts[] = {
        {own, expectation::exactly(version(n * batch)), {events.data(), batch}},
        {"common-1", expectation::any(), {events.data() + batch, 1}},
    };
    bool const done = store.append({.streams = parts}).has_value();
    acknowledged[n] = done ? disk.recorded() : UINT64_MAX;
  }
}

// Empty, or what is wrong with the store that is left.
std::string look_at(testing::simulated_disk const& disk, acknowledgements const& acknowledged,
                    std::uint64_t point) {
  auto store = sqlite::event_store::open({.path = file, .readers = 1, .shared = false, .vfs = disk.vfs()});
  if (!store) return store.error().message();
  std::map<std::string, std::uint64_t> versions;
  std::uint64_t last = 0;
  bool whole = true;
  auto const read = store->read_all({}, [&](recorded_event const& event) {
    whole = whole && event.at.position.value() == ++last &&
            event.at.version.value() == ++versions[std::string(event.at.stream.text())];
    return whole;
  });
  if (!read) return read.error().message();
  if (!whole) return "positions or versions have a gap";
  std::uint64_t all = 0;
  for (std::size_t thread = 0; thread < threads; ++thread) {
    std::uint64_t const stored = versions["own-" + std::to_string(thread)];
    if (stored % batch != 0) return "half a batch";
    all += stored / batch;
    for (std::uint64_t n = stored / batch; n < appends; ++n) {
      if (acknowledged[thread][n] <= point)
        return "an acknowledged append of thread " + std::to_string(thread) + " is missing";
    }
  }
  if (all != versions["common-1"]) return "one of an append's two streams is missing";
  return {};
}

} // namespace

TEST_CASE("a power loss takes no acknowledged append of a group, and no part of one") {
  std::uint64_t const wanted = attack_count(4'000);
  std::uint64_t points = 0;
  std::uint64_t commits = 0;
  std::uint64_t all_appends = 0;
  for (std::uint64_t seed = attack_seed(); points < wanted; ++seed) {
    testing::simulated_disk disk("group");
    testing::simulated_disk after("after-group");
    disk.record();
    acknowledgements acknowledged;
    std::uint64_t syncs = 0;
    {
      auto store = open_on(disk);
      // On a disk that syncs at once nobody waits, and there are no groups.
      disk.observe([](testing::disk_operation what, std::string_view) {
        if (what == testing::disk_operation::sync)
          std::this_thread::sleep_for(std::chrono::microseconds(200));
      });
      syncs = disk.operations(testing::disk_operation::sync);
      std::vector<std::thread> running;
      for (std::size_t t = 0; t < threads; ++t)
        running.emplace_back([&, t] { append_all(store, disk, seed, t, acknowledged[t]); });
      for (std::thread& thread : running) thread.join();
      commits += disk.operations(testing::disk_operation::sync) - syncs;
    }
    all_appends += threads * appends;
    testing::power_loss lost(disk);
    for (std::uint64_t place = 0; place <= disk.recorded() && points < wanted; ++place) {
      lost.move_to(place);
      for (unsynced const how : {unsynced::dropped, unsynced::mixed, unsynced::kept}) {
        INFO("seed " << seed << ", power loss behind change " << place << " of this run");
        after.load(lost.image(how, place));
        REQUIRE(look_at(after, acknowledged, place) == "");
        ++points;
      }
    }
  }
  WARN(points << " power losses; " << all_appends << " appends with " << commits << " syncs");
  CHECK(commits < all_appends / 2); // they did share
}
