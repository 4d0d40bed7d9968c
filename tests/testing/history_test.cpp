// SPDX-License-Identifier: BSL-1.0
// The history checker accepts what a store may do, and finds what none may.
#include <cleave/memory/event_store.hpp>
#include <cleave/testing/history.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include <catch2/catch.hpp>

#include <string>

using namespace cleave;
using namespace cleave::testing;

namespace {

using outcome = history_append::outcome;

// A small right history to spoil. Ticks leave room for more. The log: a1 a2 b1 a3.
class example {
public:
  example() {
    append(10, 20, "a", expectation::no_stream(), 2, outcome::acknowledged);
    append(30, 40, "b", expectation::any(), 1, outcome::acknowledged);
    append(30, 60, "a", expectation::exactly(version(2)), 1, outcome::acknowledged);
    append(50, 70, "a", expectation::exactly(version(2)), 1, outcome::refused);
    told.reads.push_back({45, 55, "", {log.begin(), log.begin() + 3}});
    told.reads.push_back({80, 90, "a", {log[0], log[1], log[3]}});
  }

  void append(std::uint64_t began, std::uint64_t ended, std::string const& stream, expectation expected,
              std::size_t count, outcome answer) {
    history_append call{began, ended, {{stream, expected, {}}}, false, answer, {}};
    for (std::size_t i = 0; i < count; ++i) {
      event_id const id = ids_.next_event();
      call.parts[0].events.push_back(id);
      if (answer != outcome::acknowledged) continue;
      std::uint64_t in_stream = 1;
      for (history_event const& event : log) in_stream += event.stream == stream ? 1u : 0u;
      log.push_back({id, log.size() + 1, stream, in_stream});
      call.told = {position(log.size()), version(in_stream), false, {}};
    }
    told.appends.push_back(std::move(call));
  }
  report check() const { return check_history(told, log); }

  history told;
  std::vector<history_event> log;

private:
  seeded_ids ids_;
};

// The checker's words for what `spoil` does to the example.
template <class Spoil> std::string finding(Spoil spoil) {
  example spoilt;
  spoil(spoilt);
  report const told = spoilt.check();
  CHECK_FALSE(told);
  return told.text();
}

} // namespace

TEST_CASE("a right history is accepted") {
  example right;
  CHECK(right.check());
  // An append whose fate is unknown may be there or not.
  right.append(100, 110, "a", expectation::exactly(version(3)), 1, outcome::acknowledged);
  right.told.appends.back().answer = outcome::unknown;
  CHECK(right.check());
  right.append(120, 130, "a", expectation::exactly(version(9)), 1, outcome::unknown);
  CHECK(right.check());
  // Its retry is answered from the log.
  right.told.appends.push_back(right.told.appends[4]);
  right.told.appends.back().began = 140;
  right.told.appends.back().ended = 150;
  right.told.appends.back().answer = outcome::acknowledged;
  right.told.appends.back().told.repeated = true;
  CHECK(right.check());
  // What is refused may succeed when it is tried again.
  right.told.appends.insert(right.told.appends.begin(), right.told.appends[2]);
  right.told.appends[0].began = 11;
  right.told.appends[0].ended = 12;
  right.told.appends[0].answer = outcome::refused;
  CHECK(right.check());
}

TEST_CASE("a wrong history is found") {
  using Catch::Contains;
  CHECK_THAT(finding([](example& e) { e.log.pop_back(); }),
             Contains("acknowledged at position 4, but not in the log"));
  CHECK_THAT(finding([](example& e) {
               e.log.pop_back();
               e.told.reads.pop_back();
             }),
             Contains("not in the log"));
  CHECK_THAT(finding([](example& e) { e.log[3].position = 3; }),
             Contains("event 4 of the log has position 3"));
  CHECK_THAT(finding([](example& e) { e.log[3].position = 5; }),
             Contains("event 4 of the log has position 5"));
  CHECK_THAT(finding([](example& e) { e.log[3].version = 4; }), Contains("version 4 of stream a, wanted 3"));
  CHECK_THAT(finding([](example& e) { e.log.push_back({e.log[0].id, 5, "a", 4}); }),
             Contains("in the log twice"));
  CHECK_THAT(finding([](example& e) { e.log.push_back({seeded_ids(9).next_event(), 5, "a", 4}); }),
             Contains("position 5: nobody asked for this event"));
  CHECK_THAT(finding([](example& e) { std::swap(e.log[1].id, e.log[2].id); }),
             Contains("2 of 2 events are in the log, elsewhere"));
  CHECK_THAT(
      finding([](example& e) { e.told.appends[0].parts[0].events.push_back(seeded_ids(9).next_event()); }),
      Contains("2 of 3 events are in the log"));
  CHECK_THAT(finding([](example& e) { e.told.appends[1].told.position = position(4); }),
             Contains("acknowledged at position 4, in the log at 3"));
  CHECK_THAT(finding([](example& e) { e.told.appends[2].told.version = version(2); }),
             Contains("acknowledged with version 2, in the log with 3"));
  CHECK_THAT(
      finding([](example& e) { e.told.appends[2].parts[0].expected = expectation::exactly(version(1)); }),
      Contains("its expectation of stream a was not true: the version was 2"));
  CHECK_THAT(finding([](example& e) { e.told.appends[3].answer = outcome::acknowledged; }),
             Contains("not in the log"));
  CHECK_THAT(finding([](example& e) { e.told.appends[2].answer = outcome::refused; }),
             Contains("refused, but in the log at position 4"));
  CHECK_THAT(finding([](example& e) { e.told.appends[0].told.repeated = true; }),
             Contains("the first of its kind was answered as a repeat"));
}

TEST_CASE("a refusal must have been right at some moment of its call") {
  using Catch::Contains;
  // The append that took its place may not have happened before it ended.
  CHECK(finding([](example& e) {
          e.told.appends[3].began = 22;
          e.told.appends[3].ended = 25;
          e.told.reads.clear();
        }).find("refused, but its expectations were true all the time") != std::string::npos);
  example late;
  late.told.appends[3].began = 22;
  late.told.appends[3].ended = 35; // now it may
  CHECK(late.check());
}

TEST_CASE("the order of the log is the order in which calls followed each other") {
  using Catch::Contains;
  // a3 is acknowledged before the append that stands before it in the log begins.
  CHECK_THAT(finding([](example& e) {
               e.told.appends[2].ended = 35;
               e.told.appends[1].began = 36;
               e.told.reads.clear();
             }),
             Contains("behind an append that began when it had ended"));
}

TEST_CASE("a read shows all that was known before it and nothing that came after it") {
  using Catch::Contains;
  CHECK_THAT(finding([](example& e) { e.told.reads[0].events.pop_back(); }),
             Contains("has shown 2 events, 3 to 4 are possible"));
  CHECK_THAT(finding([](example& e) { e.told.reads[1].events.pop_back(); }),
             Contains("has shown 2 events, 3 to 3 are possible"));
  CHECK_THAT(finding([](example& e) { e.told.reads[0].events.erase(e.told.reads[0].events.begin()); }),
             Contains("has shown another event as number 1"));
  CHECK_THAT(
      finding([](example& e) { e.told.reads.push_back({21, 25, "", {e.log.begin(), e.log.begin() + 3}}); }),
      Contains("behind an append") || Contains("it comes before something that was known") ||
          Contains("has shown 3 events, 2 to 2"));
  // What one reader has seen the next one sees, acknowledged or not.
  CHECK_THAT(finding([](example& e) {
               e.told.reads[0] = {41, 42, "", e.log};
               e.told.reads.push_back({43, 44, "", {e.log.begin(), e.log.begin() + 3}});
             }),
             Contains("has shown 3 events, 4 to 4 are possible"));
}

TEST_CASE("the recorder writes down what goes through it") {
  memory::event_store store;
  history_recorder recorder(store);
  seeded_ids ids;
  auto const append = [&](expectation expected) {
    new_event const event{.id = ids.next_event(), .name = "thing-happened.v1", .data = "{}"};
    stream_append const part{"thing-1", expected, {&event, 1}};
    return recorder.append({.streams = {&part, 1}});
  };
  REQUIRE(append(expectation::no_stream()));
  REQUIRE_FALSE(append(expectation::no_stream()));
  REQUIRE(recorder.read_all());
  REQUIRE(recorder.read_stream("thing-1"));
  REQUIRE(recorder.told().appends.size() == 2);
  CHECK(recorder.told().appends[0].answer == outcome::acknowledged);
  CHECK(recorder.told().appends[1].answer == outcome::refused);
  REQUIRE(recorder.told().reads.size() == 2);
  CHECK(recorder.told().reads[1].events.size() == 1);
  CHECK(recorder.check());
}
