// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a decider with snapshots has no stored form: describe its state with BOOST_DESCRIBE_STRUCT
#include <cleave/command/snapshots.hpp>

#include <boost/describe/class.hpp>

struct happened {
  static constexpr auto event_name = "happened.v1";
};
struct command {
  int key = 0;
};
struct thing {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  static constexpr std::string_view category = "thing";
  static constexpr cleave::snapshot_policy snapshots{.every = 100};
  static int id(command const& c) { return c.key; }
  void evolve(happened const&) { ++count; }
  cleave::decision<happened> decide(command const&) const { return happened(); }
  int count = 0;
};
#ifndef CLEAVE_MUST_FAIL
BOOST_DESCRIBE_STRUCT(thing, (), (count))
#endif
static_assert(cleave::takes_snapshots<thing>);
static_assert(cleave::detail::checked_snapshots<thing>::value);

int main() {}
