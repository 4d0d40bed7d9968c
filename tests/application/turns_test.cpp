// SPDX-License-Identifier: BSL-1.0
// Commands on one key in a store that does not decide in its commits: they take turns, so that none reads and decides in vain.
#include <cleave/cleave.hpp>
#include <cleave/event/any_event_store.hpp>
#include <cleave/memory/event_store.hpp>

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct counted {
  static constexpr auto event_name = "counted.v1";
  std::string key;
  std::array<std::string, 1> tags() const { return {"key:" + key}; }
};
BOOST_DESCRIBE_STRUCT(counted, (), (key))

// What the next decision of this thread does meanwhile; else it gives the others time to come in between.
thread_local std::function<void()> meanwhile;
void think() {
  if (auto const now = std::exchange(meanwhile, {})) return now();
  for (int i = 0; i < 20; ++i) std::this_thread::yield();
}

struct count {
  std::string key;
};
struct counter {
  using commands = cleave::command_set<count>;
  using events = cleave::event_set<counted>;
  static constexpr std::string_view category = "counter";
  static std::string const& id(count const& c) { return c.key; }
  void evolve(counted const&) {}
  cleave::decision<counted> decide(count const& c) const {
    think();
    return counted{c.key};
  }
};

struct count_by_query {
  std::string key;
};
struct query_counter {
  using commands = cleave::command_set<count_by_query>;
  using events = cleave::event_set<counted>;
  static constexpr std::string_view category = "counter";
  static std::string const& id(count_by_query const& c) { return c.key; }
  static cleave::boundary_query boundary(count_by_query const& c) {
    return cleave::events_with<counted>("key:" + c.key);
  }
  void evolve(counted const&) {}
  cleave::decision<counted> decide(count_by_query const& c) const {
    think();
    return counted{c.key};
  }
};

// On two streams, which come in either order.
struct count_both {
  std::string first;
  std::string second;
};
struct pair_counter {
  using commands = cleave::command_set<count_both>;
  using events = cleave::event_set<counted>;
  static std::array<std::string, 2> streams(count_both const& c) {
    return {"pair-" + c.first, "pair-" + c.second};
  }
  static std::string stream(count_both const&, counted const& e) { return "pair-" + e.key; }
  void evolve(counted const&) {}
  cleave::decision<counted> decide(count_both const& c) const {
    think();
    return {counted{c.first}, counted{c.second}};
  }
};

constexpr int threads = 8;
constexpr int turns = 50;

// Commands that failed.
template <class App, class Make> int failures(App& app, Make make) {
  std::atomic<int> failed{0};
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (int i = 0; i < turns; ++i) {
        if (!app.execute(make(t + i))) ++failed;
      }
    });
  }
  for (std::thread& one : all) one.join();
  return failed;
}

} // namespace

TEST_CASE(
    "threads with commands on one key lose no race, also in a store that does not decide in its commits") {
  cleave::memory::event_store inner;
  cleave::any_event_store store{inner};
  cleave::application app{store, cleave::deciders<counter>, cleave::boundaries<query_counter, pair_counter>,
                          cleave::application_options{.write = {.attempts = 1}}};
  SECTION("of a decider") {
    CHECK(failures(app, [](int) { return count{"a"}; }) == 0);
    CHECK(inner.head().value() == cleave::position(threads * turns));
  }
  SECTION("of a boundary by a query") {
    CHECK(failures(app, [](int) { return count_by_query{"a"}; }) == 0);
    CHECK(inner.head().value() == cleave::position(threads * turns));
  }
  SECTION("of a boundary by streams, in whatever order it names them") {
    CHECK(failures(app, [](int i) { return i % 2 == 0 ? count_both{"a", "b"} : count_both{"b", "a"}; }) == 0);
    CHECK(inner.head().value() == cleave::position(2 * threads * turns));
  }
}

TEST_CASE(
    "who hears of an event may send a command on the same key, also in a store that does not decide in its "
    "commits") {
  cleave::memory::event_store inner;
  cleave::any_event_store store{inner};
  cleave::application app{store, cleave::deciders<counter>, cleave::boundaries<query_counter, pair_counter>};
  int still = 3;
  auto const answers = app.events().subscribe<counted>([&](counted const& e) {
    if (still == 0) return;
    --still;
    switch (still) {
    case 2: CHECK(app.execute(count{e.key})); break;
    case 1: CHECK(app.execute(count_by_query{e.key})); break;
    default: CHECK(app.execute(count_both{e.key, "b"})); break;
    }
  });
  REQUIRE(app.execute(count{"a"}));
  CHECK(inner.head().value() == cleave::position(5));
}

TEST_CASE("a command does not wait for one on another key") {
  cleave::memory::event_store inner;
  cleave::any_event_store store{inner};
  cleave::application app{store, cleave::deciders<counter>, cleave::boundaries<query_counter, pair_counter>};
  auto const beside = [&](auto const& command) {
    meanwhile = [&app, command] { std::thread([&] { CHECK(app.execute(command)); }).join(); };
  };
  beside(count{"b"});
  CHECK(app.execute(count{"a"}));
  beside(count_by_query{"b"});
  CHECK(app.execute(count_by_query{"a"}));
  beside(count_both{"c", "d"});
  CHECK(app.execute(count_both{"a", "b"}));
  CHECK(inner.head().value() == cleave::position(8));
}
