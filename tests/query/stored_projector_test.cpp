// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/stored_projector.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "../command/temporary_folder.hpp"
#include "small_read_store.hpp"
#include "ticks.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using Catch::Contains;
using cleave::at_least;
using cleave::errc;
using cleave::position;
using cleave::step;
using cleave::memory::event_store;
using cleave_test::small_read_store;
using cleave_test::tick;
using cleave_test::tock;
using clockwork::sum;
using clockwork::ticked;

namespace {

// What the projections of these tests do wrong, and how often.
struct trouble_maker {
  int creations = 0;
  bool create_conflicts = false;
  int failures_left = 0; // of `on` at an event with 666
  bool throws = false;
  int on_calls = 0;
};
trouble_maker make;

struct ticks {
  using events = cleave::event_set<ticked>;
  using queries = cleave::query_set<sum>;
  using session = small_read_store::session;
  static constexpr std::string_view name = "ticks.v1";
  cleave::result<void> create(session& in) {
    ++make.creations;
    if (make.create_conflicts)
      return cleave::unexpected(cleave::error(errc::version_conflict, "another clock"));
    in.rows.try_emplace("sum", 0);
    return {};
  }
  cleave::result<void> on(ticked const& e, cleave::envelope const&, session& in) {
    ++make.on_calls;
    in.rows["sum"] += e.by;
    if (e.by == 666 && make.failures_left > 0) {
      --make.failures_left;
      if (make.throws) throw std::runtime_error("broken spring");
      return cleave::unexpected(cleave::error(errc::constraint_violated, "broken spring"));
    }
    return {};
  }
  std::int64_t answer(sum const&, session& in) const { return in.rows.at("sum"); }
};

struct strikes {
  using events = cleave::event_set<clockwork::struck>;
  using queries = cleave::query_set<sum>;
  using session = small_read_store::session;
  static constexpr std::string_view name = "strikes.v1";
  static void on(clockwork::struck const& e, cleave::envelope const&, session& in) { in.rows["sum"] += e.by; }
  static std::int64_t answer(sum const&, session& in) { return in.rows.at("sum"); }
};

struct watched_log {
  event_store inner{};
  position asked_after{};
  cleave::result<position> read_all(cleave::log_range range, auto&& sink) {
    asked_after = range.after;
    return inner.read_all(range, sink);
  }
};

using projector = cleave::stored_projector<ticks, event_store, small_read_store>;

cleave::projector_options stepped(std::uint64_t batch = 1000) {
  cleave::projector_options options;
  options.threads = false;
  options.batch = batch;
  options.attempts = 3;
  options.retry_us = 0;
  return options;
}

void run(projector& at) {
  while (at.step() == step::worked) {
  }
}

} // namespace

TEST_CASE("rows and checkpoint of a stored projection move together") {
  make = {};
  event_store log;
  small_read_store rows;
  for (int i = 1; i <= 5; ++i) tick(log, i);
  projector at(log, rows, {}, stepped(2));
  at.prepare();
  REQUIRE(make.creations == 1);
  REQUIRE(*at.answer(sum{}) == 0);
  REQUIRE(at.step() == step::worked);
  REQUIRE(*rows.checkpoint("ticks.v1") == position(2));
  REQUIRE(rows.committed_rows().at("sum") == 3);
  REQUIRE(at.reached() == position(2));
  run(at);
  REQUIRE(*rows.checkpoint("ticks.v1") == position(5));
  REQUIRE(*at.answer(sum{}) == 15);
  REQUIRE(at.step() == step::idle);
  REQUIRE(make.on_calls == 5);
}

TEST_CASE("a stored projection goes on from its checkpoint after a restart") {
  make = {};
  event_store log;
  small_read_store rows;
  tick(log, 1);
  {
    projector at(log, rows, {}, stepped());
    run(at);
  }
  tick(log, 2);
  projector at(log, rows, {}, stepped());
  at.prepare();
  REQUIRE(at.reached() == position(1));
  run(at);
  REQUIRE(*at.answer(sum{}) == 3);
  REQUIRE(make.on_calls == 2);
  REQUIRE(make.creations == 2); // tables are made sure of at every start
}

TEST_CASE("events of others are passed over without a transaction") {
  make = {};
  event_store log;
  small_read_store rows;
  tick(log);
  projector at(log, rows, {}, stepped());
  run(at);
  int const commits = rows.commits;
  for (int i = 0; i < 20; ++i) tock(log);
  run(at);
  REQUIRE(at.reached() == position(21));
  REQUIRE(rows.commits == commits);
  tick(log);
  run(at);
  REQUIRE(*rows.checkpoint("ticks.v1") == position(22));
  REQUIRE(*at.answer(sum{}) == 2);
}

TEST_CASE("what was passed over once is not read again") {
  make = {};
  watched_log log;
  small_read_store rows;
  for (int i = 0; i < 20; ++i) tock(log.inner);
  cleave::stored_projector<ticks, watched_log, small_read_store> at(log, rows, {}, stepped());
  REQUIRE(at.wait(at_least(position(20))));
  tick(log.inner);
  REQUIRE(at.wait(at_least(position(21))));
  REQUIRE(log.asked_after == position(20));
}

TEST_CASE("how far many events of others were passed over is stored now and then") {
  make = {};
  event_store log;
  small_read_store rows;
  for (int i = 0; i < 9'999; ++i) tock(log);
  projector at(log, rows, {}, stepped());
  run(at);
  REQUIRE(at.reached() == position(9'999));
  REQUIRE(*rows.checkpoint("ticks.v1") == position());
  tock(log);
  run(at);
  REQUIRE(*rows.checkpoint("ticks.v1") == position(10'000));
}

TEST_CASE("a stored projection is shown the old versions of what it follows, also where nothing else waits") {
  event_store log;
  small_read_store rows;
  cleave_test::append(log, "clock-1", clockwork::struck_v1{2});
  cleave::stored_projector<strikes, event_store, small_read_store> at(log, rows, {}, stepped());
  REQUIRE(at.wait(at_least(position(1))));
  REQUIRE(*at.answer(sum{}) == 200);
  cleave_test::append(log, "clock-1", clockwork::struck{5});
  REQUIRE(at.wait(at_least(position(2))));
  REQUIRE(*at.answer(sum{}) == 205);
}

TEST_CASE("after a failing event the projection soon takes whole batches again") {
  make = {};
  make.failures_left = 1;
  event_store log;
  small_read_store rows;
  tick(log, 666);
  for (int i = 0; i < 40; ++i) tick(log);
  projector at(log, rows, {}, stepped(4));
  run(at);
  REQUIRE(at.reached() == position(41));
  REQUIRE(rows.commits == 1 + 1 + 10); // the tables; the event that had failed, by itself; batches of four
}

TEST_CASE("a failing event leaves no row, is tried again, and then stops the projection") {
  for (bool const throws : {false, true}) {
    make = {};
    make.throws = throws;
    make.failures_left = 1000;
    event_store log;
    small_read_store rows;
    tick(log, 1);
    tick(log, 666);
    tick(log, 2);
    projector at(log, rows, {}, stepped());
    run(at);
    REQUIRE(at.step() == step::failed);
    // Everything before the failing event is applied, nothing of it and behind it.
    REQUIRE(*rows.checkpoint("ticks.v1") == position(1));
    REQUIRE(rows.committed_rows().at("sum") == 1);
    auto const status = at.progress().status();
    REQUIRE(status.checkpoint == position(1));
    REQUIRE_THAT(status.failure, Contains("projection ticks.v1 cannot apply event ticked.v1 at position 2") &&
                                     Contains("broken spring"));
    REQUIRE(at.wait(at_least(position(2))).error().code() == errc::stale);
    REQUIRE(at.wait(at_least(position(1))));
    REQUIRE(*at.answer(sum{}) == 1); // rows are never half-way, so they still answer
    // One try with the batch, then three of the event alone.
    REQUIRE(make.failures_left == 1000 - 4);
  }
}

TEST_CASE("an event that fails for a while is applied once when it no longer does") {
  make = {};
  make.failures_left = 2;
  event_store log;
  small_read_store rows;
  tick(log, 1);
  tick(log, 666);
  tick(log, 2);
  projector at(log, rows, {}, stepped());
  run(at);
  REQUIRE_FALSE(at.progress().failed());
  REQUIRE(*at.answer(sum{}) == 669);
  REQUIRE(*rows.checkpoint("ticks.v1") == position(3));
}

TEST_CASE("each event has all its attempts, whatever failed before it") {
  make = {};
  event_store log;
  small_read_store rows;
  projector at(log, rows, {}, stepped());
  for (int const failures : {3, 2, 2}) { // the first of the three once in a batch
    make.failures_left = failures;
    tick(log, 666);
    run(at);
  }
  REQUIRE_FALSE(at.progress().failed());
  REQUIRE(*at.answer(sum{}) == 3 * 666);
}

TEST_CASE("trouble of the read store is tried again and then told") {
  make = {};
  event_store log;
  small_read_store rows;
  tick(log);
  projector at(log, rows, {}, stepped());
  rows.trouble = cleave::error(errc::disk_full, "no room");
  REQUIRE(at.step() == step::worked);
  REQUIRE(at.answer(sum{}).error().code() == errc::disk_full);
  rows.trouble.reset();
  run(at);
  REQUIRE(*at.answer(sum{}) == 1);

  tick(log);
  rows.trouble = cleave::error(errc::disk_full, "no room");
  run(at);
  REQUIRE(at.progress().failed());
  REQUIRE_THAT(at.progress().status().failure, Contains("disk_full: no room"));
}

TEST_CASE("two projectors of one name share the work and apply each event once") {
  make = {};
  event_store log;
  small_read_store rows;
  for (int i = 0; i < 6; ++i) tick(log);
  projector one(log, rows, {}, stepped(2));
  projector other(log, rows, {}, stepped(2));
  one.prepare();
  other.prepare();
  REQUIRE(one.step() == step::worked);   // to 2
  REQUIRE(other.step() == step::worked); // finds that it was overtaken, and looks again
  REQUIRE(rows.committed_rows().at("sum") == 2);
  REQUIRE(other.step() == step::worked); // to 4
  run(one);
  run(other);
  REQUIRE(one.reached() == position(6));
  REQUIRE(other.reached() == position(6));
  REQUIRE(rows.committed_rows().at("sum") == 6);
  REQUIRE_FALSE(one.progress().failed());
}

TEST_CASE("a conflict that no other projector made is tried again a bounded number of times and then told") {
  make = {};
  make.create_conflicts = true;
  event_store log;
  small_read_store rows;
  tick(log);
  projector at(log, rows, {}, stepped());
  for (int i = 0; i < 100 && at.step() == step::worked; ++i) {
  }
  REQUIRE(at.step() == step::failed);
  REQUIRE(make.creations == 4); // one race believed, three tries
  REQUIRE_THAT(at.progress().status().failure, Contains("version_conflict: another clock"));
  REQUIRE(*rows.checkpoint("ticks.v1") == position());
}

TEST_CASE("a projector that loses many races in a row does not fail") {
  make = {};
  event_store log;
  small_read_store rows;
  for (int i = 0; i < 40; ++i) tick(log);
  rows.races = 39;
  projector at(log, rows, {}, stepped());
  run(at);
  REQUIRE_FALSE(at.progress().failed());
  REQUIRE(rows.races == 0);
  REQUIRE(at.reached() == position(40));
  REQUIRE(make.on_calls == 1); // the others have applied the rest
}

TEST_CASE("many that step one stored projector at once apply each event once") {
  make = {};
  event_store log;
  small_read_store rows;
  constexpr std::uint64_t count = 500;
  for (std::uint64_t i = 0; i < count; ++i) tick(log);
  projector at(log, rows, {}, stepped(3));
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { static_cast<void>(at.wait(at_least(position(count)))); });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(rows.committed_rows().at("sum") == static_cast<std::int64_t>(count));
  REQUIRE(make.on_calls == static_cast<int>(count));
}

namespace {

struct table_of_ticks {
  using events = cleave::event_set<ticked>;
  using queries = cleave::query_set<sum>;
  static constexpr std::string_view name = "table-of-ticks.v1";
  cleave::result<void> create(cleave::sqlite::database& db) {
    return db.run_script(
        "CREATE TABLE IF NOT EXISTS tick(position INTEGER PRIMARY KEY, amount INTEGER NOT NULL CHECK(amount < 600))");
  }
  cleave::result<void> on(ticked const& e, cleave::envelope const& at, cleave::sqlite::database& db) {
    auto done = db.execute("INSERT INTO tick VALUES(?1, ?2)", at.position.value(), e.by);
    if (!done) return cleave::unexpected(std::move(done).error());
    return {};
  }
  cleave::result<std::int64_t> answer(sum const&, cleave::sqlite::database& db) const {
    auto all = db.value<std::int64_t>("SELECT coalesce(sum(amount), 0) FROM tick");
    if (!all) return cleave::unexpected(std::move(all).error());
    return all->value_or(0);
  }
};

} // namespace

TEST_CASE("a stored projection on SQLite keeps rows and checkpoint over a restart and through failures") {
  cleave_test::temporary_folder folder;
  {
    auto log = cleave::sqlite::event_store::open({.path = folder.file("log.db")}).value();
    auto rows = cleave::sqlite::read_store::open({.path = folder.file("rows.db")}).value();
    tick(log, 1);
    tick(log, 2);
    cleave::stored_projector<table_of_ticks, cleave::sqlite::event_store, cleave::sqlite::read_store> at(
        log, rows, {}, stepped());
    REQUIRE(at.wait(at_least(position(2))));
    REQUIRE(*at.answer(sum{}) == 3);
    tick(log, 666); // a rule of the table refuses it
    tick(log, 4);
    REQUIRE(at.wait(at_least(position(4))).error().code() == errc::stale);
    REQUIRE_THAT(at.progress().status().failure, Contains("position 3") && Contains("CHECK"));
    REQUIRE(*at.answer(sum{}) == 3);
  }
  auto log = cleave::sqlite::event_store::open({.path = folder.file("log.db")}).value();
  auto rows = cleave::sqlite::read_store::open({.path = folder.file("rows.db")}).value();
  REQUIRE(*rows.checkpoint("table-of-ticks.v1") == position(2));
  cleave::stored_projector<table_of_ticks, cleave::sqlite::event_store, cleave::sqlite::read_store> at(
      log, rows, {}, stepped());
  at.prepare();
  REQUIRE(at.reached() == position(2));
  REQUIRE(*at.answer(sum{}) == 3);
}

// Who waits looks at the position again, and a query reads what is committed: what would go wrong is the answer that is asked for by
// somebody who was woken too early. So the order itself is looked at.
TEST_CASE("a position is told to those who wait for it behind the commit that reaches it, never before") {
  struct course {
    std::vector<std::string> seen;
    static void on_step(void* self, char const* step) { static_cast<course*>(self)->seen.emplace_back(step); }
    static void told(void* self, position) noexcept { static_cast<course*>(self)->seen.emplace_back("told"); }
  } course;
  make = {};
  event_store log;
  small_read_store rows;
  auto options = stepped();
  options.least_batch = options.batch = 2;
  options.on_step = {&course::on_step, &course};
  cleave::stored_projector<ticks, event_store, small_read_store> at(log, rows, {}, options);
  auto const hearing = at.progress().advances().on_commit(&course, &course::told);
  for (int i = 0; i < 5; ++i) tick(log);
  while (at.step() == step::worked) {
  }
  REQUIRE(at.reached() == position(5));
  int told = 0;
  for (std::size_t i = 0; i < course.seen.size(); ++i) {
    if (course.seen[i] != "told") continue;
    ++told;
    REQUIRE(i != 0);
    REQUIRE(course.seen[i - 1] == "committed");
  }
  REQUIRE(told == 3);
}
