// SPDX-License-Identifier: BSL-1.0
// The power goes while a store with many streams, or with many new events, keeps its books: a store that writes down now and then
// where each stream ends must find the right ends after any power loss.
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/seeded_ids.hpp>
#include <cleave/testing/sqlite/power_loss.hpp>

#include "scale.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <unordered_map>
#include <vector>

using namespace cleave;
using namespace cleave::test;
using testing::unsynced;

namespace {

constexpr char const* file = "/log.db";

struct plan {
  std::size_t streams;       // before the power can go
  std::size_t events_before; // the same; streams are filled one after another, again and again
  std::size_t commits;
  std::size_t events; // of each commit: half of them begin new streams
};

sqlite::event_store open_on(testing::simulated_disk const& disk) {
  auto store = sqlite::event_store::open({.path = file, .readers = 1, .shared = false, .vfs = disk.vfs()});
  REQUIRE(store);
  return std::move(*store);
}

std::string name_of(std::size_t stream) { return "thing-" + std::to_string(stream); }

// One event into each of the streams.
result<appended> append_to(sqlite::event_store& store, testing::seeded_ids& ids,
                           std::vector<std::size_t> const& streams,
                           std::vector<expectation> const& expected) {
  std::vector<std::string> names;
  for (std::size_t const stream : streams) names.push_back(name_of(stream));
  std::vector<new_event> events(streams.size());
  for (new_event& event : events) event = {.id = ids.next_event(), .name = "written.v1", .data = "{}"};
  std::vector<stream_append> parts;
  for (std::size_t i = 0; i < streams.size(); ++i) parts.push_back({names[i], expected[i], {&events[i], 1}});
  return store.append({.streams = parts});
}

class run {
public:
  run(plan const& what, std::uint64_t seed) : random_(seed) {
    auto store = open_on(disk);
    for (std::size_t done = 0; done < what.events_before;) {
      std::vector<std::size_t> streams;
      std::size_t const count = std::min<std::size_t>({500, what.streams, what.events_before - done});
      for (std::size_t i = 0; i < count; ++i) streams.push_back((done + i) % what.streams);
      append(store, streams);
      done += count;
    }
    disk.record();
    std::size_t next = what.streams;
    for (std::size_t commit = 0; commit < what.commits; ++commit) {
      std::vector<std::size_t> streams;
      for (std::size_t i = 0; i < what.events; ++i) {
        // Old streams from all over the place, each once.
        std::size_t const part = what.streams / what.events;
        streams.push_back(i % 2 == 0 ? next++ : i * part + random_() % part);
      }
      append(store, streams);
      acknowledged.emplace_back(disk.recorded(), written_);
    }
  } // the store writes down what it has still to write

  testing::simulated_disk disk{"many-streams"};
  // Changes in the disk's record, and events in the log.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> acknowledged;

private:
  void append(sqlite::event_store& store, std::vector<std::size_t> const& streams) {
    REQUIRE(append_to(store, ids_, streams, std::vector<expectation>(streams.size(), expectation::any())));
    written_ += streams.size();
  }

  std::mt19937_64 random_;
  testing::seeded_ids ids_;
  std::uint64_t written_ = 0;
};

// Empty, or what is wrong: the log has no gap, and streams end where the log says.
std::string look_at(testing::simulated_disk const& disk, std::uint64_t acknowledged, std::uint64_t seed) {
  auto store = open_on(disk);
  std::unordered_map<std::string, std::uint64_t> versions;
  std::uint64_t last = 0;
  bool whole = true;
  auto const read = store.read_all({}, [&](recorded_event const& event) {
    whole = event.at.position.value() == ++last &&
            event.at.version.value() == ++versions[std::string(event.at.stream.text())];
    return whole;
  });
  if (!read) return read.error().message();
  if (!whole)
    return "position " + std::to_string(last) + " is not the next one, or not the stream's next version";
  if (last < acknowledged) return std::to_string(acknowledged - last) + " acknowledged events are missing";
  std::mt19937_64 random(seed);
  std::vector<std::size_t> streams;
  std::vector<expectation> expected;
  for (std::size_t i = 0; i < 200; ++i) {
    std::size_t const stream = i * versions.size() / 200 + random() % (versions.size() / 200);
    std::uint64_t count = 0;
    auto const end = store.read_stream(name_of(stream), stream_range::all(),
                                       [&](recorded_event const&) { return ++count != 0; });
    std::uint64_t const wanted = versions[name_of(stream)];
    if (!end || end->value() != wanted || count != wanted)
      return name_of(stream) + " does not end where the log says";
    streams.push_back(stream);
    expected.push_back(expectation::exactly(version(wanted)));
  }
  testing::seeded_ids ids(seed + 1'000); // not those of the run
  auto const next = append_to(store, ids, streams, expected);
  return next ? std::string() : next.error().message();
}

void attack(plan const& what, std::uint64_t points) {
  std::uint64_t const seed = attack_seed();
  run const recorded(what, seed);
  testing::simulated_disk after("after-many-streams");
  testing::power_loss lost(recorded.disk);
  for (std::uint64_t i = 0; i < points; ++i) {
    // All over the run, and the last one behind its end.
    std::uint64_t const place = recorded.disk.recorded() * (i + 1) / points;
    std::uint64_t acknowledged = what.events_before;
    for (auto const& [changes, events] : recorded.acknowledged)
      acknowledged = changes <= place ? events : acknowledged;
    INFO("seed " << seed << ", power loss behind change " << place << " of " << recorded.disk.recorded());
    lost.move_to(place);
    after.load(lost.image(i % 4 == 0 ? unsynced::dropped : unsynced::mixed, i));
    REQUIRE(look_at(after, acknowledged, i) == "");
  }
}

} // namespace

TEST_CASE("a power loss in a store with many streams leaves each stream its end") {
  attack({.streams = 32'700, .events_before = 32'700, .commits = 50, .events = 500}, attack_count(20));
}

TEST_CASE("a power loss while a store with many new events is closed leaves each stream its end") {
  attack({.streams = 300, .events_before = 8'300, .commits = 3, .events = 100}, attack_count(100));
}
