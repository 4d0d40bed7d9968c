// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/decision.hpp>

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

namespace {

struct sent {
  int number = 0;
};
struct lost {
  std::string what;
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

TEST_CASE("a decision takes a list that was made at run time") {
  std::vector<mixed::any_event> list;
  for (int i = 0; i < 3; ++i) list.emplace_back(sent{i});
  REQUIRE(told(mixed(list)) == "sent 0;sent 1;sent 2;");
  REQUIRE(told(mixed(std::vector<mixed::any_event>())).empty());
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
