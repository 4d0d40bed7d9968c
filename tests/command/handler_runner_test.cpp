// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/handler_runner.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include "account.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

using Catch::Contains;
using cleave::errc;
using cleave::position;
using cleave::version;

namespace {

struct add {
  static constexpr std::string_view command_name = "add";
  std::string key;
  std::int64_t number = 0;
};
BOOST_DESCRIBE_STRUCT(add, (), (key, number))
struct add_pair {
  std::string key;
};
struct spoil {
  std::string key;
  int how = 0;
};

// Works on no table: counts its calls.
struct tally {
  using commands = cleave::command_set<add, spoil>;
  static constexpr std::string_view category = "tally";
  static std::string const& id(auto const& c) { return c.key; }

  int* calls;
  cleave::decision<bank::deposited> handle(add const& c) {
    ++*calls;
    if (c.number < 0) return cleave::reject("negative", "{}", c.number);
    if (c.number == 0) return cleave::nothing_happened{};
    return bank::deposited{c.number};
  }
  cleave::result<cleave::decision<bank::deposited>> handle(spoil const& c) {
    ++*calls;
    if (c.how == 0) throw std::runtime_error("spoilt");
    if (c.how == 1) return cleave::unexpected(cleave::error(errc::disk_full, "no room for " + c.key));
    return bank::deposited{1};
  }
};

// Works on a table inside the transaction.
struct table {
  using commands = cleave::command_set<add, add_pair, spoil>;
  static constexpr std::string_view category = "row";
  static std::string const& id(auto const& c) { return c.key; }

  cleave::result<cleave::decision<bank::deposited>> handle(add const& c, cleave::sqlite::transaction& in) {
    auto done = in.db().execute("INSERT INTO numbers VALUES(?1, ?2)", c.key, c.number);
    if (!done) return cleave::unexpected(std::move(done).error());
    if (c.number < 0) return cleave::reject("negative", "{}", c.number);
    if (c.number == 0) return cleave::nothing_happened{};
    return bank::deposited{c.number};
  }
  cleave::decision<bank::deposited, bank::withdrawn> handle(add_pair const& c,
                                                            cleave::sqlite::transaction& in) {
    static_cast<void>(in.db().execute("INSERT INTO numbers VALUES(?1, 2)", c.key));
    return {bank::deposited{2}, bank::withdrawn{2}};
  }
  cleave::result<cleave::decision<bank::deposited>> handle(spoil const& c, cleave::sqlite::transaction& in) {
    static_cast<void>(in.db().execute("INSERT INTO numbers VALUES(?1, 1)", c.key));
    if (c.how == 0) throw std::runtime_error("spoilt");
    if (c.how == 1) return cleave::unexpected(cleave::error(errc::disk_full, "no room for " + c.key));
    return bank::deposited{13}; // its tags throw
  }
};

struct plain_desk {
  cleave::memory::event_store store;
  cleave_test::plain_side<cleave::memory::event_store> side{store};
  int calls = 0;
  cleave::handler_runner<tally, decltype(side)> runner{side, tally{&calls}};
};

struct table_desk {
  cleave_test::temporary_folder folder;
  cleave::sqlite::event_store store;
  cleave_test::plain_side<cleave::sqlite::event_store> side;
  cleave::handler_runner<table, decltype(side)> runner;

  table_desk()
      : store(cleave::sqlite::event_store::open({.path = folder.file("log.db")}).value()),
        side(store),
        runner(side, table{}) {
    auto made = store.transact([](cleave::sqlite::transaction& in) {
      return in.db().run_script("CREATE TABLE numbers(key TEXT PRIMARY KEY, number INTEGER) STRICT");
    });
    REQUIRE(made);
  }
  std::int64_t rows() {
    auto db = cleave::sqlite::database::open({.path = folder.file("log.db"), .read_only = true}).value();
    return db.value<std::int64_t>("SELECT count(*) FROM numbers").value().value();
  }
};

cleave::command_context with_id(cleave::command_id id) {
  cleave::command_context context;
  context.id = id;
  return context;
}
cleave::testing::seeded_ids ids;

} // namespace

TEST_CASE("a command handler appends to its stream whatever its version is") {
  plain_desk at;
  REQUIRE(at.runner.execute(add{"a", 5}, {})->version == version(1));
  REQUIRE(cleave_test::append_raw(at.store, "tally-a", bank::deposited{1}));
  auto const done = at.runner.execute(add{"a", 6}, {});
  REQUIRE(done->version == version(3));
  REQUIRE(done->position == position(3));
  REQUIRE(at.side.events_published == 2);
}

TEST_CASE("a command handler rejects, does nothing, fails or throws") {
  plain_desk at;
  REQUIRE(at.runner.execute(add{"a", -1}, {}).error().rejection() == cleave::rejection{"negative", "-1"});
  REQUIRE(at.runner.execute(add{"a", 0}, {})->position == position());
  auto const thrown = at.runner.execute(spoil{"a", 0}, {});
  REQUIRE(thrown.error().message() == "handler_failed: handle threw: spoilt");
  auto const failed = at.runner.execute(spoil{"a", 1}, {});
  REQUIRE(failed.error().message() == "disk_full: no room for a");
  REQUIRE(at.runner.execute(spoil{"a", 2}, {}));
  REQUIRE(at.runner.execute(add{std::string(300, 'x'), 1}, {}).error().error().code() ==
          errc::limit_exceeded);
  REQUIRE(*at.store.head() == position(1));
}

TEST_CASE("an empty id that a command handler lets pass fails the command by name, and nothing is stored") {
  plain_desk at;
  REQUIRE(at.runner.execute(add{"", -1}, {}).error().rejection().code == "negative");
  auto const failed = at.runner.execute(add{"", 1}, {});
  REQUIRE(failed.error().error().code() == errc::invalid_argument);
  REQUIRE_THAT(failed.error().message(), Contains("command add "));
  REQUIRE(*at.store.head() == position());

  table_desk tables;
  auto const undone = tables.runner.execute(add{"", 1}, {});
  REQUIRE(undone.error().error().code() == errc::invalid_argument);
  REQUIRE(tables.rows() == 0);
  REQUIRE(*tables.store.head() == position());
}

TEST_CASE("a repeated command does not reach its handler") {
  plain_desk at;
  auto const id = ids.next_command();
  auto const refused = ids.next_command();
  REQUIRE(at.runner.execute(add{"a", 5}, with_id(id)));
  REQUIRE(at.runner.execute(add{"a", -1}, with_id(refused)).error().is_rejection());
  REQUIRE(at.calls == 2);
  REQUIRE(at.runner.execute(add{"a", 5}, with_id(id))->repeated);
  REQUIRE(at.runner.execute(add{"a", -1}, with_id(refused)).error().rejection().code == "negative");
  REQUIRE(at.calls == 2);
  REQUIRE(at.runner.execute(add{"a", 6}, with_id(id)).error().error().code() == errc::command_id_reused);
}

TEST_CASE("rows and events of a handler in the transaction are committed together") {
  table_desk at;
  auto const done = at.runner.execute(add_pair{"a"}, {});
  REQUIRE(done);
  REQUIRE(done->position == position(2));
  REQUIRE(done->version == version(2));
  REQUIRE(at.rows() == 1);
  REQUIRE(at.side.events_published == 2);
  REQUIRE(cleave_test::log_of(at.store) ==
          std::vector<std::string>{"money-deposited.v1@1", "money-withdrawn.v1@2"});
  REQUIRE(at.runner.execute(add{"b", 0}, {})->position == position(2)); // a row without an event
  REQUIRE(at.rows() == 2);
}

TEST_CASE("a handler in the transaction that rejects, fails or throws leaves neither row nor event") {
  table_desk at;
  REQUIRE(at.runner.execute(add{"a", -1}, {}).error().rejection() == cleave::rejection{"negative", "-1"});
  auto const thrown = at.runner.execute(spoil{"a", 0}, {});
  REQUIRE(thrown.error().error().code() == errc::handler_failed);
  REQUIRE_THAT(thrown.error().message(), Contains("spoilt"));
  REQUIRE(at.runner.execute(spoil{"a", 1}, {}).error().error().code() == errc::disk_full);
  auto const tags = at.runner.execute(spoil{"a", 2}, {});
  REQUIRE(tags.error().error().code() == errc::handler_failed);
  REQUIRE(at.rows() == 0);
  REQUIRE(*at.store.head() == position());
  REQUIRE(at.side.events_published == 0);

  REQUIRE(at.runner.execute(add{"a", 1}, {}));
  auto const twice = at.runner.execute(add{"a", 1}, {});
  REQUIRE(twice.error().error().code() == errc::constraint_violated);
  REQUIRE(at.rows() == 1);
}

TEST_CASE("a repeated command in the transaction takes effect once, its rejection is kept") {
  table_desk at;
  auto const id = ids.next_command();
  auto const refused = ids.next_command();
  auto const first = at.runner.execute(add{"a", 5}, with_id(id));
  REQUIRE(first);
  REQUIRE(at.runner.execute(add{"b", -1}, with_id(refused)).error().is_rejection());
  auto const again = at.runner.execute(add{"a", 5}, with_id(id));
  REQUIRE(again->repeated);
  REQUIRE(again->position == first->position);
  REQUIRE(at.runner.execute(add{"b", -1}, with_id(refused)).error().rejection().code == "negative");
  REQUIRE(at.runner.execute(add{"b", 1}, with_id(refused)).error().error().code() == errc::command_id_reused);
  REQUIRE(at.rows() == 1);
  REQUIRE(*at.store.head() == position(1));
}
