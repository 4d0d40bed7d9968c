// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/any_event_store.hpp>
#include <cleave/event/read_events.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <string>
#include <tuple>
#include <vector>

using Catch::Contains;
using cleave::envelope;
using cleave::errc;
using cleave::position;

namespace {

struct lit {
  std::int64_t lamp = 0;
  static constexpr auto event_name = "lit.v1";
  using supersedes = cleave::event_set<struct lamp_swapped>;
};
BOOST_DESCRIBE_STRUCT(lit, (), (lamp))
struct put_out {
  std::string why; // an object that does not fit in a place among small ones
  std::int64_t lamp = 0;
  static constexpr auto event_name = "put-out.v1";
  using supersedes = cleave::event_set<struct lamp_swapped>;
};
BOOST_DESCRIBE_STRUCT(put_out, (), (why, lamp))
struct lamp_swapped {
  std::int64_t lamp = 0;
  static constexpr auto event_name = "lamp-swapped.v1";
  std::tuple<put_out, lit> upcast() const { return {{"swapped", lamp}, {lamp}}; }
};
BOOST_DESCRIBE_STRUCT(lamp_swapped, (), (lamp))
struct dusted { // read by nobody
  std::int64_t lamp = 0;
  static constexpr auto event_name = "dusted.v1";
};
BOOST_DESCRIBE_STRUCT(dusted, (), (lamp))

using lamps = cleave::event_set<lit, put_out>;

struct house {
  cleave::memory::event_store log;
  cleave::testing::seeded_ids ids;

  void append(cleave::new_event const& event) {
    cleave::stream_append const part{"house-1", cleave::expectation::any(), {&event, 1}};
    REQUIRE(log.append({.streams = {&part, 1}}));
  }
  template <class E> void add(E const& event) { append(cleave::to_new_event(ids.next_event(), event)); }
  void add_bytes(std::string_view name, std::string_view data) {
    append({.id = ids.next_event(), .name = name, .data = data});
  }
  // Positions 1 to 8.
  void fill() {
    add(dusted{1});
    add(lit{1});
    add_bytes("lit.v1", R"({"lamp":2})");
    add(put_out{"sleep", 1});
    add(lamp_swapped{3});
    add_bytes("dusted.v1", "no JSON");
    add(lit{4});
    add(dusted{4});
  }
};

struct seen {
  std::vector<std::string>& all;
  void operator()(lit const& e, envelope const& at) const {
    all.push_back(std::to_string(at.position.value()) + " lit " + std::to_string(e.lamp));
  }
  void operator()(put_out const& e, envelope const& at) const {
    all.push_back(std::to_string(at.position.value()) + " out " + std::to_string(e.lamp) + ' ' + e.why);
  }
};
template <class Store> std::vector<std::string> read_behind(Store& store, position after) {
  std::vector<std::string> all;
  auto const reached = cleave::read_events<lamps>(store, after, seen{all});
  REQUIRE(reached);
  REQUIRE(*reached == *store.head());
  return all;
}

} // namespace

TEST_CASE(
    "the events of a set are read in order, from objects and from bytes, and old ones as what they become") {
  house with;
  with.fill();
  cleave::any_event_store any = with.log;
  std::vector<std::string> const all{"2 lit 1",         "3 lit 2", "4 out 1 sleep",
                                     "5 out 3 swapped", "5 lit 3", "7 lit 4"};
  CHECK(read_behind(with.log, position()) == all);
  CHECK(read_behind(any, position()) == all);
  std::vector<std::string> const later(all.begin() + 3, all.end());
  CHECK(read_behind(with.log, position(4)) == later);
  CHECK(read_behind(any, position(4)) == later);
  CHECK(read_behind(with.log, position(8)).empty());
}

TEST_CASE("a function that takes the event alone gets the same events") {
  house with;
  for (int i = 0; i < 1000; ++i) with.fill();
  std::int64_t sum = 0;
  int count = 0;
  auto const reached = cleave::read_events<lamps>(with.log, position(), [&](auto const& event) {
    sum += event.lamp;
    ++count;
  });
  REQUIRE(reached);
  CHECK(*reached == position(8000));
  CHECK(sum == 1000 * (1 + 2 + 1 + 3 + 3 + 4));
  CHECK(count == 6000);
}

TEST_CASE("events are found among a hundred kinds that are not read") {
  house with;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 100; ++i) with.add_bytes("other-" + std::to_string(i) + ".v1", "{}");
    with.add(lit{round});
  }
  CHECK(read_behind(with.log, position()) == std::vector<std::string>{"101 lit 0", "202 lit 1"});
}

TEST_CASE("an event that does not decode ends the read with an error that names it") {
  house with;
  with.fill();
  with.add_bytes("lit.v1", R"({"lamp":"two"})");
  for (int i = 0; i < 5000; ++i) with.add(lit{5}); // over several segments of the log
  cleave::any_event_store any = with.log;
  auto const check = [](auto& store) {
    std::vector<std::string> all;
    auto const reached = cleave::read_events<lamps>(store, position(), seen{all});
    REQUIRE_FALSE(reached);
    CHECK(reached.error().code() == errc::decode_failed);
    CHECK_THAT(reached.error().message(), Contains("lamp") && Contains("position 9"));
    CHECK(all.size() == 6);
    CHECK(all.back() == "7 lit 4");
  };
  check(with.log);
  check(any);
}

TEST_CASE("what a function throws that reads events passes through, and it is called no more") {
  house with;
  with.fill();
  int calls = 0;
  auto const read = [&] {
    return cleave::read_events<lamps>(with.log, position(), [&](auto const&) {
      if (++calls == 4) throw 7;
    });
  };
  CHECK_THROWS_AS(read(), int);
  CHECK(calls == 4);
}
