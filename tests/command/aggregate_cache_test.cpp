// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/aggregate_cache.hpp>

#include <catch2/catch.hpp>

namespace {

struct number {
  int value = 0;
};
using cache = cleave::aggregate_cache<cleave::loaded<number>>;

std::string stream(int i) { return "number-" + std::to_string(i); }
void put(cache& into, int i, std::uint64_t rollbacks = 0) {
  into.put(stream(i), cache::key_of(stream(i)), rollbacks, {{i}, cleave::version(1)});
}
cleave::loaded<number>* find(cache& in, int i, std::uint64_t rollbacks = 0) {
  return in.find(stream(i), cache::key_of(stream(i)), rollbacks);
}

} // namespace

TEST_CASE("a cached state is found again, the newest of its stream") {
  cache states(8);
  CHECK(find(states, 1) == nullptr);
  put(states, 1);
  REQUIRE(find(states, 1) != nullptr);
  CHECK(find(states, 1)->state.value == 1);
  states.put(stream(1), cache::key_of(stream(1)), 0, {{5}, cleave::version(2)});
  CHECK(find(states, 1)->state.value == 5);
  CHECK(find(states, 1)->version == cleave::version(2));
}

TEST_CASE("streams whose keys are the same keep their own states") {
  cache states(8);
  states.put("a", 7, 0, {{1}, {}});
  states.put("b", 7, 0, {{2}, {}});
  CHECK(states.find("a", 7, 0)->state.value == 1);
  CHECK(states.find("b", 7, 0)->state.value == 2);
  CHECK(states.find("c", 7, 0) == nullptr);
  states.drop("a", 7);
  CHECK(states.find("a", 7, 0) == nullptr);
  CHECK(states.find("b", 7, 0)->state.value == 2);
}

TEST_CASE("a state that was cached before a rollback is not found behind it") {
  cache states(8);
  put(states, 1, 3);
  CHECK(find(states, 1, 3) != nullptr);
  CHECK(find(states, 1, 4) == nullptr);
  put(states, 1, 4);
  CHECK(find(states, 1, 4) != nullptr);
}

TEST_CASE("the cache keeps its bound, and what was used rather than what was not") {
  cache states(64);
  for (int i = 0; i < 10'000; ++i) {
    put(states, i);
    find(states, 0); // always in use
  }
  int kept = 0;
  for (int i = 0; i < 10'000; ++i) kept += find(states, i) != nullptr ? 1 : 0;
  CHECK(kept == 64);
  CHECK(find(states, 0) != nullptr);
}

TEST_CASE("may_hold tells of an entry until it is gone") {
  cache states(8);
  auto const key = cache::key_of(stream(1));
  CHECK_FALSE(states.may_hold(key));
  put(states, 1);
  CHECK(states.may_hold(key));
  states.drop(stream(1), key);
  CHECK_FALSE(states.may_hold(key));
}

TEST_CASE("a cache for no entries keeps none") {
  cache states(0);
  put(states, 1);
  CHECK(find(states, 1) == nullptr);
  CHECK_FALSE(states.may_hold(cache::key_of(stream(1))));
  states.drop(stream(1), cache::key_of(stream(1)));
}
