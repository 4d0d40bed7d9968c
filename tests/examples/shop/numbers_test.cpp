// SPDX-License-Identifier: BSL-1.0
#include "domain/date.hpp"
#include "domain/decimal.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string_view>

using shop::date;
using shop::decimal_text;
using shop::parse_decimal;

TEST_CASE("a decimal is printed with all its places") {
  CHECK(decimal_text(0, 2) == "0.00");
  CHECK(decimal_text(5, 2) == "0.05");
  CHECK(decimal_text(-5, 2) == "-0.05");
  CHECK(decimal_text(1102773050, 4) == "110277.3050");
  CHECK(decimal_text(42, 0) == "42");
  CHECK(decimal_text(INT64_MAX, 4) == "922337203685477.5807");
  CHECK(decimal_text(INT64_MIN, 2) == "-92233720368547758.08");
}

TEST_CASE("a decimal is read exactly or not at all") {
  auto const read = [](std::string_view text, int places) {
    auto const units = parse_decimal(text, places);
    REQUIRE(units);
    return *units;
  };
  CHECK(read("14.00", 2) == 1400);
  CHECK(read("14", 2) == 1400);
  CHECK(read("14.5", 2) == 1450);
  CHECK(read("14.0500", 2) == 1405);
  CHECK(read("-0.05", 2) == -5);
  CHECK(read("0.15", 2) == 15);
  CHECK(read("12.0", 0) == 12);
  CHECK(read("92233720368547758.07", 2) == INT64_MAX);
  CHECK(read("-92233720368547758.08", 2) == INT64_MIN);
  for (std::string_view text :
       {"", "-", ".", "1.", ".5", "1.005", "1,5", "1e3", " 1", "1 ", "+1", "--1", "1.-5", "0x1",
        "92233720368547758.08", "-92233720368547758.09", "99999999999999999999"}) {
    INFO(text);
    CHECK(!parse_decimal(text, 2));
  }
}

TEST_CASE("a day is one that the calendar has") {
  REQUIRE(date::parse("1996-02-29"));
  CHECK(date::parse("1996-02-29")->text() == "1996-02-29");
  CHECK(date::parse("1996-02-29")->month() == "1996-02");
  CHECK(date::parse("0000-01-01"));
  CHECK(date::parse("9999-12-31"));
  for (std::string_view text : {"", "1997-02-29", "1996-13-01", "1996-00-01", "1996-01-00", "1996-1-01",
                                "1996/01/01", "1996-01-011", "-996-01-01", "1996-01-0x", "yyyy-mm-dd"}) {
    INFO(text);
    CHECK(!date::parse(text));
  }
}

TEST_CASE("a moment belongs to its day in UTC") {
  CHECK(date::of(cleave::timestamp(0)).text() == "1970-01-01");
  CHECK(date::of(cleave::timestamp(-1)).text() == "1969-12-31");
  CHECK(date::of(cleave::timestamp(836438400000000)).text() == "1996-07-04");
}
