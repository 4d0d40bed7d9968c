// SPDX-License-Identifier: BSL-1.0
#include <cleave/cleave.hpp>
#include <cleave/memory/query_cache.hpp>
#include <cleave/query/rebuildable_projector.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>
#include <cleave/testing/manual_clock.hpp>

#include "../sqlite/scratch.hpp"
#include "ticks.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <atomic>
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
  std::int64_t tables() {
    std::int64_t found = 0;
    REQUIRE(rows.read([&](sqlite_database& db) -> cleave::result<void> {
      found = db.value<std::int64_t>("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'tally%'")
                  .value()
                  .value();
      return {};
    }));
    return found;
  }
};

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
  CHECK_FALSE(other.roll_back());
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
