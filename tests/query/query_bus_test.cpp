// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/query_bus.hpp>
#include <cleave/query/query_handler.hpp>

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>

using cleave::at_least;
using cleave::errc;
using cleave::position;

namespace {

struct name_of {
  using result_type = std::string;
  int number = 0;
};
struct age_of {
  using result_type = int;
};
struct nobody_knows {
  using result_type = int;
};

struct names {
  using queries = cleave::query_set<name_of>;
  std::string prefix = "number ";
  cleave::result<std::string> answer(name_of const& q) const {
    if (q.number < 0) throw std::runtime_error("negative");
    if (q.number == 0) return cleave::unexpected(cleave::error(errc::not_found, "no number"));
    return prefix + std::to_string(q.number);
  }
};

// Follows a log that is at position 4.
struct ages {
  using queries = cleave::query_set<age_of>;
  int waits = 0;
  cleave::result<void> wait(at_least wanted) {
    ++waits;
    if (wanted.position <= position(4)) return {};
    return cleave::unexpected(cleave::error(errc::stale, "not there"));
  }
  cleave::result<int> answer(age_of const&) const { return 42; }
};

} // namespace

TEST_CASE("a query goes to the one that lists it, once that one is fresh enough") {
  cleave::query_handler_runner<names> handler{names{}};
  ages projection;
  cleave::query_bus bus{handler, projection};
  REQUIRE(*bus.ask(name_of{3}) == "number 3");
  REQUIRE(*bus.ask(age_of{}, at_least(position(4))) == 42);
  REQUIRE(bus.ask(age_of{}, at_least(position(5))).error().code() == errc::stale);
  REQUIRE(projection.waits == 2);
}

TEST_CASE("a query handler answers with a value, an error, or what it throws") {
  cleave::query_handler_runner<names> const handler{names{"no. "}};
  REQUIRE(*handler.answer(name_of{3}) == "no. 3");
  REQUIRE(handler.answer(name_of{0}).error().code() == errc::not_found);
  REQUIRE(handler.answer(name_of{-1}).error().message() == "handler_failed: answer threw: negative");
}

TEST_CASE("a query bus knows at compile time what it handles") {
  using bus = cleave::query_bus<cleave::query_handler_runner<names>, ages>;
  STATIC_REQUIRE(bus::handles<name_of>);
  STATIC_REQUIRE(bus::handles<age_of>);
  STATIC_REQUIRE_FALSE(bus::handles<nobody_knows>);
}
