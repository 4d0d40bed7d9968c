// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/command_bus.hpp>

#include <catch2/catch.hpp>

#include <string>

namespace {

struct first {};
struct second {};
struct third {};

// Says who was called, in the version of the commit.
template <std::uint64_t Number, class... Cs> struct numbered {
  using commands = cleave::command_set<Cs...>;
  cleave::command_id* last = nullptr;
  template <class C> cleave::command_result execute(C const&, cleave::command_context const& context) {
    if (last != nullptr) *last = context.id;
    return cleave::committed{cleave::position(7), cleave::version(Number), false};
  }
};

} // namespace

TEST_CASE("a command goes to the handler that lists it, with its context") {
  cleave::command_id heard;
  cleave::command_bus bus{numbered<1, first>{}, numbered<2, second, third>{&heard}};
  REQUIRE(bus.execute(first{})->version == cleave::version(1));
  REQUIRE(bus.execute(second{})->version == cleave::version(2));
  cleave::command_context context;
  context.id = cleave::command_id(cleave::uuid({9}));
  REQUIRE(bus.execute(third{}, context)->version == cleave::version(2));
  REQUIRE(heard == context.id);
}

TEST_CASE("a command bus knows at compile time what it handles") {
  using bus = cleave::command_bus<numbered<1, first>, numbered<2, second>>;
  STATIC_REQUIRE(bus::handles<first>);
  STATIC_REQUIRE(bus::handles<second>);
  STATIC_REQUIRE_FALSE(bus::handles<third>);
  STATIC_REQUIRE_FALSE(cleave::command_bus<>::handles<first>);
}

TEST_CASE("a failure of a command is a rejection or an error, and says which") {
  cleave::command_failure const refused(cleave::rejection{"closed", "account a is not open"});
  REQUIRE(refused.is_rejection());
  REQUIRE(refused.rejection().code == "closed");
  REQUIRE(refused.message() == "rejected: closed: account a is not open");
  cleave::command_failure const failed(cleave::error(cleave::errc::disk_full, "no room"));
  REQUIRE_FALSE(failed.is_rejection());
  REQUIRE(failed.error().code() == cleave::errc::disk_full);
  REQUIRE(failed.message() == "disk_full: no room");
}
