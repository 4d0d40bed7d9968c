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

namespace {
int doubled(int n) { return 2 * n; }
} // namespace

TEST_CASE("a function reference takes a plain function by its name and by a pointer") {
  function_ref<int(int)> const by_name = doubled;
  function_ref<int(int)> const by_pointer = &doubled;
  REQUIRE(by_name(4) == 8);
  REQUIRE(by_pointer(5) == 10);
  // A pointer that goes away is not what is referred to.
  auto const make = [] {
    auto* const pointer = &doubled;
    return function_ref<long(int)>(pointer);
  };
  REQUIRE(make()(6) == 12);
}

TEST_CASE("a function reference converts the result, or drops it") {
  auto const three = [] { return 3; };
  REQUIRE(function_ref<double()>(three)() == 3.0);
  function_ref<void()> const dropped = three;
  dropped();
  STATIC_REQUIRE_FALSE(std::is_constructible_v<function_ref<std::string()>, decltype(three)&>);
}
