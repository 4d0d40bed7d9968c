// SPDX-License-Identifier: BSL-1.0
// Streams are chains through the log: every part of a long one, and its end, whoever asks.
#include "small_store.hpp"

#include <algorithm>
#include <atomic>
#include <random>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

using namespace cleave;
using namespace cleave::test;

namespace {

// Without a sync for every append.
sqlite::event_store open_fast(std::string const& path) {
  return must(sqlite::event_store::open({.path = path, .durability = durability::relaxed}));
}

// `count` events into each of the streams "long-0", "long-1", ..., in turns of `batch`; the data of an event is its version.
void fill(sqlite::event_store& store, std::uint64_t streams, std::uint64_t count, std::uint64_t batch) {
  for (std::uint64_t done = 0; done < count; done += batch) {
    for (std::uint64_t stream = 0; stream < streams; ++stream) {
      std::vector<std::string> data;
      std::vector<new_event> events;
      std::uint64_t const now = std::min(batch, count - done);
      data.reserve(now);
      for (std::uint64_t i = 1; i <= now; ++i)
        events.push_back(happened(data.emplace_back(std::to_string(done + i))));
      std::string const name = "long-" + std::to_string(stream);
      stream_append const part{name, expectation::exactly(version(done)), events};
      must(store.append({.streams = {&part, 1}}));
    }
  }
}

// Reads, and checks that the versions come one by one from `first`. The number of events.
std::uint64_t read(sqlite::event_store& store, std::string_view stream, stream_range range,
                   std::uint64_t first) {
  std::uint64_t count = 0;
  bool whole = true;
  bool const forward = range.order == direction::forward;
  must(store.read_stream(stream, range, [&](recorded_event const& event) {
    std::uint64_t const wanted = forward ? first + count : first - count;
    whole = whole && event.at.version == version(wanted) && event.data == std::to_string(wanted) &&
            event.at.stream == stream;
    ++count;
    return true;
  }));
  CHECK(whole);
  return count;
}

void execute(std::string const& path, std::string_view sql) {
  auto file = must(sqlite::database::open({.path = path}));
  must(file.execute(sql));
}

// Looks at the place of an event only, and checks what else it is handed.
struct place_sink {
  static constexpr bool place_only = true;
  bool operator()(recorded_event const& event) {
    bare = bare && event.at.id.nil() && event.at.recorded_at == timestamp() && event.at.tags.empty() &&
           event.at.metadata.correlation.nil() && event.at.metadata.headers.empty();
    seen.emplace_back(event.at.position, event.at.version, std::string(event.at.stream.text()),
                      std::string(event.at.name), std::string(event.data));
    return true;
  }
  bool bare = true;
  std::vector<std::tuple<position, version, std::string, std::string, std::string>> seen;
};

} // namespace

TEST_CASE("every part of a long stream is read in both directions as it was written") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  constexpr std::uint64_t count =
      9'000; // beyond both strides of the second pointers, and no multiple of them
  fill(store, 2, count, 700);
  std::mt19937_64 random(7);
  auto const between = [&](std::uint64_t low, std::uint64_t high) {
    return std::uniform_int_distribution<std::uint64_t>(low, high)(random);
  };
  std::vector<std::uint64_t> places{1,     2,     63,    64,    65,    127,   128,       129,
                                    4'095, 4'096, 4'097, 8'191, 8'192, 8'193, count - 1, count};
  for (int i = 0; i < 40; ++i) places.push_back(between(1, count));
  for (std::uint64_t const from : places) {
    std::uint64_t const limit = between(1, 1'500);
    CHECK(read(store, "long-1", stream_range{.from = version(from)}, from) == count - from + 1);
    CHECK(read(store, "long-1", stream_range{.from = version(from)}.up_to(limit), from) ==
          std::min(limit, count - from + 1));
    CHECK(read(store, "long-1", stream_range::backward(version(from)), from) == from);
    CHECK(read(store, "long-1", stream_range::backward(version(from)).up_to(limit), from) ==
          std::min(limit, from));
  }
  CHECK(read(store, "long-1", stream_range{.from = version(count + 1)}, 0) == 0);
  CHECK(read(store, "long-1", stream_range::backward(version(count + 7)), count) == count);
}

TEST_CASE(
    "who looks at the place of an event only is handed the same events, and nothing else of their envelopes") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  std::string_view const tag = "kind:tagged";
  header const said{"by", "somebody"};
  for (int i = 0; i < 700; ++i) {
    std::string const data = std::to_string(i);
    new_event event = happened(data);
    event.name = i % 3 == 0 ? "other-happened.v1" : "thing-happened.v1";
    if (i % 5 == 0) event.tags = {&tag, 1};
    if (i % 7 == 0) event.metadata = {correlation_id(event.id.id()), {}, {&said, 1}};
    for (std::string_view const stream : {"one", "two"}) {
      event.id = next_id();
      stream_append const part{stream, expectation::any(), {&event, 1}};
      must(store.append({.streams = {&part, 1}}));
    }
  }
  for (stream_range const range :
       {stream_range::all(), stream_range::after(version(100)).up_to(300), stream_range::backward()}) {
    place_sink whole;
    must(store.read_stream("two", range, [&](recorded_event const& event) { return whole(event); }));
    place_sink place;
    must(store.read_stream("two", range, place));
    CHECK(place.seen == whole.seen);
    CHECK(std::ranges::all_of(whole.seen, [](auto const& event) {
      auto const& [at, version, stream, name, data] = event;
      std::uint64_t const number = version.value() - 1;
      return data == std::to_string(number) && name.starts_with(number % 3 == 0 ? "other-" : "thing-");
    }));
    CHECK(place.bare);
    CHECK_FALSE(whole.bare);
    place_sink inside;
    must(store.transact([&](sqlite::transaction& in) -> result<void> {
      auto read = in.read_stream("two", range, inside);
      return read ? result<void>() : unexpected(std::move(read).error());
    }));
    CHECK(inside.seen == whole.seen);
    CHECK(inside.bare);
  }
}

TEST_CASE("a stream of big events is read in order without holding it all") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  constexpr std::uint64_t count = 150;
  for (std::uint64_t n = 1; n <= count; ++n) {
    // Some are bigger than a batch may be.
    std::string const data = std::to_string(n) + std::string(n % 50 == 0 ? 1'500'000 : 40'000, ' ');
    must(append(store, "big", expectation::exactly(version(n - 1)), data));
  }
  for (direction const order : {direction::forward, direction::backward}) {
    std::uint64_t seen = 0;
    must(store.read_stream(
        "big", {.from = order == direction::forward ? version() : stream_range::end, .order = order},
        [&](recorded_event const& event) {
          std::uint64_t const wanted = order == direction::forward ? seen + 1 : count - seen;
          CHECK(event.at.version == version(wanted));
          CHECK(std::stoull(std::string(event.data)) == wanted);
          ++seen;
          return true;
        }));
    CHECK(seen == count);
  }
}

TEST_CASE(
    "a repeat deep in a long stream gets the first answer, and a wrong expectation the versions of that time") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  fill(store, 1, 100, 100);
  event_id const id = next_id();
  auto const first = must(append(store, "long-0", expectation::exactly(version(100)), "101", id));
  stream_append const empty{"long-0", expectation::exactly(version(101)), {}};
  event_id const both = next_id();
  new_event const event = happened("{}", both);
  stream_append const parts[] = {{"other", expectation::no_stream(), {&event, 1}}, empty};
  must(store.append({.streams = parts}));
  for (std::uint64_t n = 102; n < 6'000; ++n) {
    std::string const data = std::to_string(n);
    new_event const more = happened(data);
    stream_append const part{"long-0", expectation::exactly(version(n - 1)), {&more, 1}};
    must(store.append({.streams = {&part, 1}}));
  }
  auto const repeat = must(append(store, "long-0", expectation::exactly(version(100)), "101", id));
  CHECK(repeat.repeated);
  CHECK(repeat.position == first.position);
  CHECK(repeat.version == version(101));
  // The stream without events in the append had version 101 then, and has 5,999 now.
  CHECK(must(store.append({.streams = parts})).repeated);
  stream_append const wrong[] = {{"other", expectation::no_stream(), {&event, 1}},
                                 {"long-0", expectation::exactly(version(5'999)), {}}};
  CHECK(failure_of(store.append({.streams = wrong})).code() == errc::version_conflict);
}

TEST_CASE("a broken chain is corrupt, never a wrong stream") {
  for (std::string_view const damage : {
           "UPDATE cleave_log SET previous = previous - 1 WHERE position = 150",
           "UPDATE cleave_log SET previous = NULL WHERE position = 150",
           "UPDATE cleave_log SET previous = 160 WHERE position = 150",
           "UPDATE cleave_log SET skip = NULL WHERE position = 384",
           "UPDATE cleave_log SET skip = skip + 1 WHERE position = 384",
           "UPDATE cleave_log SET stream = 3 - stream WHERE position = 150",
           "UPDATE cleave_log SET version = version + 1 WHERE position = 150",
           "DELETE FROM cleave_log WHERE position = 150",
           "DELETE FROM cleave_names",
       }) {
    CAPTURE(damage);
    scratch_folder const folder;
    std::string const path = folder.file("log.db");
    {
      auto store = open_fast(path);
      fill(store, 2, 300, 1); // position 2 n + 1 and 2 n + 2: version n + 1 of the two streams
    }
    execute(path, damage);
    auto store = open_fast(path);
    // Whoever needs the damaged row says so: here the stream with the even positions, from its beginning.
    auto const got = store.read_stream("long-1", stream_range::all(),
                                       [](recorded_event const&) { return true; });
    CHECK(failure_of(got).code() == errc::corrupt);
  }
}

TEST_CASE("a row that vanishes under an open store ends the walk with an error") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  auto store = open_fast(path);
  fill(store, 2, 300, 1);
  auto const read = [&] {
    return store.read_stream("long-1", stream_range::all(), [](recorded_event const&) { return true; });
  };
  CHECK(must(read()) == version(300));
  execute(path, "DELETE FROM cleave_log WHERE position = 150");
  CHECK(failure_of(read()).code() == errc::corrupt);
}

TEST_CASE("the ends of many streams are found again, from the table and from the log behind it") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  constexpr std::uint64_t streams = 40'000; // more than are kept out of the table
  auto const name = [](std::uint64_t n) { return "thing-" + std::to_string(n); };
  auto const add_to_all = [&](sqlite::event_store& store, std::uint64_t before) {
    for (std::uint64_t first = 0; first < streams; first += 500) {
      std::vector<std::string> names;
      std::vector<new_event> events;
      std::vector<stream_append> parts;
      for (std::uint64_t n = first; n < first + 500; ++n) names.push_back(name(n));
      for (std::size_t i = 0; i < names.size(); ++i) events.push_back(happened());
      for (std::size_t i = 0; i < names.size(); ++i)
        parts.push_back({names[i], expectation::exactly(version(before)), {&events[i], 1}});
      must(store.append({.streams = parts}));
    }
  };
  auto const watermark = [&] {
    auto file = must(sqlite::database::open({.path = path, .read_only = true}));
    return must(file.value<std::uint64_t>("SELECT value FROM cleave_meta WHERE name = 'heads_at'"))
        .value_or(0);
  };
  auto const names_watermark = [&] {
    auto file = must(sqlite::database::open({.path = path, .read_only = true}));
    return must(file.value<std::uint64_t>("SELECT value FROM cleave_meta WHERE name = 'names_at'"))
        .value_or(0);
  };
  // Both see what the other one has added, although each remembers ends and names of its own.
  auto one = open_fast(path);
  auto two = open_fast(path);
  add_to_all(one, 0);
  CHECK(watermark() == 0);
  CHECK(must(two.read_stream(name(7), stream_range::all(), [](auto const&) { return true; })) == version(1));
  add_to_all(two, 1);
  std::uint64_t const first = watermark();
  CHECK(first >= 32'768);
  add_to_all(one, 2);
  CHECK(watermark() > first);
  CHECK(names_watermark() >= 32'768);
  // A copy of the file as it is now: what a process finds that starts after a crash.
  std::string const copy = folder.file("copy.db");
  for (char const* const part : {"", "-wal"}) std::filesystem::copy_file(path + part, copy + part);
  for (std::string const& file : {path, copy}) {
    auto store = open_fast(file);
    for (std::uint64_t n = 0; n < streams; n += 97) {
      CHECK(must(store.read_stream(name(n), stream_range::all(), [](auto const&) { return true; })) ==
            version(3));
      CHECK(failure_of(append(store, name(n), expectation::exactly(version(2)))).code() ==
            errc::version_conflict);
    }
    add_to_all(store, 3);
    CHECK(must(store.verify()).streams == streams);
  }
}

TEST_CASE("a stream that grows all the time is read whole, while other processes write the table of heads") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  auto writer = open_fast(path);
  auto reader = open_fast(path);
  std::atomic<std::uint64_t> acknowledged = 0;
  std::atomic<bool> done = false;
  std::thread growing([&] {
    for (std::uint64_t round = 0; round < 90; ++round) {
      // Many other streams, so that the table of heads is due now and then.
      std::vector<std::string> names;
      std::vector<new_event> events;
      std::vector<stream_append> parts;
      for (std::uint64_t n = 0; n < 1'000; ++n) names.push_back("thing-" + std::to_string(round * 1'000 + n));
      for (std::size_t i = 0; i < names.size(); ++i) events.push_back(happened());
      for (std::size_t i = 0; i < names.size(); ++i)
        parts.push_back({names[i], expectation::no_stream(), {&events[i], 1}});
      must(writer.append({.streams = parts}));
      for (std::uint64_t n = 0; n < 5; ++n) {
        must(append(writer, "growing", expectation::exactly(version(round * 5 + n)),
                    std::to_string(round * 5 + n + 1)));
        acknowledged = round * 5 + n + 1;
      }
    }
    done = true;
  });
  bool whole = true;
  while (!done) {
    for (sqlite::event_store* store : {&writer, &reader}) {
      std::uint64_t const before = acknowledged;
      std::uint64_t count = 0;
      auto const head = must(
          store->read_stream("growing", stream_range::all(), [&](recorded_event const& event) {
            whole = whole && event.at.version == version(++count);
            return true;
          }));
      whole = whole && count >= before && head == version(count);
    }
  }
  growing.join();
  CHECK(whole);
}
