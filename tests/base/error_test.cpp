// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/error.hpp>
#include <cleave/base/rejection.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <stdexcept>
#include <string>

using cleave::errc;
using cleave::error;

namespace {

// The error for what `raise` throws.
template <class F> error caught(F raise) {
  try {
    raise();
  } catch (...) {
    return cleave::detail::current_exception_error("decide");
  }
  return error(errc::not_found, "nothing was thrown");
}

} // namespace

TEST_CASE("an error's message is its code, its text, and the texts of its causes") {
  REQUIRE(error(errc::stale, "late").message() == "stale: late");
  error const nested(errc::io_error, "cannot write",
                     error(errc::disk_full, "no room", error(errc::busy, "locked")));
  REQUIRE(nested.message() == "io_error: cannot write: no room: locked");
  REQUIRE(nested.cause()->code() == errc::disk_full);
  REQUIRE(nested.cause()->cause()->cause() == nullptr);
}

TEST_CASE("copies of an error are deep") {
  error copy(errc::timeout, "other", error(errc::busy, "replaced"));
  {
    error const original(errc::io_error, "cannot write", error(errc::disk_full, "no room"));
    error const constructed = original;
    REQUIRE(constructed.cause() != original.cause());
    copy = original;
  }
  REQUIRE(copy.message() == "io_error: cannot write: no room");
  error const& same = copy;
  copy = same;
  REQUIRE(copy.message() == "io_error: cannot write: no room");
  error const moved = std::move(copy);
  REQUIRE(moved.message() == "io_error: cannot write: no room");
}

TEST_CASE("every error code has a name of its own, and the numbers are stable") {
  std::set<std::string_view> names;
  for (int i = 1; i <= 24; ++i) names.insert(to_string(static_cast<errc>(i)));
  REQUIRE(names.size() == 24);
  REQUIRE(names.count("unknown") == 0);
  REQUIRE(to_string(static_cast<errc>(0)) == "unknown");
  REQUIRE(to_string(static_cast<errc>(200)) == "unknown");
  REQUIRE(static_cast<int>(errc::invalid_argument) == 1);
  REQUIRE(static_cast<int>(errc::version_conflict) == 3);
  REQUIRE(static_cast<int>(errc::store_failed) == 20);
  REQUIRE(static_cast<int>(errc::constraint_violated) == 23);
  REQUIRE(static_cast<int>(errc::already_exists) == 24);
  REQUIRE(to_string(errc::version_conflict) == "version_conflict");
}

TEST_CASE("what an application's function throws becomes an error that names the function") {
  auto const known = caught([] { throw std::runtime_error("no tea left"); });
  REQUIRE(known.code() == errc::handler_failed);
  REQUIRE(known.text() == "decide threw: no tea left");
  auto const odd = caught([] { throw 42; });
  REQUIRE(odd.code() == errc::handler_failed);
  REQUIRE(odd.text() == "decide threw something that is no std::exception");
}

TEST_CASE("make_error and reject format their texts") {
  REQUIRE(cleave::make_error(errc::not_found, "no {} in {}", "tea", 7).message() == "not_found: no tea in 7");
  auto const refused = cleave::reject("sold-out", "{} of {} left", 0, std::string("tea"));
  REQUIRE(refused == cleave::rejection{"sold-out", "0 of tea left"});
}
