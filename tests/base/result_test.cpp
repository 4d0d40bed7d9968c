// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/result.hpp>

#include "dies.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

using cleave::errc;
using cleave::error;
using cleave::result;
using cleave::unexpected;

namespace {

// Knows how many of its kind are alive; has no default constructor.
struct counted {
  static inline int alive = 0;
  explicit counted(int n) : number(n) { ++alive; }
  counted(counted const& other) : number(other.number) { ++alive; }
  counted(counted&& other) noexcept : number(std::exchange(other.number, -1)) { ++alive; }
  counted& operator=(counted const&) = default;
  ~counted() { --alive; }
  int number;
};

enum class reason { tired, busy };

result<int> parsed(std::string const& text) {
  if (text.empty()) return unexpected(error(errc::invalid_argument, "empty"));
  return static_cast<int>(text.size());
}

} // namespace

TEST_CASE("a result is a value or an error") {
  result<int> const good = parsed("four");
  REQUIRE(good);
  REQUIRE(good.has_value());
  REQUIRE(*good == 4);
  REQUIRE(good.value() == 4);

  result<int> const bad = parsed("");
  REQUIRE_FALSE(bad);
  REQUIRE_FALSE(bad.has_value());
  REQUIRE(bad.error().code() == errc::invalid_argument);
  REQUIRE(bad.error().text() == "empty");
}

TEST_CASE("a default result holds a default value") {
  REQUIRE(*result<int>() == 0);
  REQUIRE(result<std::string>()->empty());
  REQUIRE(result<void>());
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<result<counted>>);
}

TEST_CASE("a result converts from what its value converts from, and no further") {
  result<std::string> const text = "abc";
  REQUIRE(*text == "abc");
  result<std::vector<int>> const list = std::vector<int>{1, 2};
  REQUIRE(list->size() == 2);
  STATIC_REQUIRE(std::is_convertible_v<char const*, result<std::string>>);
  // std::vector's constructor from a size is explicit, and so is the result's.
  STATIC_REQUIRE_FALSE(std::is_convertible_v<std::size_t, result<std::vector<int>>>);
  STATIC_REQUIRE(std::is_constructible_v<result<std::vector<int>>, std::size_t>);
  STATIC_REQUIRE_FALSE(std::is_convertible_v<result<int>, result<bool>>);
}

TEST_CASE("a result of bool tells its value from its success") {
  result<bool> const no = false;
  REQUIRE(no.has_value());
  REQUIRE_FALSE(*no);
}

TEST_CASE("a result owns exactly one thing through copies, moves and assignments") {
  counted::alive = 0;
  {
    result<counted> one = counted(1);
    result<counted> failed = unexpected(error(errc::busy, "taken"));
    REQUIRE(counted::alive == 1);

    result<counted> copy = one;
    REQUIRE(counted::alive == 2);
    REQUIRE(copy->number == 1);

    result<counted> const moved = std::move(copy);
    REQUIRE(moved->number == 1);
    REQUIRE(copy->number == -1);

    one = failed; // a value gives way to an error
    REQUIRE_FALSE(one);
    REQUIRE(one.error().text() == "taken");
    REQUIRE(failed.error().text() == "taken");
    REQUIRE(counted::alive == 2);

    one = moved; // an error gives way to a value
    REQUIRE(one->number == 1);
    REQUIRE(counted::alive == 3);

    result<counted>& same = one;
    one = same;
    REQUIRE(one->number == 1);
    REQUIRE(counted::alive == 3);

    failed = unexpected(error(errc::timeout, "later"));
    REQUIRE(failed.error().code() == errc::timeout);
  }
  REQUIRE(counted::alive == 0);
}

TEST_CASE("a result owns its error as it owns its value") {
  counted::alive = 0;
  {
    result<int, counted> failed = unexpected(counted(1));
    result<int, counted> copy = failed;
    result<int, counted> const moved = std::move(failed);
    REQUIRE(moved.error().number == 1);
    copy = 5;
    result<void, counted> none = unexpected(counted(2));
    none = result<void, counted>();
    REQUIRE(none);
  }
  REQUIRE(counted::alive == 0);
}

TEST_CASE("a result holds what only moves") {
  result<std::unique_ptr<int>> made = std::make_unique<int>(7);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<std::unique_ptr<int>>);
  result<std::unique_ptr<int>> taken = std::move(made);
  REQUIRE(**taken == 7);
  std::unique_ptr<int> const out = *std::move(taken);
  REQUIRE(*out == 7);

  result<std::unique_ptr<int>> other = unexpected(error(errc::busy, "no"));
  other = std::make_unique<int>(8);
  REQUIRE(**other == 8);
  std::unique_ptr<int> const value = std::move(other).value();
  REQUIRE(*value == 8);
}

TEST_CASE("a result carries any type of error") {
  result<int, reason> const failed = unexpected(reason::busy);
  REQUIRE(failed.error() == reason::busy);
  result<void, std::string> const said = unexpected("no such thing"); // a char pointer makes the string
  REQUIRE(said.error() == "no such thing");
  result<std::string, std::string> const both = unexpected(std::string("an error"));
  REQUIRE_FALSE(both);
  result<std::string, std::string> const other = std::string("a value");
  REQUIRE(other);
}

TEST_CASE("a result changes in place") {
  result<std::string> text = "ab";
  *text += 'c';
  text->push_back('d');
  text.value() += 'e';
  REQUIRE(*text == "abcde");

  result<void, std::string> failed = unexpected("a");
  failed.error() += 'b';
  REQUIRE(failed.error() == "ab");
  std::string const out = std::move(failed).error();
  REQUIRE(out == "ab");
}

TEST_CASE("value_or is the value or its substitute") {
  REQUIRE(parsed("four").value_or(9) == 4);
  REQUIRE(parsed("").value_or(9) == 9);
  result<std::string> const text = "kept";
  REQUIRE(text.value_or("other") == "kept");
  REQUIRE(result<std::unique_ptr<int>>(std::make_unique<int>(3)).value_or(nullptr) != nullptr);
}

TEST_CASE("and_then goes on with a value and hands an error on") {
  auto const twice = [](int n) -> result<std::string> {
    return std::string(static_cast<std::size_t>(n) * 2, 'x');
  };
  REQUIRE(*parsed("ab").and_then(twice) == "xxxx");
  bool called = false;
  auto const failed = parsed("").and_then([&](int) -> result<void> {
    called = true;
    return {};
  });
  REQUIRE(failed.error().text() == "empty");
  REQUIRE_FALSE(called);
  auto const refused = parsed("ab").and_then(
      [](int) -> result<int> { return unexpected(error(errc::stale, "late")); });
  REQUIRE(refused.error().code() == errc::stale);

  REQUIRE(*result<void>().and_then([] { return result<int>(5); }) == 5);
  result<void> bad = unexpected(error(errc::stale, "late"));
  REQUIRE(std::move(bad).and_then([] { return result<int>(5); }).error().text() == "late");
}

TEST_CASE("transform and transform_error change one side and keep the other") {
  REQUIRE(*parsed("ab").transform([](int n) { return n * 1.5; }) == 3.0);
  REQUIRE(parsed("").transform([](int n) { return n * 1.5; }).error().text() == "empty");
  auto const code = [](error const& e) { return e.code(); };
  REQUIRE(*parsed("ab").transform_error(code) == 2);
  REQUIRE(parsed("").transform_error(code).error() == errc::invalid_argument);
  REQUIRE(result<void>().transform_error(code));
  result<void> failed = unexpected(error(errc::stale, "late"));
  REQUIRE(std::move(failed).transform_error(code).error() == errc::stale);
}

TEST_CASE("a result<void> copies, moves and assigns its error") {
  result<void> failed = unexpected(error(errc::stale, "late", error(errc::timeout, "slow")));
  result<void> copy = failed;
  REQUIRE(copy.error().cause()->text() == "slow");
  result<void> moved = std::move(copy);
  REQUIRE(moved.error().cause()->text() == "slow");
  result<void> good;
  moved = good;
  REQUIRE(moved);
  moved = failed;
  REQUIRE(moved.error().text() == "late");
  moved.error() = error(errc::busy, "now");
  REQUIRE(moved.error().code() == errc::busy);
}

TEST_CASE("reading the wrong side of a result ends the program with a message") {
  REQUIRE_THAT(cleave_test::last_words([] { static_cast<void>(*parsed("")); }),
               Catch::Contains("the value of a failed result was read"));
  REQUIRE_THAT(cleave_test::last_words([] { static_cast<void>(parsed("a").error()); }),
               Catch::Contains("the error of a successful result was read"));
  REQUIRE_THAT(cleave_test::last_words([] {
                 result<void> const failed = unexpected(error(errc::stale, "late"));
                 failed.value();
               }),
               Catch::Contains("the value of a failed result was read"));
  REQUIRE_THAT(cleave_test::last_words([] { static_cast<void>(result<void>().error()); }),
               Catch::Contains("the error of a successful result was read"));
}
