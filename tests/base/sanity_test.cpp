// SPDX-License-Identifier: BSL-1.0
#include <cleave/version.hpp>

#include <catch2/catch.hpp>

TEST_CASE("the version number and its text agree") { REQUIRE(CLEAVE_VERSION == 100); }
