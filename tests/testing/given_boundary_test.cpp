// SPDX-License-Identifier: BSL-1.0
#include <cleave/testing/given_when_then.hpp>

#include "../command/school.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <map>
#include <stdexcept>
#include <string>

using namespace cleave::testing;
using Catch::Contains;
using school::course_defined;
using school::enrol;
using school::enrolled;
using school::enrolment;
using school::registered;

namespace {

struct moved_out {
  static constexpr std::string_view event_name = "moved-out.v1";
  int cents = 0;
  bool operator==(moved_out const&) const = default;
};
struct moved_in {
  static constexpr std::string_view event_name = "moved-in.v1";
  int cents = 0;
  bool operator==(moved_in const&) const = default;
};
struct transfer {
  std::string from;
  std::string to;
  int cents = 0;
};
BOOST_DESCRIBE_STRUCT(transfer, (), (from, to, cents))
struct transfers {
  using commands = cleave::command_set<transfer>;
  using events = cleave::event_set<moved_out, moved_in>;
  static std::array<std::string, 2> streams(transfer const& c) { return {"a-" + c.from, "a-" + c.to}; }
  static std::string stream(transfer const& c, moved_out const&) { return "a-" + c.from; }
  static std::string stream(transfer const& c, moved_in const&) { return "a-" + c.to; }
  std::map<std::string, int> cents;
  void evolve(moved_out const& e, cleave::envelope const& at) {
    cents[std::string(at.stream.id())] -= e.cents;
  }
  void evolve(moved_in const& e, cleave::envelope const& at) {
    if (e.cents < 0) throw std::runtime_error("less than nothing");
    cents[std::string(at.stream.id())] += e.cents;
  }
  cleave::decision<moved_out, moved_in> decide(transfer const& c) const {
    auto const from = cents.find(c.from);
    if (from == cents.end() || from->second < c.cents)
      return cleave::reject("poor", "{} accounts", cents.size());
    return {moved_out{c.cents}, moved_in{c.cents}};
  }
};

} // namespace

TEST_CASE("a sentence about a boundary counts the events that its query matches") {
  course_defined const small{"c", 1};
  registered const ada{"ada", "ada"};
  registered const bob{"bob", "bob"};
  enrol const command{"c", "ada"};

  REQUIRE(given<enrolment>(small, ada).when(command).then(enrolled{"c", "ada"}));
  REQUIRE(given<enrolment>(small, ada, enrolled{"c", "ada"}).when(command).then_nothing());
  REQUIRE(given<enrolment>(small, ada, bob, enrolled{"c", "bob"}).when(command).then_rejected("course-full"));
  // Of another course, and of another student: neither is looked at.
  REQUIRE(given<enrolment>(small, ada, enrolled{"d", "bob"}).when(command).then(enrolled{"c", "ada"}));
  REQUIRE(given<enrolment>(small, bob).when(command).then_rejected("unknown-student"));
  REQUIRE(given<enrolment>().when(command).then_rejected("unknown-student"));
  // An old version of an event stands for the new one.
  REQUIRE(given<enrolment>(small, school::registered_v1{"ada"}).when(command).then(enrolled{"c", "ada"}));
}

TEST_CASE("a sentence about a boundary by streams counts what stands in them") {
  REQUIRE(
      given<transfers>(in("a-x", moved_in{5})).when(transfer{"x", "y", 5}).then(moved_out{5}, moved_in{5}));
  REQUIRE(given<transfers>(in("a-z", moved_in{5})).when(transfer{"x", "y", 5}).then_rejected("poor"));
  REQUIRE(given<transfers>(in("a-x", moved_in{5}), in("a-y", moved_out{5}), in("a-x", moved_out{1}))
              .when(transfer{"x", "y", 5})
              .then_rejected("poor"));
}

TEST_CASE("what a sentence about a boundary says is readable") {
  auto const wrong =
      given<enrolment>(course_defined{"c", 1}).when(enrol{"c", "ada"}).then(enrolled{"c", "ada"});
  REQUIRE_FALSE(wrong);
  REQUIRE_THAT(wrong.text(), Contains("course-defined.v1") && Contains("enrol") && Contains("enrolled.v1") &&
                                 Contains("unknown-student"));
  auto const thrown = given<transfers>(in("a-x", moved_in{-1})).when(transfer{"x", "y", 5}).then_nothing();
  REQUIRE_FALSE(thrown);
  REQUIRE_THAT(thrown.text(), Contains("less than nothing"));
}
