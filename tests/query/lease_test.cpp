// SPDX-License-Identifier: BSL-1.0
// Several projectors of one name, as in several processes: the lease says which one works.
#include <cleave/query/stored_projector.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>
#include <cleave/testing/manual_clock.hpp>

#include "../attack/forked.hpp"
#include "../sqlite/scratch.hpp"
#include "small_read_store.hpp"
#include "ticks.hpp"

#include <catch2/catch.hpp>

#include <csignal>

using Catch::Contains;
using cleave::at_least;
using cleave::position;
using cleave::step;
using cleave::memory::event_store;
using cleave_test::tick;
using clockwork::sum;
using clockwork::ticked;

namespace {

constexpr std::int64_t lease_us = 1'000'000;

struct entries {
  using events = cleave::event_set<ticked>;
  using queries = cleave::query_set<sum>;
  static constexpr std::string_view name = "entries.v1";
  cleave::result<void> create(cleave::sqlite::database& db) {
    return db.run_script(
        "CREATE TABLE IF NOT EXISTS entry (position INTEGER PRIMARY KEY, amount INTEGER NOT NULL)");
  }
  cleave::result<void> on(ticked const& e, cleave::envelope const& at, cleave::sqlite::database& db) {
    auto const done = db.execute("INSERT INTO entry VALUES (?1, ?2)", at.position.value(), e.by);
    if (!done) return cleave::unexpected(done.error());
    return {};
  }
  cleave::result<std::int64_t> answer(sum const&, cleave::sqlite::database& db) const {
    auto const all = db.value<std::int64_t>("SELECT coalesce(sum(amount), 0) FROM entry");
    if (!all) return cleave::unexpected(all.error());
    return all->value_or(0);
  }
};

struct adder {
  using events = cleave::event_set<ticked>;
  static constexpr std::string_view name = "adder.v1";
  static void on(ticked const& e, cleave::envelope const&, cleave_test::small_read_store::session& in) {
    in.rows["sum"] += e.by;
  }
};

struct counted {
  std::map<std::string, int> seen;
  static void on_step(void* self, char const* step) { ++static_cast<counted*>(self)->seen[step]; }
};

template <class Store> struct machine {
  counted steps;
  cleave::stored_projector<entries, Store, cleave::sqlite::read_store> at;
  machine(Store& log, cleave::sqlite::read_store& rows, cleave::projector_options options)
      : at(log, rows, {}, (options.on_step = {&counted::on_step, &steps}, options)) {}
  int events() { return steps.seen["event"]; }
  int commits() { return steps.seen["committed"]; }
};

struct shop_floor {
  cleave::testing::manual_clock clock;
  cleave::test::scratch_folder folder;
  event_store log{};
  cleave::sqlite::read_store rows = cleave::sqlite::read_store::open({.path = folder.file("rows.db")})
                                        .value();
  cleave::projector_options options;
  shop_floor() {
    options.threads = false;
    options.batch = 2;
    options.retry_us = 0;
    options.lease_us = lease_us;
    options.clock = clock;
  }
};

template <class Projector> step run(Projector& at) {
  for (;;) {
    if (auto const last = at.step(); last != step::worked) return last;
  }
}

} // namespace

TEST_CASE("a projection runs where its lease is, and the others see how far it is") {
  shop_floor f;
  for (int i = 1; i <= 5; ++i) tick(f.log, i);
  machine one(f.log, f.rows, f.options);
  machine other(f.log, f.rows, f.options);
  REQUIRE(one.at.step() == step::worked);
  REQUIRE(other.at.step() == step::waiting);
  CHECK(other.at.reached() == position(2));
  CHECK(*other.at.answer(sum{}) == 3);
  CHECK(run(one.at) == step::idle);
  CHECK(run(other.at) == step::waiting);
  CHECK(other.at.reached() == position(5));
  CHECK(one.events() == 5);
  CHECK(other.events() == 0);
  CHECK(other.at.progress().status().failure == "");
}

TEST_CASE("a lease that has run out is taken over, and a batch of one who has lost it is refused") {
  shop_floor f;
  for (int i = 1; i <= 6; ++i) tick(f.log, i);
  machine one(f.log, f.rows, f.options);
  machine other(f.log, f.rows, f.options);
  REQUIRE(one.at.step() == step::worked);
  f.clock.advance_us(lease_us - 1);
  CHECK(other.at.step() == step::waiting);
  f.clock.advance_us(1);
  CHECK(other.at.step() == step::worked);
  CHECK(other.at.reached() == position(4));
  // The first one did not know: its batches are refused, whatever it believes.
  CHECK(run(one.at) == step::waiting);
  CHECK(one.events() == 2);
  CHECK(run(other.at) == step::idle);
  CHECK(other.events() == 4);
  CHECK(*other.at.answer(sum{}) == 21);
  // And so it stays when the checkpoint is where the first one left it.
  CHECK(one.at.step() == step::waiting);
  f.clock.advance_us(lease_us);
  CHECK(one.at.step() == step::worked); // takes it back
  tick(f.log, 7);
  CHECK(run(other.at) == step::waiting);
  CHECK(run(one.at) == step::idle);
  CHECK(*one.at.answer(sum{}) == 28);
}

TEST_CASE("who has lost the lease is refused even where nobody has moved the checkpoint since") {
  shop_floor f;
  for (int i = 1; i <= 4; ++i) tick(f.log, i);
  machine one(f.log, f.rows, f.options);
  REQUIRE(one.at.step() == step::worked);
  // Another holder, who has not applied anything yet.
  REQUIRE(
      f.rows.apply("entries.v1", position(2), [&](cleave::sqlite::database& db) -> cleave::result<position> {
        cleave::sqlite::leases leases(db, "entries.v1");
        auto lease = leases.find().value().value();
        ++lease.term;
        lease.until = cleave::timestamp(f.clock.now().microseconds() + lease_us);
        REQUIRE(leases.put(lease));
        return position(2);
      }));
  CHECK(one.at.step() == step::waiting);
  CHECK(*f.rows.checkpoint("entries.v1") == position(2));
  CHECK(*one.at.answer(sum{}) == 3);
}

TEST_CASE("a holder renews its lease in its batches, and while it is idle, when half of it is gone") {
  shop_floor f;
  tick(f.log, 1);
  machine one(f.log, f.rows, f.options);
  machine other(f.log, f.rows, f.options);
  CHECK(run(one.at) == step::idle);
  auto const until = [&] {
    std::int64_t at = 0;
    REQUIRE(f.rows.read([&](cleave::sqlite::database& db) -> cleave::result<void> {
      at = cleave::sqlite::leases(db, "entries.v1").find().value().value().until.microseconds();
      return {};
    }));
    return at;
  };
  auto const first = until();
  f.clock.advance_us(lease_us / 2);
  CHECK(one.at.step() == step::idle);
  CHECK(until() == first); // half of it is left
  f.clock.advance_us(1);
  CHECK(one.at.step() == step::idle);
  CHECK(until() == first + lease_us / 2 + 1);
  for (int i = 0; i < 20; ++i) {
    f.clock.advance_us(lease_us / 4);
    if (i % 3 == 0) tick(f.log, 1);
    run(one.at);
    CHECK(other.at.step() == step::waiting);
  }
  CHECK(other.events() == 0);
}

TEST_CASE("a projector that ends gives its lease up, but never that of its follower") {
  shop_floor f;
  for (int i = 1; i <= 4; ++i) tick(f.log, i);
  {
    machine one(f.log, f.rows, f.options);
    REQUIRE(one.at.step() == step::worked);
  }
  machine other(f.log, f.rows, f.options);
  {
    machine one(f.log, f.rows, f.options);
    CHECK(one.at.step() == step::worked);
    f.clock.advance_us(lease_us);
    CHECK(run(other.at) == step::idle);
    tick(f.log, 5);
  }
  machine third(f.log, f.rows, f.options);
  CHECK(third.at.step() == step::waiting);
  CHECK(run(other.at) == step::idle);
  CHECK(*other.at.answer(sum{}) == 15);
}

TEST_CASE("a dead letter of another's projection can be retried without the lease") {
  shop_floor f;
  f.options.on_failure = cleave::failure_policy::park;
  tick(f.log, 1);
  machine one(f.log, f.rows, f.options);
  REQUIRE(f.rows.apply("other.v1", position(), [](cleave::sqlite::database& db) -> cleave::result<position> {
    auto const made = db.run_script(
        "CREATE TABLE entry (position INTEGER PRIMARY KEY, amount INTEGER NOT NULL CHECK (amount < 9));"
        "INSERT INTO entry VALUES (3, 0)");
    if (!made) return cleave::unexpected(made.error());
    return position();
  }));
  tick(f.log, 2);
  tick(f.log, 3); // its place is taken
  CHECK(run(one.at) == step::idle);
  machine other(f.log, f.rows, f.options);
  CHECK(other.at.step() == step::waiting);
  REQUIRE(f.rows.apply("other.v1", position(), [](cleave::sqlite::database& db) -> cleave::result<position> {
    REQUIRE(db.execute("DELETE FROM entry WHERE amount = 0"));
    return position();
  }));
  auto const done = other.at.retry();
  REQUIRE(done);
  CHECK(done->applied == 1);
  CHECK(*one.at.answer(sum{}) == 6);
  tick(f.log, 4);
  CHECK(run(one.at) == step::idle);
  CHECK(*one.at.answer(sum{}) == 10);
}

TEST_CASE("a read store that keeps no leases stops a projector that is to have one") {
  shop_floor f;
  tick(f.log, 1);
  cleave_test::small_read_store rows;
  cleave::stored_projector<adder, event_store, cleave_test::small_read_store> at(f.log, rows, {}, f.options);
  CHECK(run(at) == step::failed);
  CHECK_THAT(at.progress().status().failure, Contains("keeps no leases"));
  CHECK(rows.committed_rows().empty());
}

TEST_CASE("another process takes over when the one that held the lease was killed, wherever it was") {
  constexpr int count = 12;
  for (char const* const where : {"read", "begun", "event", "applied", "committed"}) {
    INFO("killed at " << where);
    cleave::test::scratch_folder const folder;
    cleave::test::shared_memory<cleave::testing::manual_clock> clock;
    auto const open_log = [&] {
      return cleave::sqlite::event_store::open(
                 {.path = folder.file("log.db"), .durability = cleave::durability::relaxed})
          .value();
    };
    auto const open_rows = [&] {
      return cleave::sqlite::read_store::open({.path = folder.file("rows.db")}).value();
    };
    {
      auto log = open_log();
      for (int i = 1; i <= count; ++i) tick(log, i);
    }
    cleave::projector_options options;
    options.threads = false;
    options.batch = 2;
    options.lease_us = lease_us;
    options.clock = *clock;
    struct death {
      std::string_view where;
      int turns_left = 3;
      static void on_step(void* self, char const* step) {
        auto& me = *static_cast<death*>(self);
        if (me.where == step && --me.turns_left == 0) ::raise(SIGKILL);
      }
    };
    cleave::test::forked process([&] {
      death how{where};
      auto log = open_log();
      auto rows = open_rows();
      cleave::uuid_v7_source ids(1);
      options.ids = ids;
      options.on_step = {&death::on_step, &how};
      cleave::stored_projector<entries, cleave::sqlite::event_store, cleave::sqlite::read_store> at(
          log, rows, {}, options);
      run(at);
    });
    REQUIRE(process.wait() == cleave::test::forked::ending::killed);
    auto log = open_log();
    auto rows = open_rows();
    cleave::uuid_v7_source ids(2);
    options.ids = ids;
    cleave::stored_projector<entries, cleave::sqlite::event_store, cleave::sqlite::read_store> at(
        log, rows, {}, options);
    CHECK(at.step() == step::waiting);
    auto const left = at.reached().value();
    CHECK(left < count);
    CHECK(*at.answer(sum{}) == static_cast<std::int64_t>(left * (left + 1) / 2));
    clock->advance_us(lease_us - 1);
    CHECK(at.step() == step::waiting);
    clock->advance_us(1);
    CHECK(run(at) == step::idle);
    CHECK(at.reached() == position(count));
    CHECK(*at.answer(sum{}) == count * (count + 1) / 2);
  }
}
