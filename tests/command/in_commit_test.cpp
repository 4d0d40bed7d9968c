// SPDX-License-Identifier: BSL-1.0
// Commands that are decided inside the commit, on a state that is cached.
#include <cleave/application.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/sqlite/simulated_disk.hpp>

#include "account.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <thread>

using bank::account;
using bank::deposit;
using bank::open;
using bank::withdraw;
using cleave::errc;
using cleave::version;

namespace {

cleave::sqlite::event_store opened(cleave::sqlite::event_store_options const& options) {
  auto store = cleave::sqlite::event_store::open(options);
  REQUIRE(store);
  return std::move(*store);
}
cleave::sqlite::event_store opened(std::string const& path) {
  return opened(cleave::sqlite::event_store_options{.path = path});
}

// What the log says, past every cache.
template <class Store> std::int64_t cents_in(Store& store, std::string const& name) {
  auto const state = cleave::load<account>(store, "account-" + name);
  REQUIRE(state);
  return state->state.cents;
}

// A store of each kind.
struct in_memory {
  cleave::memory::event_store store;
};
struct in_file {
  cleave_test::temporary_folder folder;
  cleave::sqlite::event_store store = opened(folder.file("bank.db"));
};

} // namespace

TEMPLATE_TEST_CASE("commands of many threads on one stream are each decided on all before", "", in_memory,
                   in_file) {
  TestType in;
  cleave::application bank{in.store, cleave::deciders<account>};
  REQUIRE(bank.execute(open{"hot"}));
  constexpr int threads = 8;
  constexpr int turns = 50;
  REQUIRE(bank.execute(deposit{"hot", threads * turns / 2}));
  std::atomic<int> taken{0};
  std::atomic<int> overdrawn{0};
  std::atomic<int> other{0};
  std::vector<std::thread> at_once;
  for (int t = 0; t < threads; ++t) {
    at_once.emplace_back([&] {
      for (int i = 0; i < turns; ++i) {
        auto const done = bank.execute(withdraw{"hot", 1});
        if (done) ++taken;
        else if (done.error().is_rejection()) ++overdrawn;
        else ++other;
      }
    });
  }
  for (auto& thread : at_once) thread.join();
  CHECK(taken == threads * turns / 2);
  CHECK(overdrawn == threads * turns / 2);
  CHECK(other == 0);
  CHECK(cents_in(in.store, "hot") == 0);
}

TEMPLATE_TEST_CASE("a decision sees what others have appended to its stream since", "", in_memory, in_file) {
  TestType in;
  cleave::application ours{in.store, cleave::deciders<account>};
  cleave::application others{in.store, cleave::deciders<account>};
  REQUIRE(ours.execute(open{"ann"}));
  REQUIRE(ours.execute(deposit{"ann", 5}));
  REQUIRE(others.execute(withdraw{"ann", 5}));
  auto const refused = ours.execute(withdraw{"ann", 1});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message() == "rejected: overdrawn: only 0 left");
  REQUIRE(others.execute(deposit{"ann", 2}));
  CHECK(ours.execute(withdraw{"ann", 2})->version == version(5));
}

TEST_CASE("a decision sees what another process's store has appended") {
  cleave_test::temporary_folder folder;
  auto one = opened(folder.file("bank.db"));
  auto two = opened(folder.file("bank.db"));
  cleave::application here{one, cleave::deciders<account>};
  cleave::application there{two, cleave::deciders<account>};
  REQUIRE(here.execute(open{"ann"}));
  for (int i = 1; i <= 20; ++i) {
    REQUIRE(here.execute(deposit{"ann", 1}));
    REQUIRE(there.execute(withdraw{"ann", 1}));
    CHECK(here.execute(withdraw{"ann", 1}).error().is_rejection());
  }
}

TEMPLATE_TEST_CASE("with a cache for a few streams, or none, the decisions are the same", "", in_memory,
                   in_file) {
  for (std::size_t const entries : {std::size_t{0}, std::size_t{8}}) {
    TestType in;
    cleave::application bank{in.store, cleave::deciders<account>,
                             cleave::application_options{.write = {.cached_streams = entries}}};
    for (int i = 0; i < 40; ++i) REQUIRE(bank.execute(open{std::to_string(i)}));
    for (int i = 0; i < 40; ++i) REQUIRE(bank.execute(deposit{std::to_string(i), 100 + i}));
    for (int i = 0; i < 40; ++i) {
      CHECK(bank.execute(withdraw{std::to_string(i), 101 + i}).error().is_rejection());
      CHECK(bank.execute(withdraw{std::to_string(i), 100 + i})->version == version(3));
    }
  }
}

TEST_CASE("a failed commit voids the states that were decided for it") {
  // The file is full for one commit; then another writer appends as many events to the stream as that commit had.
  cleave::testing::simulated_disk disk("full");
  auto store = opened({.path = "/bank.db", .shared = false, .vfs = disk.vfs()});
  cleave::application bank{store, cleave::deciders<account>};
  REQUIRE(bank.execute(open{"ann"}));
  REQUIRE(bank.execute(deposit{"ann", 1}));

  disk.inject({.what = cleave::testing::disk_operation::write, .file_ends = "-wal", .disk_full = true});
  auto const failed = bank.execute(deposit{"ann", 1'000});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().error().code() == errc::disk_full);
  disk.heal();

  SECTION("the next decision is on what is stored") {
    auto const refused = bank.execute(withdraw{"ann", 500});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message() == "rejected: overdrawn: only 1 left");
  }
  SECTION("also when the stream has the length again that it nearly had") {
    REQUIRE(cleave_test::append_raw(store, "account-ann", bank::deposited{10}));
    auto const refused = bank.execute(withdraw{"ann", 500});
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message() == "rejected: overdrawn: only 11 left");
  }
  CHECK(bank.execute(withdraw{"ann", 1}));
}

TEST_CASE("a decision in a group that is repeated without its culprit is made anew") {
  cleave_test::temporary_folder folder;
  auto store = opened(folder.file("bank.db"));
  cleave::application bank{store, cleave::deciders<account>};
  REQUIRE(bank.execute(open{"ann"}));
  std::atomic<bool> go{true};
  // Each of these loses its transaction, and with it those that share it.
  std::thread spoiler([&] {
    while (go) {
      auto const spoilt = store.decide_in_commit(
          [&](cleave::sqlite::commit_scope& in) -> cleave::result<void> {
            auto const sent = cleave::to_new_event(cleave::event_id(cleave::uuid_v7_source().next({})),
                                                   bank::frozen{});
            cleave::stream_append const part{"spoilt-1", cleave::expectation::any(), {&sent, 1}};
            if (auto done = in.append({.streams = {&part, 1}}); !done)
              return cleave::unexpected(done.error());
            return cleave::unexpected(cleave::error(errc::invalid_argument, "changed my mind"));
          });
      if (spoilt) std::abort();
    }
  });
  std::vector<std::thread> payers;
  std::atomic<int> lost{0};
  for (int t = 0; t < 4; ++t) {
    payers.emplace_back([&] {
      for (int i = 0; i < 50; ++i) lost += bank.execute(deposit{"ann", 1}) ? 0 : 1;
    });
  }
  for (auto& thread : payers) thread.join();
  go = false;
  spoiler.join();
  CHECK(lost == 0);
  CHECK(cents_in(store, "ann") == 200);
  CHECK(store.head().value() == cleave::position(201));
}

TEMPLATE_TEST_CASE("what a decision inside a commit throws is an error, and nothing is appended", "",
                   in_memory, in_file) {
  TestType in;
  using scope = typename decltype(in.store)::commit_scope;
  auto const thrown = in.store.decide_in_commit([](scope&) -> cleave::result<void> { throw 5; });
  REQUIRE_FALSE(thrown);
  CHECK(thrown.error().code() == errc::handler_failed);
  CHECK(in.store.head().value() == cleave::position(0));
  CHECK(in.store.decide_in_commit([](scope&) { return cleave::result<void>(); }));
}

TEST_CASE("a decision that calls its SQLite store is told that it would wait for itself") {
  in_file in;
  cleave::result<void> inner;
  REQUIRE(in.store.decide_in_commit([&](cleave::sqlite::commit_scope&) {
    inner = in.store.decide_in_commit([](cleave::sqlite::commit_scope&) { return cleave::result<void>(); });
    return cleave::result<void>();
  }));
  REQUIRE_FALSE(inner);
  CHECK(inner.error().code() == errc::invalid_argument);
}

TEST_CASE("a decision inside a commit appends once") {
  in_file in;
  REQUIRE(in.store.decide_in_commit([](cleave::sqlite::commit_scope& scope) -> cleave::result<void> {
    if (auto first = scope.append({}); !first) return cleave::unexpected(first.error());
    auto const second = scope.append({});
    CHECK(second.error().code() == errc::invalid_argument);
    return {};
  }));
}

TEMPLATE_TEST_CASE("a refused command with an id is refused the same way again, whatever has changed", "",
                   in_memory, in_file) {
  TestType in;
  cleave::application bank{in.store, cleave::deciders<account>};
  cleave::command_context const context{.id = cleave::command_id(cleave::uuid_v7_source().next({}))};
  auto const first = bank.execute(deposit{"ann", 5}, context);
  REQUIRE_FALSE(first);
  REQUIRE(bank.execute(open{"ann"}));
  auto const again = bank.execute(deposit{"ann", 5}, context);
  REQUIRE_FALSE(again);
  CHECK(again.error().message() == first.error().message());
  CHECK(bank.execute(deposit{"ann", 5}));
}
