// SPDX-License-Identifier: BSL-1.0
// States in which folding stopped half-way, or that hold what was not stored after all: no command may be decided on one.
#include <cleave/application.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "account.hpp"
#include "temporary_folder.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

using cleave::errc;

namespace {

struct added {
  static constexpr auto event_name = "added.v1";
  std::int64_t by = 0;
};
BOOST_DESCRIBE_STRUCT(added, (), (by))

int failures = 0;                // so many times evolve fails when it has changed the state
std::function<void()> meanwhile; // once, before the next command is decided
void change(std::int64_t& sum, added const& e) {
  sum += e.by;
  if (failures == 0) return;
  --failures;
  throw std::runtime_error("half-way");
}
cleave::decision<added> add_to(std::int64_t sum, std::int64_t by) {
  if (by == 0) return cleave::reject("sum", "{}", sum);
  return added{by};
}

struct add {
  static constexpr std::string_view command_name = "add";
  std::int64_t by = 0;
};
BOOST_DESCRIBE_STRUCT(add, (), (by))
struct tally {
  using commands = cleave::command_set<add>;
  using events = cleave::event_set<added>;
  static constexpr std::string_view category = "tally";
  static std::string_view id(add const&) {
    if (auto const first = std::exchange(meanwhile, nullptr)) first();
    return "1";
  }
  std::int64_t sum = 0;
  void evolve(added const& e) { change(sum, e); }
  cleave::decision<added> decide(add const& c) const { return add_to(sum, c.by); }
};

struct add_to_all {
  std::int64_t by = 0;
};
struct all_tallies {
  using commands = cleave::command_set<add_to_all>;
  using events = cleave::event_set<added>;
  static constexpr std::string_view category = "tally";
  static std::string_view id(add_to_all const&) { return "1"; }
  static cleave::boundary_query boundary(add_to_all const&) { return cleave::events_with<added>(); }
  std::int64_t sum = 0;
  void evolve(added const& e) { change(sum, e); }
  cleave::decision<added> decide(add_to_all const& c) const { return add_to(sum, c.by); }
};

struct in_memory {
  cleave::memory::event_store store;
};
struct in_file {
  cleave_test::temporary_folder folder;
  cleave::sqlite::event_store store = opened();
  cleave::sqlite::event_store opened() {
    auto made = cleave::sqlite::event_store::open({.path = folder.file("tally.db")});
    REQUIRE(made);
    return std::move(*made);
  }
};

template <class Command, class App> std::string said(App& app, std::int64_t by) {
  auto const done = app.execute(Command{by});
  return done ? "done" : done.error().message();
}

} // namespace

TEMPLATE_TEST_CASE("a state in which evolve failed half-way is not decided on", "", in_memory, in_file) {
  TestType in;
  cleave::application app{in.store, cleave::deciders<tally>, cleave::boundaries<all_tallies>};
  SECTION("of a decider") {
    REQUIRE(said<add>(app, 1) == "done");
    REQUIRE(cleave_test::append_raw(in.store, "tally-1", added{10}));
    failures = 1;
    CHECK_THAT(said<add>(app, 0), Catch::Contains("half-way"));
    CHECK(said<add>(app, 0) == "rejected: sum: 11");
  }
  SECTION("of a boundary whose query is asked again") {
    for (int i = 0; i < 3; ++i) REQUIRE(said<add_to_all>(app, 1) == "done");
    REQUIRE(cleave_test::append_raw(in.store, "tally-2", added{10}));
    failures = 1;
    CHECK_THAT(said<add_to_all>(app, 0), Catch::Contains("half-way"));
    CHECK(said<add_to_all>(app, 0) == "rejected: sum: 13");
  }
  CHECK(failures == 0);
}

TEMPLATE_TEST_CASE("where evolve fails on what was just decided, the command is committed and counts once",
                   "", in_memory, in_file) {
  TestType in;
  cleave::application app{in.store, cleave::deciders<tally>};
  REQUIRE(said<add>(app, 1) == "done");
  failures = 1;
  CHECK(said<add>(app, 10) == "done");
  CHECK(failures == 0);
  CHECK(said<add>(app, 0) == "rejected: sum: 11");
}

TEMPLATE_TEST_CASE("a command that another sender was faster with counts once", "", in_memory, in_file) {
  TestType in;
  cleave::application ours{in.store, cleave::deciders<tally>};
  cleave::application others{in.store, cleave::deciders<tally>};
  REQUIRE(said<add>(ours, 1) == "done");
  cleave::command_context const context{.id = cleave::command_id(cleave::uuid_v7_source().next({}))};
  meanwhile = [&] { REQUIRE_FALSE(others.execute(add{10}, context)->repeated); };
  auto const done = ours.execute(add{10}, context);
  REQUIRE(done);
  CHECK(done->repeated);
  CHECK(done->position == cleave::position(2));
  CHECK(said<add>(ours, 0) == "rejected: sum: 11");
}
