// SPDX-License-Identifier: BSL-1.0
// Rebuilding a projection that is divided among several files, with a worker for each: what undivided ones do is in rebuild_test.cpp.
#include <cleave/cleave.hpp>
#include <cleave/memory/query_cache.hpp>
#include <cleave/query/live_query.hpp>
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
#include <map>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using Catch::Contains;
using cleave::at_least;
using cleave::errc;
using cleave::partition;
using cleave::position;
using cleave::projection_versions;
using cleave::rebuild_stage;
using cleave::rows_compared;
using cleave::step;
using cleave_test::tick;
using clockwork::ticked;
using sqlite_database = cleave::sqlite::database;

namespace weaving {

struct colour_of {
  using result_type = std::int64_t;
  std::string stream;
  std::string_view key() const { return stream; }
};
struct all_threads {
  using result_type = std::int64_t;
};
BOOST_DESCRIBE_STRUCT(all_threads, (), ())

} // namespace weaving

namespace {

using weaving::all_threads;
using weaving::colour_of;

std::int64_t dyed(std::int64_t before, std::int64_t by) { return (before * 31 + by) % 1'000'003; }

// What the second version does otherwise.
struct {
  std::int64_t factor = 1;         // of the threads
  std::atomic<bool> stops = false; // at 666
  std::atomic<int> handled = 0;
} second;
std::atomic<bool> first_stops = false; // the same

// The colour tells the order of a stream's events: two that change places make another one.
template <int V> struct weave {
  using events = cleave::event_set<ticked>;
  using queries = cleave::query_set<colour_of, all_threads>;
  static constexpr std::string_view name = V == 1 ? "weave.v1" : "weave.v2";
  static constexpr std::array<std::string_view, 1> tables = {V == 1 ? "weave_1" : "weave_2"};

  static std::string sql(std::string_view before, std::string_view behind = "") {
    return cleave::format_text("{} weave_{} {}", before, V, behind);
  }
  static cleave::result<void> create(sqlite_database& db) {
    return db.run_script(sql("CREATE TABLE IF NOT EXISTS",
                             "(stream TEXT PRIMARY KEY, colour INTEGER NOT NULL, threads INTEGER NOT NULL)"));
  }
  static cleave::result<void> on(ticked const& e, cleave::envelope const& at, sqlite_database& db) {
    auto const done = db.execute(
        sql("INSERT INTO", "VALUES (?1, ?2, ?3) ON CONFLICT (stream) DO UPDATE SET colour = (colour * 31 + "
                           "excluded.colour) % 1000003, threads = threads + ?3"),
        at.stream.text(), e.by, V == 2 ? second.factor : 1);
    if (!done) return cleave::unexpected(done.error());
    if (e.by == 666 && (V == 1 ? first_stops : second.stops))
      return cleave::unexpected(cleave::error(errc::invalid_argument, "a knot"));
    if (V == 2) ++second.handled;
    return {};
  }
  static cleave::result<std::int64_t> answer(colour_of const& q, sqlite_database& db) {
    return number(db.value<std::int64_t>(sql("SELECT colour FROM", "WHERE stream = ?1"), q.stream));
  }
  static cleave::result<std::int64_t> answer(all_threads const&, sqlite_database& db) {
    return number(db.value<std::int64_t>(sql("SELECT coalesce(sum(threads), 0) FROM")));
  }
  static std::int64_t merge(all_threads const&, std::int64_t a, std::int64_t b) { return a + b; }

private:
  static cleave::result<std::int64_t> number(cleave::result<std::optional<std::int64_t>> const& found) {
    if (!found) return cleave::unexpected(found.error());
    return found->value_or(0);
  }
};

using log_type = cleave::memory::event_store;
using rows_type = cleave::sqlite::read_store;
template <class Rows> using projector_over =
    cleave::partitioned_rebuildable_projector<weave<1>, weave<2>, log_type, Rows>;
using projector = projector_over<rows_type>;

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

cleave::projector_options stepped() {
  cleave::projector_options options;
  options.threads = false;
  options.least_batch = 4;
  options.batch = 4;
  options.retry_us = 0;
  return options;
}

struct mill {
  cleave::test::scratch_folder folder{cleave::test::memory_folder()};
  log_type log;
  std::size_t parts;
  std::vector<rows_type> files;
  std::map<std::string, std::int64_t> expected;
  std::vector<std::string> sent; // the stream of each event
  std::optional<projector> at;

  explicit mill(std::size_t count, int events = 0) : parts(count), files(open<rows_type>()) {
    second.factor = 1;
    second.stops = first_stops = false;
    second.handled = 0;
    std::mt19937_64 random(1);
    send_many(random, events);
    restart();
  }
  template <class Rows> std::vector<Rows> open(std::uint32_t busy_wait_ms = 5'000) const {
    std::vector<Rows> opened;
    for (std::size_t i = 0; i < parts; ++i)
      opened.emplace_back(rows_type::open({.path = folder.file("weave-" + std::to_string(i) + ".db"),
                                           .busy_wait_ms = busy_wait_ms,
                                           .readers = 4})
                              .value());
    return opened;
  }
  void restart(cleave::projector_options const& options = stepped(),
               cleave::rebuild_options const& rebuild = {}) {
    at.reset();
    at.emplace(log, files, options, rebuild);
    at->prepare();
  }
  position send(std::string const& stream, std::int64_t by) {
    expected[stream] = dyed(expected[stream], by);
    sent.push_back(stream);
    return tick(log, by, stream);
  }
  void send_many(std::mt19937_64& random, int count) {
    for (int i = 0; i < count; ++i) {
      auto const by = static_cast<std::int64_t>(1 + random() % 99);
      send("loom-" + std::to_string(random() % 40), by);
    }
  }
  // A stream of this part.
  std::string stream_of(std::uint64_t part) const {
    for (int i = 0;; ++i) {
      auto name = "loom-" + std::to_string(i);
      if (partition{part, parts}.holds(name)) return name;
    }
  }
  void run() { run(*at); }
  static void run(auto& machine) {
    while (machine.step() == step::worked) {
    }
  }
  std::int64_t all() { return at->answer(all_threads{}).value(); }
  std::int64_t number(std::size_t file, std::string_view sql) {
    std::int64_t found = 0;
    REQUIRE(files[file].read([&](sqlite_database& db) -> cleave::result<void> {
      found = db.value<std::int64_t>(sql).value().value_or(0);
      return {};
    }));
    return found;
  }
  std::int64_t tables() {
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < parts; ++i)
      sum += number(i, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'weave%' AND type = 'table'");
    return sum;
  }
  projection_versions row(std::size_t file) {
    projection_versions found;
    REQUIRE(files[file].read([&](sqlite_database& db) -> cleave::result<void> {
      found = cleave::sqlite::versions(db, "weave").find("weave.v1").value();
      return {};
    }));
    return found;
  }
  // As a process leaves it that dies behind the transaction in which it has decided so.
  void decide(projection_versions const& decided) {
    REQUIRE(files[0].apply("weave", position(), [&](sqlite_database& db) -> cleave::result<position> {
      REQUIRE(cleave::sqlite::versions(db, "weave").put(decided));
      return position();
    }));
  }
  void check_colours() {
    for (auto const& [stream, colour] : expected) REQUIRE(at->answer(colour_of{stream}).value() == colour);
  }
  // What each file has of the second version is its part of the events up to its own checkpoint.
  void check_contiguous() {
    for (std::size_t i = 0; i < parts; ++i) {
      auto const checkpoint = files[i].checkpoint("weave.v2").value();
      std::int64_t events = 0;
      for (std::size_t e = 0; e < sent.size(); ++e) {
        if (partition{i, parts}.holds(sent[e]) && position(e + 1) <= checkpoint) ++events;
      }
      bool const there = number(i, "SELECT count(*) FROM sqlite_schema WHERE name = 'weave_2'") == 1;
      REQUIRE((there ? number(i, "SELECT coalesce(sum(threads), 0) FROM weave_2") : 0) == events);
    }
  }
};

} // namespace

TEST_CASE("a version is built in several files, compared, switched to, rolled back to and dropped as one") {
  mill in(3, 200);
  in.run();
  CHECK(in.all() == 200);
  CHECK(in.at->status().stage == rebuild_stage::none);
  CHECK(in.at->compare().error().code() == errc::not_found);
  CHECK(in.at->switch_over().error().code() == errc::not_found);
  CHECK(in.at->drop().error().code() == errc::not_found);

  REQUIRE(in.at->begin());
  CHECK(in.at->begin().error().code() == errc::already_exists);
  CHECK(in.at->step() == step::worked);
  auto now = in.at->status();
  CHECK(now.stage == rebuild_stage::building);
  CHECK(now.active == "weave.v1");
  CHECK(now.beside == "weave.v2");
  CHECK(now.events_done < 100);
  CHECK(now.events_total == 200);
  in.run();
  now = in.at->status();
  CHECK(now.stage == rebuild_stage::ready);
  CHECK(now.events_done == 200);
  CHECK(now.left_us == 0);
  CHECK(second.handled == 200); // each event once, by one of the workers
  in.send("loom-1", 1000);      // neither knows it yet
  auto const compared = in.at->compare();
  REQUIRE(compared);
  CHECK(compared->rows == rows_compared::same);
  CHECK(compared->position == position(200));
  CHECK(compared->detail.empty());
  CHECK(in.at->roll_back().error().code() == errc::not_found);

  REQUIRE(in.at->switch_over());
  CHECK(in.at->status().stage == rebuild_stage::switched);
  CHECK(in.at->status().active == "weave.v2");
  CHECK(in.at->switch_over().error().code() == errc::already_exists);
  in.run();
  CHECK(in.all() == 201);
  in.check_colours();
  REQUIRE(in.at->roll_back());
  CHECK(in.at->status().active == "weave.v1");
  CHECK(in.at->status().stage == rebuild_stage::ready);
  in.check_colours();
  REQUIRE(in.at->switch_over());
  REQUIRE(in.at->drop());
  in.run();
  CHECK(in.at->status().stage == rebuild_stage::none);
  CHECK(in.tables() == 3);
  in.check_colours();

  // And round again, under the old name.
  REQUIRE(in.at->begin());
  CHECK(in.at->status().beside == "weave.v1");
  in.run();
  CHECK(in.at->compare()->rows == rows_compared::same);
  REQUIRE(in.at->switch_over());
  in.send("loom-1", 5);
  in.run();
  CHECK(in.all() == 202);
  in.check_colours();
}

TEST_CASE(
    "in whatever order the workers of a rebuild come, and however often they start anew, each part has its events once and in order") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    mill in(1 + random() % 5, 150);
    in.run();
    REQUIRE(in.at->begin());
    auto options = stepped();
    options.batch = options.least_batch = 1 + random() % 20;
    for (int i = 0; i < 60; ++i) {
      if (i % 20 == 0) in.restart(options);
      in.at->workers()[random() % in.parts].step();
      in.check_contiguous();
      if (i % 10 == 0) in.send_many(random, 3);
    }
    in.run();
    in.check_contiguous();
    REQUIRE(second.handled == static_cast<int>(in.sent.size()));
    REQUIRE(in.at->status().stage == rebuild_stage::ready);
    REQUIRE(in.at->compare()->rows == rows_compared::same);
    REQUIRE(in.at->switch_over());
    in.check_colours();
  }
}

TEST_CASE("all workers of a rebuild together take no more events a second than it may") {
  mill in(4, 0);
  std::mt19937_64 random(3);
  in.send_many(random, 1'500);
  // One worker has much more to do than the others.
  for (int i = 0; i < 1'500; ++i) in.send("loom-7", 1);
  cleave::testing::manual_clock clock;
  auto options = stepped();
  options.batch = options.least_batch = 100;
  options.clock = clock;
  in.restart(options, {.events_per_second = 250});
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  CHECK(second.handled <= 50);
  std::uint64_t done = 0;
  for (int second_passed = 1; second_passed <= 6; ++second_passed) {
    for (int i = 0; i < 20; ++i) {
      clock.advance_us(50'000);
      in.run();
    }
    CHECK(second.handled <= 250 * second_passed + 50);
    CHECK(second.handled >= 250 * second_passed - 50);
    auto const now = in.at->status();
    CHECK(now.events_done > done);
    CHECK(now.events_total == 3'000);
    CHECK(now.left_us);
    done = now.events_done;
  }
  for (int i = 0; i < 120; ++i) {
    clock.advance_us(50'000);
    in.run();
  }
  auto const now = in.at->status();
  CHECK(now.stage == rebuild_stage::ready);
  CHECK(now.events_done == 3'000);
  CHECK(now.left_us == 0);
}

TEST_CASE("the rate that is told is what all workers of a rebuild do together") {
  mill in(2, 0);
  for (int i = 0; i < 200; ++i) {
    in.send(in.stream_of(0), 1);
    in.send(in.stream_of(1), 1);
  }
  cleave::testing::manual_clock clock;
  auto options = stepped();
  options.clock = clock;
  in.restart(options, {.events_per_second = 40});
  in.run();
  REQUIRE(in.at->begin());
  for (int i = 0; i < 100; ++i) {
    in.run();
    clock.advance_us(50'000);
  }
  auto const now = in.at->status();
  CHECK(now.events_done >= 180);
  CHECK(now.events_done <= 220);
  CHECK(now.events_per_second >= 35);
  CHECK(now.events_per_second <= 45);
  REQUIRE(now.left_us);
  CHECK(*now.left_us >= 4'000'000);
  CHECK(*now.left_us <= 6'500'000);
}

TEST_CASE("nothing is switched to as long as one part of it is behind") {
  mill in(3, 0);
  std::mt19937_64 random(4);
  in.send_many(random, 2'000);
  in.run();
  REQUIRE(in.at->begin());
  for (std::size_t i : {0U, 2U}) mill::run(in.at->workers()[i]);
  CHECK(in.at->status().stage == rebuild_stage::building);
  auto const refused = in.at->switch_over();
  CHECK(refused.error().code() == errc::stale);
  CHECK_THAT(refused.error().message(), Contains("part 2 of 3") && Contains("weave.v2"));
  CHECK(in.at->compare().error().code() == errc::stale);
  CHECK(in.at->status().active == "weave.v1");
  in.check_colours();
  mill::run(in.at->workers()[1]);
  CHECK(in.at->status().stage == rebuild_stage::ready);
  // What the live version shows and the other one does not know yet is brought in with the switch.
  for (int i = 0; i < 30; ++i) in.send_many(random, 1);
  REQUIRE(in.at->wait(at_least(*in.log.head())));
  in.check_colours();
  REQUIRE(in.at->switch_over());
  in.check_colours();
}

TEST_CASE("rows that differ in one part are found, and the part is named") {
  mill in(3, 100);
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  REQUIRE(in.files[1].apply("x", position(), [](sqlite_database& db) -> cleave::result<position> {
    REQUIRE(db.execute("UPDATE weave_2 SET threads = threads + 1 WHERE rowid = 1"));
    return position();
  }));
  auto const compared = in.at->compare();
  REQUIRE(compared);
  CHECK(compared->rows == rows_compared::different);
  CHECK_THAT(compared->detail, Contains("part 2 of 3: weave_1"));
}

TEST_CASE("a worker that fails stops the rebuild and names part and event, and the live version goes on") {
  mill in(4, 0);
  std::mt19937_64 random(5);
  in.send_many(random, 40);
  auto const knot = in.send(in.stream_of(2), 666);
  in.send_many(random, 400);
  in.run();
  second.stops = true;
  REQUIRE(in.at->begin());
  mill::run(in.at->workers()[2]);
  auto const handled = second.handled.load();
  in.run();
  CHECK(second.handled == handled); // the others did not even begin
  auto const now = in.at->status();
  CHECK(now.stage == rebuild_stage::building);
  CHECK_THAT(now.failure, Contains("part 3 of 4") && Contains("weave.v2") && Contains("a knot") &&
                              Contains("position " + std::to_string(knot.value())));
  CHECK_THAT(in.at->switch_over().error().message(), Contains("part"));
  CHECK_FALSE(in.at->progress().failed());
  in.send_many(random, 10);
  in.run();
  CHECK(in.at->reached() == *in.log.head());
  in.check_colours();
  in.check_contiguous();
  // It goes on where it was, once it can.
  second.stops = false;
  in.restart();
  in.run();
  CHECK(in.at->status().failure.empty());
  CHECK(in.at->status().stage == rebuild_stage::ready);
  CHECK(in.at->compare()->rows == rows_compared::same);
}

TEST_CASE("a rebuild that was begun in the first file alone is begun in all by whoever comes next") {
  mill in(3, 100);
  in.run();
  in.decide({.active = "weave.v1", .beside = "weave.v2", .beside_build = 1});
  in.restart();
  CHECK(in.at->status().stage == rebuild_stage::building);
  in.run();
  CHECK(in.at->status().stage == rebuild_stage::ready);
  CHECK(in.at->compare()->rows == rows_compared::same);
  for (std::size_t i = 0; i < 3; ++i) CHECK(in.row(i) == in.row(0));
}

TEST_CASE("a switch that the first file alone has seen counts for all, at once") {
  mill in(3, 100);
  in.run();
  second.factor = 2;
  REQUIRE(in.at->begin());
  in.run();
  in.decide({.active = "weave.v2", .active_build = 1, .beside = "weave.v1", .switched = true});
  CHECK(in.at->answer(colour_of{in.stream_of(2)}).value() == in.expected[in.stream_of(2)]);
  CHECK(in.all() == 200);
  in.restart();
  CHECK(in.all() == 200);
  CHECK(in.at->status().stage == rebuild_stage::switched);
  in.run();
  for (std::size_t i = 0; i < 3; ++i) CHECK(in.row(i) == in.row(0));
  REQUIRE(in.at->roll_back());
  CHECK(in.all() == 100);
}

TEST_CASE("a version that was dropped, or begun anew, in the first file alone leaves nothing in the others") {
  mill in(3, 100);
  in.run();
  second.factor = 7;
  REQUIRE(in.at->begin());
  in.run();
  CHECK(in.tables() == 6);
  in.decide({.active = "weave.v1", .beside = {}, .beside_build = 1, .clearing = "weave.v2"});
  in.restart();
  CHECK(in.at->status().stage == rebuild_stage::clearing);
  in.run();
  CHECK(in.at->status().stage == rebuild_stage::none);
  CHECK(in.tables() == 3);
  CHECK(in.all() == 100);

  REQUIRE(in.at->begin());
  in.run();
  second.factor = 1;
  // Dropped and begun again before the others could follow.
  in.decide({.active = "weave.v1", .beside = "weave.v2", .beside_build = 3, .clearing = "weave.v2"});
  in.restart();
  in.run();
  CHECK(in.at->compare()->rows == rows_compared::same);
  REQUIRE(in.at->switch_over());
  CHECK(in.all() == 100);
}

TEST_CASE("a part follows what is decided by then, also when another process overtakes it") {
  mill in(2, 20);
  in.run();
  auto raced = in.open<raced_rows>();
  projector_over<raced_rows> at(in.log, raced, stepped(), {});
  at.prepare();
  in.decide({.active = "weave.v1", .beside = "weave.v2", .beside_build = 1});
  raced[1].before_apply = [&] { // what it is about to follow is over
    REQUIRE(in.at->drop());
    in.run();
  };
  static_cast<void>(at.status()); // each part looks at what is decided
  CHECK_FALSE(raced[1].before_apply);
  CHECK(in.row(1).beside.empty());
}

TEST_CASE("a merged answer is of one version, also when versions change places in the middle of it") {
  mill in(3, 100);
  in.run();
  second.factor = 2;
  REQUIRE(in.at->begin());
  in.run();
  auto raced = in.open<raced_rows>();
  projector_over<raced_rows> other(in.log, raced, stepped(), {});
  other.prepare();
  CHECK(other.answer(all_threads{}).value() == 100);
  for (std::size_t part = 0; part < 3; ++part) {
    bool const back = part == 1;
    raced[part].before_read = [&] { REQUIRE((back ? in.at->roll_back() : in.at->switch_over())); };
    CHECK(other.answer(all_threads{}).value() == (back ? 100 : 200));
  }
}

TEST_CASE("a part is not asked for the old version's answer once another process has switched") {
  mill in(2, 100);
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  auto raced = in.open<raced_rows>();
  projector_over<raced_rows> other(in.log, raced, stepped(), {});
  other.prepare();
  auto const stream = in.stream_of(1);
  // Between the snapshot of the part and the look at what is decided.
  raced[0].before_read = [&] { REQUIRE(in.at->switch_over()); };
  second.factor = 1;
  CHECK(other.answer(colour_of{stream}).value() == in.expected[stream]);
  CHECK(other.status().active == "weave.v2");
}

TEST_CASE("no part moves while versions change places") {
  mill in(3, 50);
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  auto raced = in.open<raced_rows>();
  projector_over<raced_rows> at(in.log, raced, stepped(), {});
  at.prepare();
  at.step();
  auto others = in.open<rows_type>(1);
  int moved = 0;
  raced[0].before_apply = [&] {
    for (std::size_t i = 1; i < 3; ++i) {
      auto const tried = others[i].apply("x", position(), [](sqlite_database&) { return position(); });
      if (tried || tried.error().code() != errc::busy) ++moved;
    }
  };
  REQUIRE(at.switch_over());
  CHECK_FALSE(raced[0].before_apply);
  CHECK(moved == 0);
}

TEST_CASE("a switch that another process overtakes in one part waits for what that has shown") {
  mill in(3, 50);
  in.run();
  auto raced = in.open<raced_rows>();
  projector_over<raced_rows> at(in.log, raced, stepped(), {});
  at.prepare();
  REQUIRE(at.begin());
  mill::run(at);
  auto const stream = in.stream_of(1);
  raced[2].before_apply = [&] { // the first transaction of the switch
    in.send(stream, 77);
    // The old version alone, in the part that is held later.
    REQUIRE(in.at->wait(at_least(*in.log.head())));
    CHECK(in.at->answer(colour_of{stream}).value() == in.expected[stream]);
  };
  REQUIRE(at.switch_over());
  CHECK(at.answer(colour_of{stream}).value() == in.expected[stream]);
}

TEST_CASE(
    "files that have other parts of a rebuildable projection, or all of it, are refused and left alone") {
  mill in(2, 60);
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  in.at.reset();
  auto const refused = [&](auto& at) {
    at.prepare();
    for (int i = 0; i < 5; ++i) at.step();
    CHECK(at.progress().failed());
    for (std::size_t i = 0; i < 2; ++i) CHECK(in.row(i).beside == "weave.v2");
    return at.progress().status().failure;
  };
  {
    auto turned = in.open<rows_type>();
    std::swap(turned[0], turned[1]);
    projector at(in.log, turned, stepped(), {});
    CHECK_THAT(refused(at),
               Contains("projection weave:") && Contains("part 2 of 2") && Contains("part 1 of 2"));
    CHECK_FALSE(at.drop());
  }
  {
    cleave::rebuildable_projector<weave<1>, weave<2>, log_type, rows_type> at(in.log, in.files[0], stepped(),
                                                                              {});
    CHECK_THAT(refused(at), Contains("part 1 of 2") && Contains("all of it"));
  }
  in.restart();
  CHECK(in.at->status().stage == rebuild_stage::building);
  in.run();
  CHECK(in.at->compare()->rows == rows_compared::same);

  mill whole(1, 10);
  whole.run();
  REQUIRE(whole.at->begin());
  whole.run();
  std::vector<rows_type> two;
  two.push_back(std::move(whole.files[0]));
  two.push_back(rows_type::open({.path = whole.folder.file("other.db")}).value());
  projector at(whole.log, two, stepped(), {});
  at.prepare();
  for (int i = 0; i < 5; ++i) at.step();
  CHECK_THAT(at.progress().status().failure, Contains("all of it"));
}

TEST_CASE("a read store with another build than the one that decides is refused") {
  mill in(2, 20);
  in.run();
  REQUIRE(in.at->begin());
  in.run();
  REQUIRE(in.at->switch_over());
  in.run();
  // A copy of the first file of another time.
  in.decide({.active = "weave.v2", .active_build = 3, .beside = {}, .beside_build = 2});
  in.restart();
  for (int i = 0; i < 5; ++i) in.at->step();
  CHECK(in.at->progress().failed());
  CHECK_THAT(in.at->progress().status().failure, Contains("build 1 of weave.v2") && Contains("build 3"));
}

TEST_CASE("a version takes the place of one that has stopped in one part, forward and back") {
  mill in(3, 30);
  in.run();
  first_stops = true;
  auto const knot = in.send(in.stream_of(1), 666);
  in.run();
  CHECK(in.at->progress().failed());
  CHECK(in.at->wait(at_least(knot)).error().code() == errc::stale);
  REQUIRE(in.at->begin());
  in.run();
  REQUIRE(in.at->switch_over());
  CHECK_FALSE(in.at->progress().failed());
  REQUIRE(in.at->wait(at_least(knot)));
  in.check_colours();
  CHECK(in.at->roll_back().error().code() == errc::stale); // it is behind what was shown
  in.check_colours();
}

TEST_CASE(
    "kept answers and live queries hear of a switch over several files, events of the new version touch them") {
  mill in(3, 40);
  in.at.reset();
  cleave::memory::query_cache cache;
  cleave::application_options options;
  options.projector = stepped();
  cleave::application app{in.log, cleave::partitioned_rebuildable_projection<weave<1>, weave<2>>(in.files),
                          cleave::cached_queries<all_threads>(cache), options};
  auto& versions = app.projector<weave<1>>();
  auto const run = [&] {
    while (app.step() == step::worked) {
    }
  };
  run();
  auto const ask = [&] { return app.query(all_threads{}, at_least(*in.log.head())).value(); };
  cleave::live_query live(app, all_threads{});
  CHECK(live.next(std::chrono::seconds(0))->answer == 40);
  second.factor = 3;
  REQUIRE(versions.begin());
  run();
  CHECK(ask() == 40);
  CHECK(live.next(std::chrono::seconds(0)).error().code() == errc::timeout);
  REQUIRE(versions.switch_over());
  CHECK(live.next(std::chrono::seconds(0))->answer == 120);
  CHECK(live.next(std::chrono::seconds(0)).error().code() == errc::timeout);
  CHECK(ask() == 120);
  in.send("loom-3", 1);
  CHECK(ask() == 123);
  auto const misses = cache.stats().misses;
  CHECK(ask() == 123);
  CHECK(cache.stats().misses == misses);
  // What another process does is seen with the next step.
  projector other(in.log, in.files, stepped(), {});
  other.prepare();
  REQUIRE(other.roll_back());
  app.step();
  CHECK(ask() == 41);
  CHECK(app.projections().at(0).name == "weave.v1");
}

TEST_CASE("processes divide the parts of a rebuild between them, and either one switches") {
  cleave::testing::manual_clock clock;
  mill in(4, 200);
  auto options = stepped();
  options.clock = clock;
  options.lease_us = 10'000'000;
  in.restart(options);
  auto others_files = in.open<rows_type>();
  projector other(in.log, others_files, options, {});
  other.prepare();
  CHECK(in.at->workers()[0].step() == step::worked);
  CHECK(in.at->workers()[1].step() == step::worked);
  CHECK(other.workers()[2].step() == step::worked);
  CHECK(other.workers()[3].step() == step::worked);
  for (int i = 0; i < 3; ++i) {
    in.run();
    mill::run(other);
  }
  CHECK(in.at->reached() > position());
  REQUIRE(other.begin());
  for (std::size_t i = 0; i < 4; ++i) mill::run((i < 2 ? *in.at : other).workers()[i]);
  for (int i = 0; i < 3; ++i) {
    in.run();
    mill::run(other);
  }
  CHECK(second.handled == 200);
  CHECK(in.at->status().stage == rebuild_stage::ready);
  CHECK(other.status().stage == rebuild_stage::ready);
  CHECK(other.compare()->rows == rows_compared::same);
  REQUIRE(in.at->switch_over());
  CHECK(other.answer(all_threads{}).value() == 200);
  CHECK(other.status().active == "weave.v2");
  REQUIRE(other.roll_back());
  in.check_colours();
  CHECK(in.at->status().active == "weave.v1");
}

TEST_CASE(
    "queries of many threads neither fail nor go backwards while versions change places in several files under them") {
  mill in(3, 0);
  in.at.reset();
  auto log = cleave::sqlite::event_store::open(
                 {.path = in.folder.file("log.db"), .durability = cleave::durability::relaxed})
                 .value();
  cleave::application app{log, cleave::partitioned_rebuildable_projection<weave<1>, weave<2>>(in.files)};
  auto& versions = app.projector<weave<1>>();
  std::atomic<bool> ended = false;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      std::int64_t last = 0;
      while (!ended) {
        auto const head = log.head();
        auto const answer = app.query(all_threads{}, at_least(*head, std::chrono::seconds(20)));
        // Position and sum are one number here.
        if (!answer || *answer < last || *answer < static_cast<std::int64_t>(head->value())) ++wrong;
        else last = *answer;
      }
    });
  }
  threads.emplace_back([&] {
    std::map<std::string, std::int64_t> colours;
    for (int i = 0; !ended; ++i) {
      auto const stream = "loom-" + std::to_string(i % 50);
      auto const at = tick(log, 1 + i % 99, stream);
      colours[stream] = dyed(colours[stream], 1 + i % 99);
      auto const answer = app.query(colour_of{stream}, at_least(at, std::chrono::seconds(20)));
      if (!answer || *answer != colours[stream]) ++wrong;
    }
  });
  for (int round = 0; round < 4; ++round) {
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

TEST_CASE("an observer is told of all parts of a rebuild together, by whichever worker") {
  struct listener {
    std::atomic<int> ready = 0;
    std::atomic<int> wrong = 0;
    void on(cleave::rebuild_progress const& what) noexcept {
      if (what.projection != "weave" || what.status.events_total != 30) ++wrong;
      if (what.status.stage != rebuild_stage::ready) return;
      if (what.status.events_done != 30) ++wrong;
      ++ready;
    }
  } watching;
  mill in(3, 30);
  in.at.reset();
  cleave::testing::manual_clock clock{cleave::timestamp(1'000'000)};
  cleave::projector_options options;
  options.clock = clock;
  options.poll_us = 1'000;
  options.lease_us = 0;
  cleave::application app{in.log, cleave::observed_by(watching),
                          cleave::partitioned_rebuildable_projection<weave<1>, weave<2>>(in.files),
                          cleave::application_options{.projector = options}};
  REQUIRE(app.projector<weave<1>>().begin());
  while (watching.ready == 0) {
    clock.advance_us(1'000'000);
    std::this_thread::yield();
  }
  CHECK(watching.wrong == 0);
}
