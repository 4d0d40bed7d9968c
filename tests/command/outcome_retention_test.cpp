// SPDX-License-Identifier: BSL-1.0
#include <cleave/application.hpp>
#include <cleave/command/outcome_retention.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/query/step_thread.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/manual_clock.hpp>

#include "account.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

using bank::account;
using cleave::errc;
using cleave::step;

namespace {

cleave::command_id id_of(int number) {
  return cleave::command_id(cleave::uuid::from_name(cleave::uuid(), std::to_string(number)));
}

struct in_memory {
  cleave::testing::manual_clock clock{cleave::timestamp(1'000'000)};
  cleave::memory::event_store store{{.clock = clock}};
};
struct in_file {
  cleave::testing::manual_clock clock{cleave::timestamp(1'000'000)};
  cleave_test::temporary_folder folder{};
  cleave::sqlite::event_store store = opened();
  cleave::sqlite::event_store opened() {
    auto made = cleave::sqlite::event_store::open(
        {.path = folder.file("bank.db"), .durability = cleave::durability::relaxed, .clock = clock});
    REQUIRE(made);
    return std::move(*made);
  }
};

template <class App> bool repeated(App& app, int number, std::int64_t cents = 1) {
  auto const done = app.execute(bank::deposit{"ann", cents}, {.id = id_of(number)});
  REQUIRE(done);
  return done->repeated;
}
template <class Store> std::vector<int> known(Store& store, int most) {
  std::vector<int> found;
  for (int i = 0; i < most; ++i) {
    if (store.find_command(id_of(i)).value()) found.push_back(i);
  }
  return found;
}

} // namespace

TEMPLATE_TEST_CASE("outcomes older than the age are forgotten, no other", "", in_memory, in_file) {
  TestType in;
  cleave::application bank{in.store, cleave::deciders<account>};
  REQUIRE(bank.execute(bank::open{"ann"}));
  for (int i = 0; i < 6; ++i) {
    REQUIRE_FALSE(repeated(bank, i));
    in.clock.advance_us(1'000);
  }
  REQUIRE_FALSE(bank.execute(bank::deposit{"zoe", 1}, {.id = id_of(6)})); // a rejection is an outcome, too
  cleave::outcome_sweeper sweeper(in.store, {.age_us = 4'000, .clock = in.clock});
  REQUIRE(sweeper.step() == step::idle);
  CHECK(known(in.store, 7) == std::vector{2, 3, 4, 5, 6});
  CHECK(repeated(bank, 2));
  CHECK_FALSE(repeated(bank, 1)); // as if it had never been sent
  CHECK(repeated(bank, 1));
  CHECK(bank.execute(bank::deposit{"ann", 9}, {.id = id_of(0)})); // so it may be another command
  in.clock.advance_us(4'001);
  REQUIRE(sweeper.step() == step::idle);
  CHECK(known(in.store, 7).empty());
  CHECK_FALSE(repeated(bank, 1));
  CHECK(known(in.store, 7) == std::vector{1});
}

TEMPLATE_TEST_CASE("the newest so many outcomes stay, and a step forgets no more than it may", "", in_memory,
                   in_file) {
  TestType in;
  cleave::application bank{in.store, cleave::deciders<account>};
  REQUIRE(bank.execute(bank::open{"ann"}));
  for (int i = 0; i < 9; ++i) {
    REQUIRE_FALSE(repeated(bank, i));
    in.clock.advance_us(1);
  }
  cleave::outcome_sweeper sweeper(in.store, {.count = 4, .outcomes_a_step = 2, .clock = in.clock});
  REQUIRE(sweeper.step() == step::worked);
  CHECK(known(in.store, 9) == std::vector{2, 3, 4, 5, 6, 7, 8});
  REQUIRE(sweeper.step() == step::worked);
  REQUIRE(sweeper.step() == step::idle);
  CHECK(known(in.store, 9) == std::vector{5, 6, 7, 8});
  REQUIRE(sweeper.step() == step::idle);
  CHECK(known(in.store, 9).size() == 4);
  SECTION("of one moment, too, as many as were asked for") {
    for (int i = 10; i < 30; ++i) REQUIRE_FALSE(repeated(bank, i));
    while (sweeper.step() == step::worked) {
    }
    CHECK(known(in.store, 30).size() == 4);
  }
  SECTION("and none at all when none is wanted") {
    cleave::outcome_sweeper all(in.store, {.count = 0, .clock = in.clock});
    REQUIRE(all.step() == step::idle);
    CHECK(known(in.store, 9).empty());
  }
}

TEMPLATE_TEST_CASE("a step of no size, or beyond the limit, is refused", "", in_memory, in_file) {
  TestType in;
  for (std::uint64_t const most : {std::uint64_t{0}, cleave::limits::outcomes_per_step + 1}) {
    auto const gone = in.store.forget_outcomes(cleave::timestamp(5), 0, most);
    REQUIRE_FALSE(gone);
    CHECK(gone.error().code() == errc::invalid_argument);
  }
}

TEST_CASE("what is forgotten in a file is forgotten by every process, also after a restart") {
  in_file in;
  {
    cleave::application bank{in.store, cleave::deciders<account>};
    REQUIRE(bank.execute(bank::open{"ann"}));
    for (int i = 0; i < 5; ++i) {
      REQUIRE_FALSE(repeated(bank, i));
      in.clock.advance_us(1);
    }
  }
  auto other = in.opened();
  REQUIRE(other.forget_outcomes(cleave::timestamp(INT64_MIN), 2, 100).value() == 3);
  CHECK(known(in.store, 5) == std::vector{3, 4});
  CHECK(in.store.verify().value().sound());
  auto again = in.opened();
  CHECK(known(again, 5) == std::vector{3, 4});
}

TEMPLATE_TEST_CASE("a command is executed once while others are being forgotten", "", in_memory, in_file) {
  TestType in;
  cleave::application bank{in.store, cleave::deciders<account>};
  REQUIRE(bank.execute(bank::open{"ann"}));
  constexpr int threads = 4;
  constexpr int turns = 60;
  // More than the others can send between a command and its repeat.
  constexpr std::uint64_t kept = 200;
  cleave::outcome_sweeper sweeper(in.store, {.count = kept, .outcomes_a_step = 8, .clock = in.clock});
  std::atomic<int> wrong{0};
  {
    cleave::step_thread const sweeping(sweeper, in.store.commits(), 100);
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
      all.emplace_back([&, t] {
        for (int i = 0; i < turns; ++i) {
          in.clock.advance_us(1);
          cleave::command_context const context{.id = id_of(t * 1'000 + i)};
          auto const first = bank.execute(bank::deposit{"ann", 1}, context);
          auto const second = bank.execute(bank::deposit{"ann", 1}, context);
          if (!first || !second || !second->repeated || second->position != first->position) ++wrong;
        }
      });
    }
    for (std::thread& one : all) one.join();
  }
  while (sweeper.step() == step::worked) {
  }
  CHECK(wrong == 0);
  CHECK_FALSE(sweeper.failure());
  CHECK(known(in.store, threads * 1'000).size() == kept);
  CHECK(in.store.head().value() == cleave::position(1 + threads * turns));
}
