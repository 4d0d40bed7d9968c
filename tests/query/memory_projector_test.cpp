// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/memory_projector.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include "ticks.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <stdexcept>
#include <thread>
#include <vector>

using Catch::Contains;
using cleave::at_least;
using cleave::errc;
using cleave::position;
using cleave::step;
using cleave_test::tick;
using cleave_test::tock;
using clockwork::sum;
using clockwork::sum_of;
using clockwork::ticked;

namespace {

struct ticks {
  using events = cleave::event_set<ticked>;
  using queries = cleave::query_set<sum, sum_of>;
  static constexpr std::string_view name = "ticks.v1";
  void on(ticked const& e, cleave::envelope const& at) {
    if (e.by == 666) throw std::runtime_error("broken spring");
    by_stream[std::string(at.stream.text())] += e.by;
  }
  std::int64_t answer(sum const&) const {
    std::int64_t all = 0;
    for (auto const& [stream, by] : by_stream) all += by;
    return all;
  }
  cleave::result<std::int64_t> answer(sum_of const& q) const {
    if (q.stream.empty()) throw std::runtime_error("no stream");
    if (auto const found = by_stream.find(q.stream); found != by_stream.end()) return found->second;
    return cleave::unexpected(cleave::make_error(errc::not_found, "no stream {}", q.stream));
  }
  std::map<std::string, std::int64_t> by_stream;
};

struct strikes {
  using events = cleave::event_set<clockwork::struck>;
  using queries = cleave::query_set<sum>;
  static constexpr std::string_view name = "strikes.v1";
  std::int64_t all = 0;
  void on(clockwork::struck const& e) { all += e.by; }
  std::int64_t answer(sum const&) const { return all; }
};

struct deaf {
  using events = cleave::event_set<>;
  static constexpr std::string_view name = "deaf.v1";
};

// The n-th event of the log is of kind n % 5 and holds what n gives.
struct rung {
  static constexpr auto event_name = "rung.v1";
};
struct marked {
  std::uint8_t low;
  static constexpr auto event_name = "marked.v1";
};
struct moved {
  std::int64_t by;
  static constexpr auto event_name = "moved.v1";
};
struct swung { // too large for a place among small ones
  std::int64_t from;
  std::int64_t to;
  static constexpr auto event_name = "swung.v1";
};
struct named {
  std::string as;
  static constexpr auto event_name = "named.v1";
};
struct sizes {
  using events = cleave::event_set<rung, marked, moved, swung, named>;
  using queries = cleave::query_set<sum>;
  static constexpr std::string_view name = "sizes.v1";
  std::uint64_t next = 1;
  std::uint64_t wrong = 0;
  void see(std::uint64_t kind, bool right) {
    if (next % 5 != kind || !right) ++wrong;
    ++next;
  }
  void on(rung const&) { see(0, true); }
  void on(marked const& e) { see(1, e.low == static_cast<std::uint8_t>(next)); }
  void on(moved const& e) { see(2, e.by == -static_cast<std::int64_t>(next)); }
  void on(swung const& e) {
    see(3, e.from == static_cast<std::int64_t>(next) && e.to == -static_cast<std::int64_t>(next));
  }
  void on(named const& e) { see(4, e.as == std::to_string(next)); }
  std::int64_t answer(sum const&) const { return static_cast<std::int64_t>(next - 1 - wrong); }
};

using cleave::memory::event_store;
cleave::projector_options stepped(std::uint64_t batch = 1000) {
  cleave::projector_options options;
  options.threads = false;
  options.batch = batch;
  return options;
}

} // namespace

TEST_CASE("each step applies one batch until the log's end is reached") {
  event_store log;
  for (int i = 0; i < 5; ++i) tick(log);
  cleave::memory_projector<ticks, event_store> at(log, {}, stepped(2));
  REQUIRE(at.reached() == position());
  REQUIRE(at.step() == step::worked);
  REQUIRE(at.reached() == position(2));
  REQUIRE(*at.answer(sum{}) == 2);
  REQUIRE(at.step() == step::worked);
  REQUIRE(at.step() == step::worked);
  REQUIRE(at.reached() == position(5));
  REQUIRE(at.step() == step::idle);
  REQUIRE(*at.answer(sum{}) == 5);
  tick(log, 7);
  REQUIRE(at.step() == step::worked);
  REQUIRE(*at.answer(sum{}) == 12);
}

TEST_CASE("a projection passes over events that it does not follow") {
  event_store log;
  tock(log);
  tick(log);
  tock(log);
  cleave::memory_projector<ticks, event_store> at(log, {}, stepped());
  while (at.step() == step::worked) {
  }
  REQUIRE(at.reached() == position(3));
  REQUIRE(*at.answer(sum{}) == 1);
}

TEST_CASE("a long log of events of any size is applied as it was written, from any place") {
  event_store log;
  cleave::testing::seeded_ids ids;
  std::uint64_t const count = 50'000;
  for (std::uint64_t n = 1; n <= count; n += 5) {
    auto const i = static_cast<std::int64_t>(n);
    marked const first{static_cast<std::uint8_t>(n)};
    moved const second{-(i + 1)};
    swung const third{i + 2, -(i + 2)};
    named const fourth{std::to_string(n + 3)};
    rung const fifth{};
    cleave::new_event const sent[] = {
        cleave::to_new_event(ids.next_event(), first), cleave::to_new_event(ids.next_event(), second),
        cleave::to_new_event(ids.next_event(), third), cleave::to_new_event(ids.next_event(), fourth),
        cleave::to_new_event(ids.next_event(), fifth)};
    cleave::stream_append const part{"clock-1", cleave::expectation::any(), sent};
    REQUIRE(log.append({.streams = {&part, 1}}));
  }
  for (std::uint64_t const batch : {std::uint64_t{777}, count}) {
    cleave::memory_projector<sizes, event_store> at(log, {}, stepped(batch));
    while (at.step() == step::worked) {
    }
    REQUIRE(at.reached() == position(count));
    CHECK(*at.answer(sum{}) == static_cast<std::int64_t>(count));
  }
}

TEST_CASE("a projection without events follows the log and applies nothing") {
  event_store log;
  tick(log);
  tock(log);
  cleave::memory_projector<deaf, event_store> at(log, {}, stepped());
  while (at.step() == step::worked) {
  }
  REQUIRE(at.reached() == position(2));
}

TEST_CASE("a projection is shown the old versions of what it follows") {
  event_store log;
  cleave_test::append(log, "clock-1", clockwork::struck_v1{2});
  cleave_test::append(log, "clock-1", clockwork::struck{5});
  cleave::memory_projector<strikes, event_store> at(log, {}, stepped());
  REQUIRE(at.step() == step::worked);
  REQUIRE(*at.answer(sum{}) == 205);
}

TEST_CASE("an answer may be a value, an error, or what it throws") {
  event_store log;
  tick(log, 3, "clock-a");
  cleave::memory_projector<ticks, event_store> at(log, {}, stepped());
  REQUIRE(at.step() == step::worked);
  REQUIRE(*at.answer(sum_of{"clock-a"}) == 3);
  REQUIRE(at.answer(sum_of{"clock-b"}).error().code() == errc::not_found);
  auto const thrown = at.answer(sum_of{""});
  REQUIRE(thrown.error().message() == "handler_failed: answer threw: no stream");
  REQUIRE(*at.answer(sum{}) == 3);
}

TEST_CASE("a failing on stops the projection, which says why and answers no more") {
  event_store log;
  tick(log);
  tick(log, 666);
  tick(log);
  cleave::memory_projector<ticks, event_store> at(log, {}, stepped());
  REQUIRE(at.step() == step::failed);
  REQUIRE(at.step() == step::failed);
  REQUIRE(at.reached() == position());
  auto const stale = at.wait(at_least(position(3)));
  REQUIRE(stale.error().code() == errc::stale);
  REQUIRE_THAT(stale.error().message(),
               Contains("projection ticks.v1 stopped at position 0, 3 was asked for") &&
                   Contains("ticked.v1 at position 2 (stream clock-1, version 2)") &&
                   Contains("on threw: broken spring"));
  REQUIRE(at.answer(sum{}).error().code() == errc::stale);
  auto const status = at.progress().status();
  REQUIRE(status.name == "ticks.v1");
  REQUIRE(status.checkpoint == position());
  REQUIRE_THAT(status.failure, Contains("broken spring"));
}

TEST_CASE("a stored event that does not decode stops the projection") {
  event_store log;
  cleave::new_event bad;
  bad.id = cleave::event_id(cleave::uuid({1}));
  bad.name = "ticked.v1";
  bad.data = R"({"by":"one"})";
  cleave::stream_append const part{"clock-1", cleave::expectation::any(), {&bad, 1}};
  REQUIRE(log.append(cleave::append_request{.streams = {&part, 1}}));
  cleave::memory_projector<ticks, event_store> at(log, {}, stepped());
  REQUIRE(at.step() == step::failed);
  REQUIRE_THAT(at.progress().status().failure, Contains("ticked.v1 at position 1") && Contains("by"));
}

TEST_CASE("without threads a waiting query does the work that it waits for and no more") {
  event_store log;
  for (int i = 0; i < 5; ++i) tick(log);
  cleave::memory_projector<ticks, event_store> at(log, {}, stepped(2));
  REQUIRE(at.wait(at_least(position(3))));
  REQUIRE(at.reached() == position(4));
  REQUIRE(at.wait(at_least(position(5))));
  auto const beyond = at.wait(at_least(position(6)));
  REQUIRE(beyond.error().code() == errc::stale);
  REQUIRE(beyond.error().text() == "projection ticks.v1 is at position 5, 6 was asked for (waited 0 ms)");
}

TEST_CASE("many that step one projector at once apply each event once") {
  event_store log;
  constexpr std::int64_t count = 3000;
  for (std::int64_t i = 0; i < count; ++i) tick(log);
  cleave::memory_projector<ticks, event_store> at(log, {}, stepped(3));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { static_cast<void>(at.wait(at_least(position(count)))); });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(*at.answer(sum{}) == count);
}
