// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/text.hpp>
#include <cleave/event/position.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

using cleave::format_text;

TEST_CASE("a text is formatted from numbers, texts and strong numbers") {
  REQUIRE(format_text("nothing to fill") == "nothing to fill");
  REQUIRE(format_text("{}", std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  REQUIRE(format_text("{}", std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  REQUIRE(format_text("{} {}", short{-3}, static_cast<unsigned char>(200)) == "-3 200");
  REQUIRE(format_text("{}|{}", 0.5, -2.25F) == "0.5|-2.25");
  REQUIRE(format_text("{} {}", true, false) == "true false");
  REQUIRE(format_text("{}{}{}", "a", std::string("b"), std::string_view("c")) == "abc");
  REQUIRE(format_text("{} {}", cleave::position(12), cleave::version(3)) == "12 3");
}

TEST_CASE("an enumeration is formatted as its number") {
  enum class colour : std::uint8_t { red = 3 };
  enum sign { minus = -1 };
  REQUIRE(format_text("{} {}", colour::red, minus) == "3 -1");
}

TEST_CASE("doubled braces stand for themselves") {
  REQUIRE(format_text("{{{}}}", 5) == "{5}");
  REQUIRE(format_text("{{}}") == "{}");
}

TEST_CASE("what an argument holds is never taken for a format") {
  REQUIRE(format_text("<{}>", "{} {0} }}") == "<{} {0} }}>");
  REQUIRE(format_text("<{}>", std::string_view("a\0b", 3)) == std::string_view("<a\0b>", 5));
}
