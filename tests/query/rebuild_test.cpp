// SPDX-License-Identifier: BSL-1.0
#include <cleave/cleave.hpp>
#include <cleave/memory/query_cache.hpp>
#include <cleave/query/live_query.hpp>
#include <cleave/query/rebuildable_projector.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>
#include <cleave/testing/manual_clock.hpp>

#include "../attack/forked.hpp"
#include "../sqlite/scratch.hpp"
#include "ticks.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

using Catch::Contains;
using cleave::at_least;
using cleave::errc;
using cleave::position;
using cleave::rebuild_stage;
using cleave::rows_compared;
using cleave::step;
using cleave_test::tick;
using cleave_test::tock;
using clockwork::ticked;
using sqlite_database = cleave::sqlite::database;

namespace tallying {

struct sum {
  using result_type = std::int64_t;
};
BOOST_DESCRIBE_STRUCT(sum, (), ())

} // namespace tallying

namespace {

using tallying::sum;

// What the second version does otherwise; the first one stops at 666.
struct {
  std::int64_t factor = 1;
  bool stops = false;
  std::atomic<int> handled = 0;
} second;

// The second version follows more than the first.
template <int V> struct followed_by {
  using events = cleave::event_set<ticked>;
};
template <> struct followed_by<2> {
  using events = cleave::event_set<ticked, clockwork::struck>;
};

template <int V> struct tally {
  using events = typename followed_by<V>::events;
  using queries = cleave::query_set<sum>;
  static constexpr std::string_view name = V == 1 ? "tally.v1" : "tally.v2";
  static constexpr std::array<std::string_view, 1> tables = {V == 1 ? "tally_1" : "tally_2"};

  static std::string sql(std::string_view text) { return cleave::format_text("{} tally_{}", text, V); }
  static cleave::result<void> create(sqlite_database& db) {
    return db.run_script(sql("CREATE TABLE IF NOT EXISTS") + "(at INTEGER PRIMARY KEY, amount INTEGER)");
  }
  static cleave::result<void> on(ticked const& e, cleave::envelope const& at, sqlite_database& db) {
    if (V == 2) ++second.handled;
    if (V == 1 ? e.by == 666 : second.stops)
      return cleave::unexpected(cleave::error(errc::invalid_argument, "no"));
    auto const done = db.execute(sql("INSERT INTO") + " VALUES (?1, ?2)", at.position.value(),
                                 V == 2 ? e.by * second.factor : e.by);
    if (!done) return cleave::unexpected(done.error());
    return {};
  }
  static cleave::result<void> on(clockwork::struck const& e, cleave::envelope const& at,
                                 sqlite_database& db) {
    return on(ticked{e.by}, at, db);
  }
  static cleave::result<std::int64_t> answer(sum const&, sqlite_database& db) {
    auto all = db.value<std::int64_t>(sql("SELECT coalesce(sum(amount), 0) FROM"));
    if (!all) return cleave::unexpected(std::move(all).error());
    return all->value_or(0);
  }
};

using log_type = cleave::memory::event_store;
using rows_type = cleave::sqlite::read_store;
using projector = cleave::rebuildable_projector<tally<1>, tally<2>, log_type, rows_type>;

// What other processes do at the worst moment: right before a transaction, or a snapshot.
struct raced_rows : rows_type {
  std::function<void()> before_apply;
  std::function<void()> before_read;

  explicit raced_rows(rows_type rows) : rows_type(std::move(rows)) {}
  cleave::result<void> apply(std::string_view projection, position from,
                             cleave::detail::fill_function<session> fill) {
    if (auto race = std::exchange(before_apply, {})) race();
    return rows_type::apply(projection, from, fill);
  }
  cleave::result<void> read(cleave::detail::ask_function<session> ask) {
    if (auto race = std::exchange(before_read, {})) race();
    return rows_type::read(ask);
  }
};
using raced_projector = cleave::rebuildable_projector<tally<1>, tally<2>, log_type, raced_rows>;

cleave::projector_options stepped() {
  cleave::projector_options options;
  options.threads = false;
  options.least_batch = 4;
  options.batch = 4;
  options.retry_us = 0;
  return options;
}

struct world {
  cleave::test::scratch_folder folder{cleave::test::memory_folder()};
  log_type log;
  rows_type rows = cleave::sqlite::read_store::open({.path = folder.file("rows.db")}).value();
  std::optional<projector> at;

  explicit world(int ticks) {
    second.factor = 1;
    second.stops = false;
    second.handled = 0;
    for (int i = 1; i <= ticks; ++i) tick(log, i);
    restart();
  }
  void restart(cleave::projector_options const& options = stepped(),
               cleave::rebuild_options const& rebuild = {}) {
    at.reset();
    at.emplace(log, rows, options, rebuild);
    at->prepare();
  }
  void run() {
    while (at->step() == step::worked) {
    }
  }
  std::int64_t ask() { return at->answer(sum{}).value(); }
  std::int64_t number(std::string_view sql) {
    std::int64_t found = 0;
    REQUIRE(rows.read([&](sqlite_database& db) -> cleave::result<void> {
      found = db.value<std::int64_t>(sql).value().value();
      return {};
    }));
    return found;
  }
  std::int64_t tables() { return number("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'tally%'"); }
};

cleave::projector_options in_large_batches() {
  auto options = stepped();
  options.least_batch = options.batch = 1'000;
  return options;
}

} // namespace

TEST_CASE("a version is built beside the live one, compared, switched to, rolled back to and dropped") {
  world in(20);
  in.run();
  CHECK(in.ask() == 210);
  CHECK(in.at->status().stage == rebuild_stage::none);
  CHECK(in.at->compare().error().code() == errc::not_found);
  CHECK(in.at->switch_over().error().code() == errc::not_found);
  CHECK(in.at->drop().error().code() == errc::not_found);

  REQUIRE(in.at->begin());
  CHECK(in.at->begin().error().code() == errc::already_exists);
  CHECK(in.at->step() == step::worked);
  auto now = in.at->status();
  CHECK(now.stage == rebuild_stage::building);
  CHECK(now.active == "tally.v1");
  CHECK(now.beside == "tally.v2");
  CHECK(now.events_done == 4);
  CHECK(now.events_total == 20);
  in.run();
  CHECK(in.at->status().stage == rebuild_stage::ready);
  CHECK(in.at->status().left_us == 0);
  tick(in.log, 1000); // neither knows it yet
  auto const compared = in.at->compare();
  REQUIRE(compared);
  CHECK(compared->rows == rows_compared::same);
  CHECK(compared->position == position(20));
  CHECK(compared->detail.empty());
  CHECK(in.at->roll_back().error().code() == errc::not_found);

  REQUIRE(in.at->switch_over());
  CHECK(in.at->status().stage == rebuild_stage::switched);
  CHECK(in.at->status().active == "tally.v2");
  CHECK(in.at->switch_over().error().code() == errc::already_exists);
  in.run(); // both follow the log
  CHECK(in.ask() == 1210);
  REQUIRE(in.at->roll_back());
  CHECK(in.at->status().active == "tally.v1");
  CHECK(in.at->status().stage == rebuild_stage::ready);
  CHECK(in.ask() == 1210);
  REQUIRE(in.at->switch_over());
  REQUIRE(in.at->drop());
  CHECK(in.at->status().stage == rebuild_stage::none);
  CHECK(in.tables() == 1);
  CHECK(*in.rows.checkpoint("tally.v1") == position());

  // And round again, under the old name.
  REQUIRE(in.at->begin());
  CHECK(in.at->status().beside == "tally.v1");
  in.run();
  CHECK(in.at->compare()->rows == rows_compared::same);
  REQUIRE(in.at->switch_over());
  CHECK(in.at->status().active == "tally.v1");
  tick(in.log, 5);
  in.run();
  CHECK(in.ask() == 1215);
}

TEST_CASE("a rebuild, a switch and what it is about outlast a restart") {
  world in(20);
  in.run();
  REQUIRE(in.at->begin());
  CHECK(in.at->step() == step::worked);
  CHECK(in.at->step() == step::worked);
  in.restart();
  CHECK(in.at->status().stage == rebuild_stage::building);
  in.run();
  CHECK(second.handled == 20); // it went on from its checkpoint
  CHECK(in.at->status().stage == rebuild_stage::ready);
  second.factor = 2;
  tick(in.log, 1);
  in.run();
  REQUIRE(in.at->switch_over());
  in.restart();
  CHECK(in.at->reached() == position(21));
  CHECK(in.ask() == 212);
  in.run();
  REQUIRE(in.at->roll_back());
  in.restart();
  CHECK(in.ask() == 211);
}

TEST_CASE("a rebuild takes no more events a second than it may, the live version as many as there are") {
  world in(400);
  cleave::testing::manual_clock clock;
  auto options = stepped();
  options.clock = clock;
  in.restart(options, {.events_per_second = 50});
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  CHECK(second.handled <= 10);
  for (int second_passed = 1; second_passed <= 6; ++second_passed) {
    for (int i = 0; i < 20; ++i) {
      clock.advance_us(50'000);
      in.run();
    }
    CHECK(second.handled <= 50 * second_passed + 10);
    CHECK(second.handled >= 50 * second_passed - 10);
  }
  auto const now = in.at->status();
  CHECK(now.events_done == static_cast<std::uint64_t>(second.handled));
  CHECK(now.events_per_second >= 45);
  CHECK(now.events_per_second <= 55);
  REQUIRE(now.left_us);
  CHECK(*now.left_us >= 1'500'000);
  CHECK(*now.left_us <= 2'500'000);
  // A clock that is set back neither stops it nor lets it run.
  clock.advance_us(-3'600'000'000);
  for (int i = 0; i < 60; ++i) {
    clock.advance_us(50'000);
    in.run();
  }
  CHECK(in.at->status().stage == rebuild_stage::ready);
  tick(in.log, 1);
  tick(in.log, 1);
  int const before = second.handled;
  in.run();
  CHECK(second.handled == before + 2); // it follows the log
}

TEST_CASE("nothing is switched to that is behind what was shown") {
  world in(600);
  in.run();
  REQUIRE(in.at->begin());
  CHECK(in.at->step() == step::worked);
  auto const refused = in.at->switch_over();
  CHECK(refused.error().code() == errc::stale);
  CHECK_THAT(refused.error().message(), Contains("tally.v2") && Contains("600"));
  CHECK(in.at->status().active == "tally.v1");
  in.run();
  for (int i = 0; i < 10; ++i) tick(in.log);
  // The live version shows them, the other one does not know them yet.
  REQUIRE(in.at->wait(at_least(position(610))));
  auto const shown = in.ask();
  REQUIRE(in.at->switch_over());
  CHECK(in.ask() == shown);
}

TEST_CASE("rows that differ are found, whichever way") {
  world in(20);
  in.run();
  second.factor = 2;
  REQUIRE(in.at->begin());
  in.run();
  auto const compared = in.at->compare();
  REQUIRE(compared);
  CHECK(compared->rows == rows_compared::different);
  CHECK(compared->detail == "tally_1 with 20 rows and tally_2 with 20 differ");
}

TEST_CASE("a digest of rows does not mind their order, and sees each value and its type") {
  cleave::test::scratch_folder const folder(cleave::test::memory_folder());
  auto rows = cleave::sqlite::read_store::open({.path = folder.file("rows.db")}).value();
  auto const digest = [&](std::string const& values) {
    cleave::table_digest out;
    auto const done = rows.apply("x.v1", position(), [&](sqlite_database& db) -> cleave::result<position> {
      REQUIRE(db.run_script("DROP TABLE IF EXISTS \"a \"\"t\"; CREATE TABLE \"a \"\"t\"(a, b)"));
      REQUIRE(db.run_script("INSERT INTO \"a \"\"t\" VALUES " + values));
      out = cleave::sqlite::versions(db, "x").digest("a \"t").value();
      return position();
    });
    REQUIRE(done);
    CHECK(out.columns == std::vector<std::string>{"a", "b"});
    return out.rows;
  };
  auto const two = digest("(1, 'x'), (2, NULL)");
  CHECK(two.rows == 2);
  CHECK(digest("(2, NULL), (1, 'x')") == two);
  for (std::string const other :
       {"(1, 'x'), (2, '')", "(1, 'x'), (2, 0)", "('1', 'x'), (2, NULL)", "(1.0, 'x'), (2, NULL)",
        "(1, x'78'), (2, NULL)", "(2, 'x'), (1, NULL)", "('x', 1), (NULL, 2)", "(1, 'x')",
        "(1, 'x'), (2, NULL), (2, NULL)", "(1, 'x'), (1, 'x')"}) {
    INFO(other);
    CHECK_FALSE(digest(other) == two);
  }
}

TEST_CASE(
    "a kept answer of the old version is gone with the switch, and events of the new one touch what is kept") {
  world in(4);
  cleave::memory::query_cache cache;
  cleave::application_options options;
  options.projector = stepped();
  in.at.reset();
  cleave::application app{in.log, cleave::rebuildable_projection<tally<1>, tally<2>>(in.rows),
                          cleave::cached_queries<sum>(cache), options};
  auto& versions = app.projector<tally<1>>();
  auto const ask = [&] { return app.query(sum{}, at_least(*in.log.head())).value(); };
  CHECK(ask() == 10);
  second.factor = 3;
  REQUIRE(versions.begin());
  while (app.step() == step::worked) {
  }
  CHECK(ask() == 10);
  CHECK(cache.stats().misses == 1); // what is applied beside touches nothing
  REQUIRE(versions.switch_over());
  CHECK(app.query(sum{}).value() == 30);
  CHECK(cache.stats().misses == 2);
  tick(in.log, 1);
  CHECK(ask() == 33);
  CHECK(ask() == 33);
  CHECK(cache.stats().misses == 3);
  REQUIRE(versions.roll_back());
  CHECK(ask() == 11);
  CHECK(app.projections().at(0).name == "tally");
}

TEST_CASE(
    "a process that was told nothing follows a switch with its next query, and does not go back behind what it has shown") {
  world in(20);
  in.run();
  projector other(in.log, in.rows, stepped(), {});
  other.prepare();
  second.factor = 2;
  REQUIRE(in.at->begin());
  in.run();
  tock(in.log);
  tock(in.log);
  REQUIRE(other.wait(at_least(position(22)))); // past what any version has stored
  REQUIRE(in.at->switch_over());
  CHECK(other.answer(sum{}).value() == 420);
  CHECK(other.reached() == position(22));
  CHECK(other.status().active == "tally.v2");
  tick(in.log, 1);
  REQUIRE(other.wait(at_least(position(23))));
  CHECK(other.answer(sum{}).value() == 422);
  // This one has not seen that event yet; the other process has shown it.
  REQUIRE(in.at->roll_back());
  CHECK(in.ask() == 211);
  CHECK(other.answer(sum{}).value() == 211);
}

TEST_CASE("who still has a build that another process has dropped adds nothing to the next one") {
  world in(20);
  in.run();
  REQUIRE(in.at->begin());
  projector other(in.log, in.rows, stepped(), {});
  other.prepare();
  REQUIRE(other.step() == step::worked);
  while (other.step() == step::worked) {
  }
  REQUIRE(in.at->drop());
  CHECK(in.tables() == 1);
  REQUIRE(in.at->begin());
  tick(in.log, 1);
  CHECK(in.at->step() == step::worked);
  while (other.step() == step::worked) {
  }
  in.run();
  CHECK(in.at->compare()->rows == rows_compared::same);
  REQUIRE(other.switch_over());
  CHECK(in.ask() == 211);
  REQUIRE(other.drop());
  REQUIRE(other.begin());
  in.run();
  CHECK(in.at->compare()->rows == rows_compared::same);
  CHECK(in.ask() == 211);
}

TEST_CASE("a switch that another process overtakes with the old version waits for what that one has shown") {
  world in(20);
  raced_rows rows(cleave::sqlite::read_store::open({.path = in.folder.file("rows.db")}).value());
  raced_projector at(in.log, rows, stepped(), {});
  at.prepare();
  REQUIRE(at.begin());
  while (at.step() == step::worked) {
  }
  rows.before_apply = [&] {
    tick(in.log, 1000);
    REQUIRE(in.at->wait(at_least(position(21)))); // the old version alone
    CHECK(in.ask() == 1210);
  };
  REQUIRE(at.switch_over());
  CHECK(at.answer(sum{}).value() == 1210);
}

TEST_CASE("a rebuild that another process begins first is not begun again over it") {
  world in(20);
  in.run();
  raced_rows rows(cleave::sqlite::read_store::open({.path = in.folder.file("rows.db")}).value());
  raced_projector at(in.log, rows, stepped(), {});
  at.prepare();
  while (at.step() == step::worked) {
  }
  rows.before_apply = [&] {
    REQUIRE(in.at->begin());
    in.run();
  };
  second.handled = 0;
  CHECK(at.begin().error().code() == errc::version_conflict);
  in.run();
  CHECK(second.handled == 20);
  CHECK(in.at->compare()->rows == rows_compared::same);
}

TEST_CASE("a comparison that another process overtakes is made again") {
  world in(20);
  raced_rows rows(cleave::sqlite::read_store::open({.path = in.folder.file("rows.db")}).value());
  raced_projector at(in.log, rows, stepped(), {});
  at.prepare();
  REQUIRE(at.begin());
  while (at.step() == step::worked) {
  }
  // The first read is of the row, the second one the snapshot.
  rows.before_read = [&] {
    rows.before_read = [&] {
      tick(in.log, 1000);
      REQUIRE(in.at->wait(at_least(position(21)))); // the old version alone
    };
  };
  auto const compared = at.compare();
  REQUIRE(compared);
  CHECK(compared->rows == rows_compared::same);
  CHECK(compared->position == position(21));
}

TEST_CASE("versions are compared at one position, also when the one beside is further") {
  world in(20);
  std::uint64_t commits = 0;
  struct hook {
    log_type& log;
    std::uint64_t& commits;
    static void on_step(void* self, char const* step) {
      auto& me = *static_cast<hook*>(self);
      if (step == std::string_view("committed") && ++me.commits == 1) tick(me.log, 1000);
    }
  } one_more{in.log, commits};
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  commits = 0;
  auto options = stepped();
  options.on_step = {&hook::on_step, &one_more};
  in.restart(options);
  tick(in.log, 5);
  CHECK(in.at->step() == step::worked); // 21 for the live version, then 22 too for the other one
  CHECK(in.at->reached() == position(21));
  CHECK(in.at->status().events_done == 22);
  auto const compared = in.at->compare();
  REQUIRE(compared);
  CHECK(compared->rows == rows_compared::same);
  CHECK(compared->position == position(22));
}

TEST_CASE(
    "a version that follows more has applied what was shown before it answers, in other processes too") {
  world in(20);
  in.run();
  projector other(in.log, in.rows, stepped(), {});
  other.prepare();
  REQUIRE(in.at->begin());
  in.run();
  cleave_test::append(in.log, "clock-1", clockwork::struck{5000});
  REQUIRE(other.wait(at_least(position(21)))); // nothing to the first version
  CHECK(other.answer(sum{}).value() == 210);
  REQUIRE(in.at->switch_over()); // by one who has shown 20
  CHECK(other.answer(sum{}).value() == 5210);
}

TEST_CASE("who stands by for a lease follows a switch back past events that were only passed over") {
  world in(20);
  cleave::testing::manual_clock clock;
  auto options = stepped();
  options.clock = clock;
  options.lease_us = 10'000'000;
  in.restart(options);
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  REQUIRE(in.at->switch_over());
  cleave_test::append(in.log, "clock-1", clockwork::struck{5000});
  in.run();
  projector other(in.log, in.rows, options, {});
  other.prepare();
  CHECK(other.step() == step::waiting);
  CHECK(other.reached() == position(21));
  CHECK(other.answer(sum{}).value() == 5210);
  REQUIRE(in.at->roll_back());
  auto const answer = other.answer(sum{});
  REQUIRE(answer);
  CHECK(*answer == 210);
}

TEST_CASE("a transaction of a build that was dropped right before it writes nothing") {
  world in(20);
  in.run();
  REQUIRE(in.at->begin());
  raced_rows rows(cleave::sqlite::read_store::open({.path = in.folder.file("rows.db")}).value());
  raced_projector stale(in.log, rows, stepped(), {});
  stale.prepare();
  REQUIRE(stale.step() == step::worked);
  for (int i = 0; i < 3; ++i) {
    rows.before_apply = [&] {
      REQUIRE(in.at->drop());
      REQUIRE(in.at->begin());
      second.handled = 0;
    };
    static_cast<void>(stale.step());
    CHECK(second.handled == 0);
  }
  in.run();
  CHECK(in.at->compare()->rows == rows_compared::same);
}

TEST_CASE("what was left under the name of a new build is gone before it begins") {
  world in(20);
  in.run();
  second.factor = 7;
  {
    cleave::stored_projector<tally<2>, log_type, rows_type> former(in.log, in.rows, {}, stepped());
    REQUIRE(former.step() == step::worked);
  }
  second.factor = 1;
  REQUIRE(in.at->begin());
  in.run();
  CHECK(in.at->compare()->rows == rows_compared::same);
}

TEST_CASE("a version takes the place of one that has stopped, forward and back") {
  world in(3);
  tick(in.log, 666);
  in.run();
  CHECK(in.at->progress().failed());
  CHECK(in.at->wait(at_least(position(4))).error().code() == errc::stale);
  REQUIRE(in.at->begin());
  in.run();
  REQUIRE(in.at->switch_over());
  CHECK_FALSE(in.at->progress().failed());
  REQUIRE(in.at->wait(at_least(position(4))));
  CHECK(in.ask() == 672);
  CHECK_THAT(in.at->status().failure, Contains("tally.v1") && Contains("position 4"));
  CHECK(in.at->roll_back().error().code() == errc::stale); // it is behind what was shown
  CHECK(in.ask() == 672);
  REQUIRE(in.at->drop());

  world back(3);
  back.run();
  REQUIRE(back.at->begin());
  back.run();
  REQUIRE(back.at->switch_over());
  second.stops = true;
  tick(back.log, 10);
  back.run();
  CHECK(back.at->progress().failed());
  CHECK(back.ask() == 6);
  REQUIRE(back.at->roll_back());
  REQUIRE(back.at->wait(at_least(position(4))));
  CHECK(back.ask() == 16);
}

TEST_CASE("a version that this program does not know is told, and not answered for") {
  world in(3);
  in.run();
  REQUIRE(in.rows.apply("tally", position(), [](sqlite_database& db) -> cleave::result<position> {
    REQUIRE(cleave::sqlite::versions(db, "tally").put({.active = "tally.v9", .beside = {}}));
    return position();
  }));
  CHECK(in.at->answer(sum{}).error().code() == errc::unsupported);
  CHECK_THAT(in.at->begin().error().message(), Contains("tally.v9"));
}

TEST_CASE("queries of many threads neither fail nor go backwards while versions change places under them") {
  world in(0);
  in.at.reset();
  auto log = cleave::sqlite::event_store::open(
                 {.path = in.folder.file("log.db"), .durability = cleave::durability::relaxed})
                 .value();
  auto rows = cleave::sqlite::read_store::of(log).value();
  cleave::application app{log, cleave::rebuildable_projection<tally<1>, tally<2>>(rows)};
  auto& versions = app.projector<tally<1>>();
  std::atomic<bool> ended = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      std::int64_t last = 0;
      while (!ended) {
        auto const head = log.head();
        auto const answer = app.query(sum{}, at_least(*head, std::chrono::seconds(20)));
        // Position and sum are one number here.
        if (!answer || *answer < last || *answer < static_cast<std::int64_t>(head->value())) ++wrong;
        else last = *answer;
      }
    });
  }
  threads.emplace_back([&] {
    while (!ended) tick(log);
  });
  for (int round = 0; round < 5; ++round) {
    REQUIRE(versions.begin());
    while (versions.status().stage == rebuild_stage::building) std::this_thread::yield();
    auto const compared = versions.compare();
    CHECK((compared && compared->rows == rows_compared::same));
    for (auto const& changed :
         {versions.switch_over(), versions.roll_back(), versions.switch_over(), versions.drop()}) {
      CHECK(changed);
      if (!changed) WARN(changed.error().message());
    }
  }
  ended = true;
  for (auto& thread : threads) thread.join();
  CHECK(wrong == 0);
}

TEST_CASE("a process that holds no lease compares, switches and rolls back, and the one that does goes on") {
  world in(20);
  cleave::testing::manual_clock clock;
  auto options = stepped();
  options.clock = clock;
  options.lease_us = 10'000'000;
  in.restart(options);
  in.run();
  projector other(in.log, in.rows, options, {});
  other.prepare();
  REQUIRE(other.begin());
  in.run();
  CHECK(other.step() == step::waiting);
  CHECK(other.status().stage == rebuild_stage::ready);
  // Events that the holder has not seen yet: one for both, one for the second version, one for nobody.
  tick(in.log, 1000);
  cleave_test::append(in.log, "clock-1", clockwork::struck{5000});
  tock(in.log);
  auto const compared = other.compare();
  REQUIRE(compared);
  CHECK(compared->rows == rows_compared::same);
  REQUIRE(other.switch_over());
  CHECK(other.answer(sum{}).value() >= 210);
  CHECK(other.step() == step::waiting); // it has no lease now either
  in.run();
  CHECK(in.at->status().active == "tally.v2");
  CHECK(in.ask() == 6210);
  CHECK(other.answer(sum{}).value() == 6210);
  CHECK(in.at->progress().status().failure == "");
  REQUIRE(other.roll_back());
  CHECK(other.answer(sum{}).value() == 1210);
  CHECK(in.ask() == 1210);
  tick(in.log, 7);
  in.run();
  CHECK(in.ask() == 1217);
  REQUIRE(other.switch_over());
  REQUIRE(other.drop());
  in.run();
  CHECK(in.ask() == 6217);
  CHECK(in.tables() == 1);
}

TEST_CASE("another process rebuilds, switches and drops while the one that holds the leases goes on") {
  struct logbook {
    std::atomic<std::int64_t> shown{0};
    std::atomic<int> switches{0}; // that the holder has seen
    std::atomic<bool> ended{false};
    cleave::test::progress_report report;
  };
  cleave::test::shared_memory<logbook> told;
  cleave::test::scratch_folder const folder(cleave::test::memory_folder());
  second.factor = 1;
  second.stops = false;
  auto options = stepped();
  options.lease_us = 3'600'000'000;
  auto const open_log = [&] {
    return cleave::sqlite::event_store::open(
               {.path = folder.file("log.db"), .durability = cleave::durability::relaxed})
        .value();
  };
  using shared_projector =
      cleave::rebuildable_projector<tally<1>, tally<2>, cleave::sqlite::event_store, rows_type>;
  cleave::test::forked holder([&] {
    auto log = open_log();
    auto rows = rows_type::of(log).value();
    shared_projector at(log, rows, options, {});
    at.prepare();
    std::string active;
    while (!told->ended) {
      auto const head = static_cast<std::int64_t>(tick(log).value());
      while (at.step() == step::worked) {
      }
      auto const before = told->shown.load();
      auto const answer = at.answer(sum{});
      if (!answer) told->report.fail(answer.error().message());
      else if (*answer < before) told->report.fail("the holder went back");
      else if (*answer < head) told->report.fail("the holder did not apply its own event");
      else told->shown = *answer;
      if (auto now = at.status().active; now != active) {
        active = now;
        ++told->switches;
      }
      if (told->report.failure[0] != 0) break;
    }
  });
  while (told->switches == 0 && !holder.ended()) std::this_thread::yield();
  auto log = open_log();
  auto rows = rows_type::of(log).value();
  {
    shared_projector at(log, rows, options, {});
    at.prepare();
    auto const until = [&](auto&& reached) {
      while (!reached() && !holder.ended()) at.step();
    };
    auto const check = [&] {
      auto const before = told->shown.load();
      auto const answer = at.answer(sum{});
      REQUIRE(answer);
      CHECK(*answer >= before);
    };
    // Who steps a new build first has its lease, and that is to be the other process.
    auto const lease_is_taken = [&](std::string const& version) {
      std::int64_t found = 0;
      REQUIRE(rows.read([&](sqlite_database& db) -> cleave::result<void> {
        found = db.value<std::int64_t>("SELECT count(*) FROM cleave_leases WHERE projection = ?1", version)
                    .value()
                    .value();
        return {};
      }));
      return found != 0;
    };
    for (int round = 0; round < 3; ++round) {
      INFO("round " << round);
      auto const switches = told->switches.load();
      REQUIRE(at.begin());
      while (!lease_is_taken(at.status().beside) && !holder.ended()) std::this_thread::yield();
      until([&] { return at.status().stage == rebuild_stage::ready; });
      auto const compared = at.compare();
      if (!compared) FAIL(compared.error().message());
      CHECK(compared->rows == rows_compared::same);
      check();
      for (bool const back : {false, true, false}) {
        auto const seen = told->switches.load();
        auto const done = back ? at.roll_back() : at.switch_over();
        if (!done) FAIL(done.error().message());
        check();
        until([&] { return told->switches > seen; });
        check();
      }
      REQUIRE(at.drop());
      until([&] { return at.status().stage == rebuild_stage::none; });
      CHECK(told->switches == switches + 3);
    }
  }
  told->ended = true;
  CHECK(holder.wait() == cleave::test::forked::ending::well);
  CHECK(std::string(told->report.failure) == "");
}

TEST_CASE("a live query hears of a switch at once, without a further event") {
  world in(4);
  in.at.reset();
  cleave::memory::query_cache cache;
  cleave::application_options options;
  options.projector = stepped();
  cleave::application app{in.log, cleave::rebuildable_projection<tally<1>, tally<2>>(in.rows),
                          cleave::cached_queries<sum>(cache), options};
  auto& versions = app.projector<tally<1>>();
  auto const run = [&] {
    while (app.step() == step::worked) {
    }
  };
  run();
  cleave::live_query live(app, sum{});
  CHECK(live.next(std::chrono::seconds(0))->answer == 10);
  second.factor = 3;
  REQUIRE(versions.begin());
  run();
  CHECK(live.next(std::chrono::seconds(0)).error().code() == errc::timeout);
  REQUIRE(versions.switch_over());
  auto const switched = live.next(std::chrono::seconds(0));
  REQUIRE(switched);
  CHECK(switched->answer == 30);
  CHECK(switched->reflects == position(4));
  CHECK(live.next(std::chrono::seconds(0)).error().code() == errc::timeout);
  REQUIRE(versions.roll_back());
  CHECK(live.next(std::chrono::seconds(0))->answer == 10);
  // What another process does is seen with the next step.
  projector other(in.log, in.rows, stepped(), {});
  other.prepare();
  REQUIRE(other.switch_over());
  app.step();
  CHECK(live.next(std::chrono::seconds(0))->answer == 30);
}

TEST_CASE("a live query with a thread of its own, which sleeps, is woken by a switch") {
  world in(4);
  in.at.reset();
  cleave::application app{in.log, cleave::rebuildable_projection<tally<1>, tally<2>>(in.rows)};
  auto& versions = app.projector<tally<1>>();
  REQUIRE(app.query(sum{}, at_least(*in.log.head(), std::chrono::seconds(60))));
  cleave::live_query live(app, sum{}, cleave::live_query_options{.poll_us = 3'600'000'000});
  CHECK(live.next(std::chrono::seconds(60))->answer == 10);
  second.factor = 3;
  REQUIRE(versions.begin());
  while (versions.status().stage == rebuild_stage::building) std::this_thread::yield();
  for (bool const back : {false, true, false}) {
    auto const done = back ? versions.roll_back() : versions.switch_over();
    REQUIRE(done);
    auto const heard = live.next(std::chrono::seconds(60));
    REQUIRE(heard);
    CHECK(heard->answer == (back ? 10 : 30));
  }
}

TEST_CASE(
    "the rows of what was dropped are removed in pieces, the live version goes on, and nothing is left") {
  world in(0);
  for (int i = 0; i < 4'500; ++i) tick(in.log);
  in.restart(in_large_batches());
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  REQUIRE(in.at->switch_over());
  REQUIRE(in.at->drop());
  CHECK(in.at->status().stage == rebuild_stage::clearing);
  CHECK(in.at->status().active == "tally.v2");
  CHECK(in.at->status().beside == "tally.v1");
  CHECK(in.at->drop().error().code() == errc::not_found);
  CHECK(in.at->switch_over().error().code() == errc::not_found);
  auto left = in.number("SELECT count(*) FROM tally_1");
  CHECK(left == 3'500);
  in.restart(in_large_batches()); // it goes on
  auto sum_now = in.ask();
  for (int pieces = 0; in.at->status().stage == rebuild_stage::clearing; ++pieces) {
    REQUIRE(pieces < 10);
    tick(in.log, 1);
    CHECK(in.at->step() == step::worked);
    CHECK(in.ask() == ++sum_now);
    if (in.tables() == 1) continue;
    auto const now = in.number("SELECT count(*) FROM tally_1");
    CHECK(now < left);
    CHECK(now >= left - 2'000); // twice as many as before at the most
    left = now;
  }
  CHECK(in.at->status().beside.empty());
  CHECK(in.tables() == 1);
  CHECK(*in.rows.checkpoint("tally.v1") == position());
}

TEST_CASE("a version that is begun while its former rows are being removed waits for their end") {
  world in(0);
  for (int i = 0; i < 3'000; ++i) tick(in.log);
  in.restart(in_large_batches());
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  second.handled = 0;
  REQUIRE(in.at->drop());
  CHECK(in.at->status().stage == rebuild_stage::clearing);
  CHECK(in.at->status().beside == "tally.v2");
  REQUIRE(in.at->begin());
  CHECK(in.at->begin().error().code() == errc::already_exists);
  CHECK(in.at->status().stage == rebuild_stage::building);
  CHECK(in.at->status().events_done == 0);
  CHECK(in.at->compare().error().code() == errc::stale);
  CHECK(in.at->switch_over().error().code() == errc::stale);
  CHECK(second.handled == 0);
  in.run();
  CHECK(second.handled == 3'000);
  CHECK(in.at->compare()->rows == rows_compared::same);
}

TEST_CASE("two processes remove the rows of what was dropped side by side") {
  world in(0);
  for (int i = 0; i < 4'500; ++i) tick(in.log);
  in.restart(in_large_batches());
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  projector other(in.log, in.rows, in_large_batches(), {});
  other.prepare();
  REQUIRE(in.at->switch_over());
  REQUIRE(in.at->drop());
  for (int i = 0; i < 20; ++i) {
    in.at->step();
    other.step();
  }
  CHECK(in.tables() == 1);
  CHECK(in.at->status().stage == rebuild_stage::none);
  CHECK(other.status().stage == rebuild_stage::none);
  CHECK(other.answer(sum{}).value() == in.ask());
  CHECK(other.progress().status().failure == "");
}

TEST_CASE("a process that is killed while it removes rows is followed by one that goes on there") {
  cleave::test::scratch_folder const folder(cleave::test::memory_folder());
  auto const open_rows = [&] { return rows_type::open({.path = folder.file("rows.db")}).value(); };
  auto const open_log = [&] {
    return cleave::sqlite::event_store::open(
               {.path = folder.file("log.db"), .durability = cleave::durability::relaxed})
        .value();
  };
  using shared_projector =
      cleave::rebuildable_projector<tally<1>, tally<2>, cleave::sqlite::event_store, rows_type>;
  struct death {
    int turns_left;
    static void on_step(void* self, char const* step) {
      auto& me = *static_cast<death*>(self);
      if (step == std::string_view("cleared") && --me.turns_left == 0) ::raise(SIGKILL);
    }
  };
  second.factor = 1;
  second.stops = false;
  constexpr std::int64_t events = 9'000;
  cleave::test::forked([&] {
    auto log = open_log();
    for (std::int64_t i = 0; i < events; ++i) tick(log);
    auto rows = open_rows();
    shared_projector at(log, rows, in_large_batches(), {});
    at.prepare();
    if (!at.begin()) ::raise(SIGKILL);
    while (at.step() == step::worked) {
    }
    if (!at.switch_over() || !at.drop()) ::raise(SIGKILL);
  }).wait();
  std::int64_t left = events - 1'000;
  int kills = 0;
  for (bool done = false; !done;) {
    cleave::test::forked process([&] {
      auto log = open_log();
      auto rows = open_rows();
      death how{2};
      auto options = in_large_batches();
      options.on_step = {&death::on_step, &how};
      shared_projector at(log, rows, options, {});
      at.prepare();
      while (at.step() == step::worked) {
      }
    });
    auto const ending = process.wait();
    REQUIRE(ending != cleave::test::forked::ending::badly);
    done = ending == cleave::test::forked::ending::well;
    if (!done) ++kills;
    auto log = open_log();
    auto rows = open_rows();
    shared_projector at(log, rows, in_large_batches(), {});
    at.prepare();
    CHECK(at.answer(sum{}).value() == events);
    CHECK((at.status().stage == rebuild_stage::clearing) == !done);
    REQUIRE(rows.read([&](sqlite_database& db) -> cleave::result<void> {
      auto const now = db.value<std::int64_t>("SELECT count(*) FROM tally_1");
      CHECK(now.has_value() == !done);
      if (!now) return {};
      CHECK(now->value() == left - 1'000); // the piece before the one in which it was killed
      left = now->value();
      return {};
    }));
  }
  CHECK(kills == 8);
}

TEST_CASE("rows of tables of any kind are removed, so many at a time, and no trigger hears of it") {
  cleave::test::scratch_folder const folder(cleave::test::memory_folder());
  auto rows = rows_type::open({.path = folder.file("rows.db")}).value();
  static constexpr std::array<std::string_view, 4> tables = {"plain", "a \"b", "keyed", "none"};
  auto const in_transaction = [&](auto&& work) {
    REQUIRE(rows.apply("x.v1", position(), [&](sqlite_database& db) -> cleave::result<position> {
      work(db);
      return position();
    }));
  };
  in_transaction([](sqlite_database& db) {
    REQUIRE(db.run_script(
        "CREATE TABLE Plain (n INTEGER); CREATE INDEX plain_n ON Plain (n); CREATE TABLE heard (n INTEGER);"
        "CREATE TRIGGER told AFTER DELETE ON Plain BEGIN INSERT INTO heard VALUES (old.n); END;"
        "CREATE TABLE \"a \"\"b\" (rowid TEXT, n INTEGER);"
        "CREATE TABLE keyed (\"a \"\"c\" TEXT, b INTEGER, c, PRIMARY KEY (b, \"a \"\"c\")) WITHOUT ROWID;"
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 25) INSERT INTO Plain SELECT n FROM n;"
        "INSERT INTO \"a \"\"b\" SELECT 'same', n FROM Plain; INSERT INTO keyed SELECT n % 3, n, n FROM Plain"));
    cleave::sqlite::dead_letters letters(db, "x.v1");
    for (std::uint64_t i = 1; i <= 12; ++i)
      REQUIRE(letters.park({position(i), "k", "e", "why", 1, cleave::timestamp()}));
    REQUIRE(db.execute("INSERT INTO cleave_checkpoints VALUES ('y.v1', 7)"));
    REQUIRE(cleave::sqlite::dead_letters(db, "y.v1")
                .park({position(1), "k", "e", "why", 1, cleave::timestamp()}));
  });
  std::vector<std::uint64_t> pieces;
  do {
    in_transaction([&](sqlite_database& db) {
      pieces.push_back(cleave::sqlite::versions(db, "x").clear("x.v1", tables, 10).value());
    });
    REQUIRE(pieces.size() < 20);
  } while (pieces.back() >= 10);
  std::uint64_t all = 0;
  for (auto const each : pieces) all += each;
  CHECK(all == 25 + 25 + 25 + 12);
  in_transaction([](sqlite_database& db) {
    auto const number = [&](std::string_view sql) { return db.value<std::int64_t>(sql).value().value(); };
    CHECK(
        number(
            "SELECT count(*) FROM sqlite_schema WHERE name IN ('Plain', 'plain_n', 'told', 'a \"b', 'keyed')") ==
        0);
    CHECK(number("SELECT count(*) FROM heard") == 0);
    CHECK(number("SELECT count(*) FROM cleave_dead_letters") == 1);
    CHECK(number("SELECT count(*) FROM cleave_checkpoints WHERE name = 'y.v1'") == 1);
  });
}

namespace {

// What an observer has heard of rebuilds.
struct listener {
  struct heard {
    std::string projection;
    cleave::rebuild_status status;
  };
  std::vector<heard> all;
  void on(cleave::rebuild_progress const& what) {
    all.push_back({std::string(what.projection), what.status});
  }
};

} // namespace

TEST_CASE("an observer is told how far a rebuild is, once a second, and once when it is over") {
  world in(20);
  in.at.reset();
  cleave::testing::manual_clock clock{cleave::timestamp(1'000'000)};
  auto options = stepped();
  options.clock = clock;
  listener watching;
  cleave::application app{in.log, cleave::observed_by(watching),
                          cleave::rebuildable_projection<tally<1>, tally<2>>(in.rows),
                          cleave::application_options{.projector = options}};
  auto const second_later = [&] {
    clock.advance_us(1'000'000);
    app.step();
  };
  for (int i = 0; i < 10; ++i) app.step();
  second_later();
  CHECK(watching.all.empty()); // there is none
  REQUIRE(app.projector<tally<1>>().begin());
  second_later();
  REQUIRE(watching.all.size() == 1);
  CHECK(watching.all[0].projection == "tally");
  CHECK(watching.all[0].status.stage == rebuild_stage::building);
  CHECK(watching.all[0].status.events_done == 4);
  CHECK(watching.all[0].status.events_total == 20);
  app.step();
  clock.advance_us(999'999);
  app.step();
  CHECK(watching.all.size() == 1);
  clock.advance_us(1);
  app.step();
  REQUIRE(watching.all.size() == 2);
  CHECK(watching.all[1].status.events_done == 16);
  CHECK(watching.all[1].status.events_per_second > 0);
  CHECK(watching.all[1].status.left_us > 0);
  second_later();
  second_later();
  CHECK(watching.all.back().status.stage == rebuild_stage::ready);
  REQUIRE(app.projector<tally<1>>().switch_over());
  second_later();
  CHECK(watching.all.back().status.stage == rebuild_stage::switched);
  REQUIRE(app.projector<tally<1>>().drop());
  second_later();
  CHECK(watching.all.back().status.stage == rebuild_stage::none);
  auto const told = watching.all.size();
  second_later();
  CHECK(watching.all.size() == told);
  clock.set(cleave::timestamp(5)); // a clock that was set back keeps nothing back
  REQUIRE(app.projector<tally<1>>().begin());
  app.step();
  CHECK(watching.all.size() == told + 1);
}
