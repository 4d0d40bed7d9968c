// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/decision.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

struct sent {
  static constexpr auto event_name = "sent.v1";
  int number = 0;
};
struct lost {
  static constexpr auto event_name = "lost.v1";
  std::string what;
};
// Throws when it is made of what it has been told to throw at.
struct fragile {
  static constexpr auto event_name = "fragile.v1";
  std::string text;
  explicit fragile(std::string what) : text(std::move(what)) {}
  fragile(fragile const& other) : text(other.text) {
    if (text == "glass") throw std::runtime_error("broken");
  }
};
struct alignas(64) wide {
  static constexpr auto event_name = "wide.v1";
  int number = 0;
};
using mixed = cleave::decision<sent, lost>;

template <class Decision> std::string told(Decision const& decided) {
  struct teller {
    std::string out;
    void operator()(sent const& e) { out += "sent " + std::to_string(e.number) + ";"; }
    void operator()(lost const& e) { out += "lost " + e.what + ";"; }
  } teller;
  decided.for_each(teller);
  return teller.out;
}

} // namespace

TEST_CASE("a decision is a rejection, nothing, one event or several in order") {
  mixed const refused = cleave::reject("no", "not {}", "now");
  REQUIRE(refused.refused()->code == "no");
  REQUIRE(refused.refused()->text == "not now");
  REQUIRE(refused.size() == 0);
  REQUIRE(told(refused).empty());

  mixed const nothing = cleave::nothing_happened{};
  REQUIRE(nothing.refused() == nullptr);
  REQUIRE(nothing.size() == 0);
  REQUIRE(told(nothing).empty());

  mixed const one = lost{"key"};
  REQUIRE(one.refused() == nullptr);
  REQUIRE(one.size() == 1);
  REQUIRE(told(one) == "lost key;");

  mixed const several = {sent{1}, lost{"key"}, sent{2}};
  REQUIRE(several.refused() == nullptr);
  REQUIRE(several.size() == 3);
  REQUIRE(told(several) == "sent 1;lost key;sent 2;");
}

TEST_CASE("a decision takes events one by one at run time") {
  mixed all;
  REQUIRE(all.size() == 0);
  REQUIRE(all.refused() == nullptr);
  for (int i = 0; i < 3; ++i) all.add(sent{i});
  all.add(lost{"a key with a name that is too long to stand in the string itself"});
  REQUIRE(told(all) ==
          "sent 0;sent 1;sent 2;lost a key with a name that is too long to stand in the string itself;");
}

TEST_CASE("an event that cannot be copied into a decision leaves it as it was") {
  cleave::decision<fragile, sent> decided;
  fragile const glass("glass");
  REQUIRE_THROWS_AS(decided.add(glass), std::runtime_error);
  REQUIRE(decided.size() == 0);
  fragile const wood("wood");
  decided.add(wood);
  decided.add(wood);
  REQUIRE_THROWS_AS(decided.add(glass), std::runtime_error);
  decided.add(sent{7});
  REQUIRE(decided.size() == 3);
  std::string all;
  decided.for_each([&]<class E>(E const& event) {
    if constexpr (std::is_same_v<E, sent>) all += std::to_string(event.number);
    else all += event.text;
  });
  REQUIRE(all == "woodwood7");
}

TEST_CASE("the events of a decision stand where their type wants to stand") {
  cleave::decision<sent, wide> decided = {wide{1}, sent{2}, wide{3}};
  auto const moved = std::move(decided);
  int sum = 0;
  moved.for_each([&](auto const& event) {
    REQUIRE(reinterpret_cast<std::uintptr_t>(&event) % alignof(decltype(event)) == 0);
    sum += event.number;
  });
  REQUIRE(sum == 6);
}

TEST_CASE("a decision that was moved away has nothing in it") {
  mixed from = {lost{"one"}, lost{"two"}, sent{3}};
  mixed const to = std::move(from);
  REQUIRE(told(to) == "lost one;lost two;sent 3;");
  REQUIRE(from.size() == 0);
  from = cleave::reject("no", "never");
  REQUIRE(from.refused() != nullptr);
  from = sent{4};
  REQUIRE(from.refused() == nullptr);
  REQUIRE(told(from) == "sent 4;");
}

TEST_CASE("a decision of one type of event may hold several of it") {
  cleave::decision<sent> const several = {sent{1}, sent{2}};
  REQUIRE(several.size() == 2);
  std::vector<int> numbers;
  several.for_each([&](sent const& e) { numbers.push_back(e.number); });
  REQUIRE(numbers == std::vector<int>{1, 2});
}

TEST_CASE("a decision takes its own events and nothing else") {
  STATIC_REQUIRE(std::is_convertible_v<sent, mixed>);
  STATIC_REQUIRE(std::is_convertible_v<lost const&, mixed>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<cleave::decision<sent>, lost>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<mixed, int>);
}

TEST_CASE("a copied decision is a decision of its own") {
  mixed first = {sent{1}, lost{"key"}};
  mixed const copy = first;
  first = sent{9};
  REQUIRE(told(copy) == "sent 1;lost key;");
  REQUIRE(told(first) == "sent 9;");
}
