// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/function_ref.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <string>

using cleave::function_ref;

TEST_CASE("a function reference calls what it refers to, and copies refer to the same") {
  int calls = 0;
  auto count = [&calls](int by) { return calls += by; };
  function_ref<int(int)> const ref = count;
  function_ref<int(int)> const copy = ref;
  REQUIRE(ref(2) == 2);
  REQUIRE(copy(3) == 5);
  REQUIRE(calls == 5);
}

TEST_CASE("a function reference hands on what only moves, and keeps a mutable state outside") {
  auto const take = [](function_ref<std::string(std::unique_ptr<std::string>)> f) {
    return f(std::make_unique<std::string>("moved"));
  };
  std::size_t length = 0;
  REQUIRE(take([&length](std::unique_ptr<std::string> text) mutable {
            length = text->size();
            return *text;
          }) == "moved");
  REQUIRE(length == 5);
}

TEST_CASE("a function reference to a const callable calls it as const") {
  struct both {
    int operator()() { return 1; }
    int operator()() const { return 2; }
  };
  both plain;
  both const fixed;
  REQUIRE(function_ref<int()>(plain)() == 1);
  REQUIRE(function_ref<int()>(fixed)() == 2);
}

TEST_CASE("a function reference converts the result, or drops it") {
  auto const three = [] { return 3; };
  REQUIRE(function_ref<double()>(three)() == 3.0);
  function_ref<void()> const dropped = three;
  dropped();
  STATIC_REQUIRE_FALSE(std::is_constructible_v<function_ref<std::string()>, decltype(three)&>);
}
