// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/clock.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>

using cleave::timestamp;

namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t smallest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t greatest = std::numeric_limits<std::int64_t>::max();

} // namespace

TEST_CASE("a timestamp reads as RFC 3339 in UTC") {
  REQUIRE(to_string(timestamp()) == "1970-01-01T00:00:00.000000Z");
  REQUIRE(to_string(timestamp(1769847300 * second + 42)) == "2026-01-31T08:15:00.000042Z");
  REQUIRE(to_string(timestamp(951782399 * second + 999'999)) == "2000-02-28T23:59:59.999999Z");
  REQUIRE(to_string(timestamp(951782400 * second)) == "2000-02-29T00:00:00.000000Z");
  REQUIRE(to_string(timestamp(-1)) == "1969-12-31T23:59:59.999999Z");
}

TEST_CASE("a timestamp outside the years 0000 to 9999 reads as the plain number") {
  std::int64_t const first = -62167219200 * second;
  std::int64_t const last = 253402300799 * second + 999'999;
  REQUIRE(to_string(timestamp(first)) == "0000-01-01T00:00:00.000000Z");
  REQUIRE(to_string(timestamp(first - 1)) == "-62167219200000001");
  REQUIRE(to_string(timestamp(last)) == "9999-12-31T23:59:59.999999Z");
  REQUIRE(to_string(timestamp(last + 1)) == "253402300800000000");
  REQUIRE(to_string(timestamp(smallest)) == "-9223372036854775808");
  REQUIRE(to_string(timestamp(greatest)) == "9223372036854775807");
  // Years that a 16-bit number would take for 2000 and for 1.
  REQUIRE(to_string(timestamp(2'069'107'200'000 * second)) == "2069107200000000000");
  REQUIRE(to_string(timestamp(-2'130'000'000'000 * second)) == "-2130000000000000000");
}

TEST_CASE("milliseconds are rounded down, also before 1970 and at the bounds") {
  REQUIRE(timestamp(1999).milliseconds() == 1);
  REQUIRE(timestamp(0).milliseconds() == 0);
  REQUIRE(timestamp(-1).milliseconds() == -1);
  REQUIRE(timestamp(-1000).milliseconds() == -1);
  REQUIRE(timestamp(-1001).milliseconds() == -2);
  REQUIRE(timestamp(greatest).milliseconds() == 9'223'372'036'854'775);
  REQUIRE(timestamp(smallest).milliseconds() == -9'223'372'036'854'776);
}

TEST_CASE("timestamps are ordered by time") {
  REQUIRE(timestamp(-5) < timestamp(3));
  REQUIRE(timestamp(3) == timestamp(3));
}

TEST_CASE("a clock reference asks its clock, and the system clock without one") {
  struct still {
    timestamp at;
    timestamp now() const { return at; }
  };
  still clock{timestamp(17)};
  cleave::clock_ref const given(clock);
  cleave::clock_ref const copy = given;
  clock.at = timestamp(18);
  REQUIRE(copy.now() == timestamp(18));

  auto const before = cleave::system_clock{}.now();
  auto const now = cleave::clock_ref().now();
  REQUIRE(before.microseconds() / second - now.microseconds() / second <= 1);
  REQUIRE(now.microseconds() > 1'600'000'000 * second);
}
