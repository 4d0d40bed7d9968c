// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/decider_runner.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include "account.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

using bank::account;
using Catch::Contains;
using cleave::errc;
using cleave::position;
using cleave::version;

namespace {

template <class Store> cleave::command_result execute(Store& store, auto const& command,
                                                      cleave::command_id id) {
  cleave_test::plain_side<Store> side(store);
  cleave::decider_runner<account, cleave_test::plain_side<Store>> runner(side);
  cleave::command_context context;
  context.id = id;
  return runner.execute(command, context);
}

// Has a name, a fingerprint of its own, and no stored form.
struct printed {
  static constexpr std::string_view command_name = "printed";
  std::uint64_t print = 0;
  int other = 0;
  std::uint64_t fingerprint() const {
    if (print == 13) throw std::runtime_error("no print");
    return print;
  }
};
struct printed_otherwise {
  static constexpr std::string_view command_name = "printed-otherwise";
  static std::uint64_t fingerprint() { return 1; }
};
struct printer {
  using commands = cleave::command_set<printed, printed_otherwise>;
  using events = cleave::event_set<bank::withdrawn>;
  static constexpr std::string_view category = "printer";
  static std::string_view id(auto const&) { return "1"; }
  void evolve(bank::withdrawn const&) {}
  cleave::decision<bank::withdrawn> decide(auto const&) const { return bank::withdrawn{1}; }
};

cleave::testing::seeded_ids ids;

} // namespace

TEST_CASE("a repeated command gets the first outcome and is not decided again") {
  cleave::memory::event_store store;
  auto const id = ids.next_command();
  REQUIRE(execute(store, bank::open{"a"}, ids.next_command()));
  auto const first = execute(store, bank::deposit{"a", 5}, id);
  REQUIRE(first);
  REQUIRE_FALSE(first->repeated);
  REQUIRE(execute(store, bank::deposit{"a", 6}, ids.next_command()));

  auto const again = execute(store, bank::deposit{"a", 5}, id);
  REQUIRE(again);
  REQUIRE(again->repeated);
  REQUIRE(again->position == first->position);
  REQUIRE(again->version == first->version);
  REQUIRE(*store.head() == position(3));
}

TEST_CASE("a repeated rejection is the first one, whatever the state is now") {
  cleave::memory::event_store store;
  auto const id = ids.next_command();
  REQUIRE(execute(store, bank::deposit{"a", 5}, id).error().rejection().code == "closed");
  REQUIRE(execute(store, bank::open{"a"}, ids.next_command()));
  auto const again = execute(store, bank::deposit{"a", 5}, id);
  REQUIRE(again.error().rejection() == cleave::rejection{"closed", "account a is not open"});
  REQUIRE(*store.head() == position(1));
  REQUIRE(execute(store, bank::deposit{"a", 5}, ids.next_command()));
}

TEST_CASE("a command without effect is remembered too") {
  cleave::memory::event_store store;
  auto const id = ids.next_command();
  REQUIRE(execute(store, bank::open{"a"}, ids.next_command()));
  REQUIRE_FALSE(execute(store, bank::open{"a"}, id)->repeated);
  auto const again = execute(store, bank::open{"a"}, id);
  REQUIRE(again->repeated);
  REQUIRE(again->position == position(1));
}

TEST_CASE("a command that failed can be executed again under its id") {
  cleave::memory::event_store store;
  auto const id = ids.next_command();
  REQUIRE(execute(store, bank::break_off{"a"}, id).error().error().code() == errc::handler_failed);
  REQUIRE(execute(store, bank::open{"a"}, id));
}

TEST_CASE("an id that belongs to another command is refused and names both") {
  cleave::memory::event_store store;
  auto const id = ids.next_command();
  REQUIRE(execute(store, bank::open{"a"}, id));
  auto const other_name = execute(store, bank::deposit{"a", 5}, id);
  REQUIRE(other_name.error().error().code() == errc::command_id_reused);
  REQUIRE_THAT(other_name.error().message(),
               Contains("open") && Contains("deposit") && Contains(to_string(id)));
  auto const other_contents = execute(store, bank::open{"b"}, id);
  REQUIRE(other_contents.error().error().code() == errc::command_id_reused);
  REQUIRE_THAT(other_contents.error().message(), Contains("with other contents"));
  REQUIRE(*store.head() == position(1));

  auto const rejected = ids.next_command();
  REQUIRE(execute(store, bank::deposit{"c", 5}, rejected).error().is_rejection());
  REQUIRE(execute(store, bank::deposit{"c", 6}, rejected).error().error().code() == errc::command_id_reused);
}

TEST_CASE("a command without a stored name takes no id") {
  cleave::memory::event_store store;
  auto const refused = execute(store, bank::withdraw{"a", 0}, ids.next_command());
  REQUIRE(refused.error().error().code() == errc::invalid_argument);
  REQUIRE_THAT(refused.error().message(), Contains("cleave::command_name"));
  REQUIRE(*store.head() == position());
  REQUIRE(execute(store, bank::withdraw{"a", 0}, {}));
}

TEST_CASE("a command's own fingerprint tells it from others") {
  cleave::memory::event_store store;
  cleave_test::plain_side<cleave::memory::event_store> side(store);
  cleave::decider_runner<printer, decltype(side)> runner(side);
  cleave::command_context context;
  context.id = ids.next_command();
  REQUIRE(runner.execute(printed{1, 1}, context));
  REQUIRE(runner.execute(printed{1, 2}, context)->repeated);
  REQUIRE(runner.execute(printed{2, 1}, context).error().error().code() == errc::command_id_reused);
  // Their names tell two commands of one fingerprint apart.
  CHECK(runner.execute(printed_otherwise{}, context).error().error().code() == errc::command_id_reused);
  auto const thrown = runner.execute(printed{13, 1}, context);
  REQUIRE(thrown.error().error().code() == errc::handler_failed);
  REQUIRE_THAT(thrown.error().message(), Contains("no print"));
}

TEST_CASE("fingerprints are those of FNV-1a") {
  // Vectors of the reference code of Fowler, Noll and Vo.
  REQUIRE(cleave::detail::fingerprint_of_text("") == 0xcbf29ce484222325U);
  REQUIRE(cleave::detail::fingerprint_of_text("a") == 0xaf63dc4c8601ec8cU);
  REQUIRE(cleave::detail::fingerprint_of_text("foobar") == 0x85944171f73967e8U);
  REQUIRE(*cleave::fingerprint_of(bank::open{"a"}) ==
          cleave::detail::fingerprint_of_text("{\"account\":\"a\"}"));
  REQUIRE(*cleave::fingerprint_of(bank::withdraw{"a", 1}) == 0);
  REQUIRE(cleave::fingerprint_of(bank::open{"\xff"}).error().code() == errc::encode_failed);
}

TEST_CASE("of many executions of one command at once exactly one takes effect") {
  cleave::memory::event_store store;
  REQUIRE(execute(store, bank::open{"a"}, ids.next_command()));
  for (int round = 0; round < 20; ++round) {
    auto const id = ids.next_command();
    std::atomic<int> fresh = 0;
    std::atomic<int> repeated = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        if (auto const done = execute(store, bank::deposit{"a", 5}, id))
          ++(done->repeated ? repeated : fresh);
      });
    }
    for (auto& thread : threads) thread.join();
    REQUIRE(fresh == 1);
    REQUIRE(repeated == 3);
  }
  REQUIRE(cleave::load<account>(store, "account-a")->state.cents == 100);
}

TEST_CASE("outcomes outlive the program") {
  cleave_test::temporary_folder folder;
  auto const done_id = ids.next_command();
  auto const refused_id = ids.next_command();
  cleave::committed first{};
  {
    auto store = cleave::sqlite::event_store::open({.path = folder.file("log.db")}).value();
    REQUIRE(execute(store, bank::deposit{"a", 5}, refused_id).error().is_rejection());
    first = execute(store, bank::open{"a"}, done_id).value();
    REQUIRE(execute(store, bank::deposit{"a", 7}, ids.next_command()));
  }
  auto store = cleave::sqlite::event_store::open({.path = folder.file("log.db")}).value();
  auto const again = execute(store, bank::open{"a"}, done_id);
  REQUIRE(again->repeated);
  REQUIRE(again->position == first.position);
  REQUIRE(again->version == first.version);
  REQUIRE(execute(store, bank::deposit{"a", 5}, refused_id).error().rejection() ==
          cleave::rejection{"closed", "account a is not open"});
  REQUIRE(execute(store, bank::open{"b"}, done_id).error().error().code() == errc::command_id_reused);
  REQUIRE(*store.head() == position(2));
}
