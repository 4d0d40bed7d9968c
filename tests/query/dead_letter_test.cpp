// SPDX-License-Identifier: BSL-1.0
// What becomes of events that a projection cannot apply. The read model of these tests is sensitive to order: per stream, a number
// that each event multiplies and adds to, so that an event that is missing, twice, or too early shows.
#include <cleave/query/memory_projector.hpp>
#include <cleave/query/stored_projector.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>
#include <cleave/testing/manual_clock.hpp>

#include "../attack/scale.hpp"
#include "../sqlite/scratch.hpp"
#include "small_read_store.hpp"
#include "ticks.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <random>
#include <stdexcept>
#include <thread>
#include <vector>

using Catch::Contains;
using cleave::at_least;
using cleave::dead_letter;
using cleave::errc;
using cleave::failure_policy;
using cleave::position;
using cleave::step;
using cleave::memory::event_store;
using cleave_test::tick;
using clockwork::struck;
using clockwork::ticked;

namespace {

struct threads_of {
  using result_type = std::map<std::string, std::int64_t>;
};

// What is broken: the events that the projections below refuse.
std::function<void(std::int64_t)> on_event = [](std::int64_t) {};
void poison(std::int64_t by) {
  if (by == 666) throw std::runtime_error("broken spring");
}
std::int64_t thread(std::int64_t before, std::int64_t by) { return (before * 31 + by) % 1'000'000'007; }

struct woven {
  using events = cleave::event_set<ticked>;
  using queries = cleave::query_set<threads_of>;
  static constexpr std::string_view name = "woven.v1";
  static constexpr auto on_failure = failure_policy::park;
  std::map<std::string, std::int64_t> streams;
  void on(ticked const& e, cleave::envelope const& at) {
    on_event(e.by);
    auto& place = streams[std::string(at.stream.text())];
    place = thread(place, e.by);
  }
  std::map<std::string, std::int64_t> answer(threads_of const&) const { return streams; }
};

struct woven_rows {
  using events = cleave::event_set<ticked>;
  using queries = cleave::query_set<threads_of>;
  static constexpr std::string_view name = "woven-rows.v1";
  cleave::result<void> create(cleave::sqlite::database& db) {
    return db.run_script(
        "CREATE TABLE IF NOT EXISTS woven (stream TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS loom (id INTEGER PRIMARY KEY);"
        "CREATE TABLE IF NOT EXISTS late (loom REFERENCES loom (id) DEFERRABLE INITIALLY DEFERRED)");
  }
  cleave::result<void> on(ticked const& e, cleave::envelope const& at, cleave::sqlite::database& db) {
    auto const done = db.execute("INSERT INTO woven VALUES (?1, ?2) ON CONFLICT (stream) DO UPDATE SET "
                                 "n = (n * 31 + excluded.n) % 1000000007",
                                 at.stream.text(), e.by);
    if (!done) return cleave::unexpected(done.error());
    if (e.by == 555) { // refused when the transaction ends
      auto const late = db.execute("INSERT INTO late VALUES (1)");
      if (!late) return cleave::unexpected(late.error());
    }
    on_event(e.by); // behind the effect, which must not be seen
    return {};
  }
  cleave::result<std::map<std::string, std::int64_t>> answer(threads_of const&,
                                                             cleave::sqlite::database& db) const {
    std::map<std::string, std::int64_t> all;
    auto const read = db.for_each("SELECT stream, n FROM woven",
                                  [&](std::string stream, std::int64_t n) { all[std::move(stream)] = n; });
    if (!read) return cleave::unexpected(read.error());
    return all;
  }
};

struct full {
  using events = cleave::event_set<ticked>;
  static constexpr std::string_view name = "full.v1";
  static cleave::result<void> on(ticked const&, cleave::envelope const&, cleave::sqlite::database&) {
    return cleave::unexpected(
        cleave::error(errc::handler_failed, "mine", cleave::error(errc::disk_full, "no room")));
  }
};

struct adder {
  using events = cleave::event_set<ticked>;
  static constexpr std::string_view name = "adder.v1";
  static constexpr auto on_failure = failure_policy::park;
  static void on(ticked const& e, cleave::envelope const&, cleave_test::small_read_store::session&) {
    poison(e.by);
  }
};

struct plain : woven {
  static constexpr auto on_failure = failure_policy::stop;
};

struct by_category : woven {
  static std::string key(cleave::envelope const& at) { return std::string(at.stream.category()); }
};

// The three places of a read model. Each has the same facts.
struct bench {
  cleave::testing::manual_clock clock;
  cleave::projector_options options;
  bench() {
    on_event = poison;
    options.threads = false;
    options.batch = 16;
    options.retry_us = 0;
    options.on_failure = failure_policy::park;
    options.clock = clock;
  }
};
struct in_memory : bench {
  event_store log{};
  cleave::memory_projector<woven, event_store> at;
  explicit in_memory(cleave::projector_options const& with) : at(log, {}, with) {}
  in_memory() : at(log, {}, options) {}
};
struct in_a_file : bench {
  cleave::test::scratch_folder folder;
  event_store log{};
  cleave::sqlite::read_store rows = cleave::sqlite::read_store::open({.path = folder.file("rows.db")})
                                        .value();
  cleave::stored_projector<woven_rows, event_store, cleave::sqlite::read_store> at{log, rows, {}, options};
};
struct in_the_log : bench {
  cleave::test::scratch_folder folder;
  cleave::sqlite::event_store log = cleave::sqlite::event_store::open(
                                        {.path = folder.file("log.db"),
                                         .durability = cleave::durability::relaxed})
                                        .value();
  cleave::sqlite::read_store rows = cleave::sqlite::read_store::of(log).value();
  cleave::stored_projector<woven_rows, cleave::sqlite::event_store, cleave::sqlite::read_store> at{
      log, rows, {}, options};
};

template <class Projector> void run(Projector& at) {
  while (at.step() == step::worked) {
  }
}
template <class Projector> std::vector<dead_letter> letters(Projector& at,
                                                            cleave::dead_letter_range const& range = {}) {
  std::vector<dead_letter> all;
  auto const listed = at.dead_letters(range, [&](dead_letter const& letter) {
    all.push_back(letter);
    return true;
  });
  if (!listed) FAIL(listed.error().message());
  return all;
}
template <class Projector> std::vector<std::uint64_t> places(Projector& at,
                                                             cleave::dead_letter_range const& range = {}) {
  std::vector<std::uint64_t> all;
  for (dead_letter const& letter : letters(at, range)) all.push_back(letter.position.value());
  return all;
}
using positions = std::vector<std::uint64_t>;
using model = std::map<std::string, std::int64_t>;

} // namespace

TEMPLATE_TEST_CASE("a poison event is parked with the later ones of its key, in order, and other keys go on",
                   "", in_memory, in_a_file, in_the_log) {
  TestType f;
  tick(f.log, 1, "a");
  tick(f.log, 666, "a");
  tick(f.log, 2, "b");
  tick(f.log, 3, "a");
  tick(f.log, 4, "b");
  run(f.at);
  REQUIRE(f.at.progress().status().failure == "");
  REQUIRE(f.at.reached() == position(5));
  REQUIRE(*f.at.answer(threads_of{}) == model{{"a", 1}, {"b", 2 * 31 + 4}});
  auto const parked = letters(f.at);
  REQUIRE(parked.size() == 2);
  CHECK(parked[0].position == position(2));
  CHECK(parked[0].key == "a");
  CHECK(parked[0].event == "ticked.v1");
  CHECK(parked[0].attempts == 3);
  CHECK(parked[0].parked_at == f.clock.now());
  CHECK_THAT(parked[0].error,
             Contains("event ticked.v1 at position 2 (stream a, version 2)") && Contains("broken spring"));
  CHECK(parked[1].position == position(4));
  CHECK(parked[1].attempts == 0);
  CHECK_THAT(parked[1].error, Contains("waits behind"));
  tick(f.log, 5, "a"); // in another batch
  tick(f.log, 6, "b");
  run(f.at);
  CHECK(places(f.at) == positions{2, 4, 6});
  CHECK(places(f.at, {.after = position(2), .limit = 1, .key = "a"}) == positions{4});
  CHECK(places(f.at, {.key = "b"}).empty());
}

TEMPLATE_TEST_CASE("after the fix a retry applies the dead letters in order, and their keys flow again", "",
                   in_memory, in_a_file, in_the_log) {
  TestType f;
  for (auto const& [by, stream] : std::vector<std::pair<int, char const*>>{
           {1, "a"}, {666, "a"}, {2, "b"}, {3, "a"}, {666, "c"}, {666, "a"}, {4, "c"}}) {
    tick(f.log, by, stream);
  }
  run(f.at);
  REQUIRE(places(f.at) == positions{2, 4, 5, 6, 7});

  // Nothing is mended: nothing changes but the count of tries, and followers stay behind.
  auto again = f.at.retry();
  REQUIRE(again);
  CHECK(again->applied == 0);
  CHECK(again->failed == 2);
  CHECK(places(f.at) == positions{2, 4, 5, 6, 7});
  CHECK(letters(f.at)[0].attempts == 4);
  CHECK(letters(f.at)[1].attempts == 0);
  CHECK(*f.at.answer(threads_of{}) == model{{"a", 1}, {"b", 2}});

  on_event = [](std::int64_t) {};
  again = f.at.retry("c");
  REQUIRE(again);
  CHECK(again->applied == 2);
  CHECK(places(f.at) == positions{2, 4, 6});
  again = f.at.retry();
  REQUIRE(again);
  CHECK(again->applied == 3);
  CHECK(again->failed == 0);
  CHECK(places(f.at).empty());
  tick(f.log, 5, "a");
  run(f.at);
  CHECK(places(f.at).empty());
  std::int64_t a = 0;
  for (std::int64_t const by : {1, 666, 3, 666, 5}) a = thread(a, by);
  CHECK(*f.at.answer(threads_of{}) == model{{"a", a}, {"b", 2}, {"c", thread(666, 4)}});
}

TEMPLATE_TEST_CASE("a retry that fails again in the middle keeps what it applied, and the rest in its place",
                   "", in_memory, in_a_file, in_the_log) {
  TestType f;
  on_event = [](std::int64_t by) {
    if (by >= 600) throw std::runtime_error("broken spring");
  };
  for (int const by : {600, 1, 666, 2}) tick(f.log, by, "a");
  tick(f.log, 601, "b");
  run(f.at);
  REQUIRE(places(f.at) == positions{1, 2, 3, 4, 5});
  on_event = poison;
  auto const again = f.at.retry();
  REQUIRE(again);
  CHECK(again->applied == 3);
  CHECK(again->failed == 1);
  CHECK(places(f.at) == positions{3, 4});
  CHECK(letters(f.at)[0].attempts == 1);
  CHECK_THAT(letters(f.at)[0].error, Contains("broken spring"));
  CHECK(*f.at.answer(threads_of{}) == model{{"a", thread(600, 1)}, {"b", 601}});
}

TEMPLATE_TEST_CASE("a dead letter can be discarded with a reason, and is never applied then", "", in_memory,
                   in_a_file, in_the_log) {
  TestType f;
  for (int const by : {1, 666, 2}) tick(f.log, by, "a");
  run(f.at);
  CHECK(f.at.discard(position(2), "").error().code() == errc::invalid_argument);
  CHECK(f.at.discard(position(1), "no letter").error().code() == errc::not_found);
  REQUIRE(f.at.discard(position(2), "booked by hand"));
  CHECK(f.at.discard(position(2), "twice").error().code() == errc::not_found);
  CHECK(places(f.at) == positions{3});
  auto const discarded = letters(f.at, {.discarded = true});
  REQUIRE(discarded.size() == 1);
  CHECK(discarded[0].position == position(2));
  CHECK(discarded[0].discarded == "booked by hand");
  on_event = [](std::int64_t) {};
  REQUIRE(f.at.retry());
  tick(f.log, 3, "a");
  run(f.at);
  CHECK(*f.at.answer(threads_of{}) == model{{"a", thread(thread(1, 2), 3)}});
  CHECK(places(f.at).empty());
}

TEMPLATE_TEST_CASE("an event is tried again after waits that double, told by the clock alone", "", in_memory,
                   in_a_file) {
  TestType f;
  struct slow : bench {
    slow() {
      options.attempts = 4;
      options.retry_us = 1'000;
      options.longest_retry_us = 1'500;
    }
  } const s;
  int tries = 0;
  on_event = [&](std::int64_t by) {
    tries += by == 666 ? 1 : 0;
    poison(by);
  };
  auto options = s.options;
  options.clock = f.clock;
  auto const check = [&](auto& at) {
    tick(f.log, 666, "a");
    tick(f.log, 1, "b");
    while (at.step() == step::worked) {
    }
    int const first = tries; // alone for the first time
    CHECK(at.step() == step::waiting);
    f.clock.advance_us(999);
    CHECK(at.step() == step::waiting);
    f.clock.advance_us(1);
    CHECK(at.step() == step::waiting);
    CHECK(tries == first + 1);
    f.clock.advance_us(1'499);
    CHECK(at.step() == step::waiting);
    f.clock.advance_us(1);
    CHECK(at.step() == step::waiting);
    CHECK(tries == first + 2);
    f.clock.advance_us(-1'000'000); // a clock that was set back ends the wait
    CHECK(at.step() == step::worked);
    CHECK(tries == first + 3);
    run(at);
    CHECK(places(at) == positions{1});
    CHECK(at.reached() == position(2));
  };
  if constexpr (requires { f.rows; }) {
    cleave::stored_projector<woven_rows, event_store, cleave::sqlite::read_store> at(f.log, f.rows, {},
                                                                                     options);
    check(at);
  } else {
    cleave::memory_projector<woven, event_store> at(f.log, {}, options);
    check(at);
  }
}

TEMPLATE_TEST_CASE("an event that does not decode is parked too", "", in_memory, in_a_file) {
  TestType f;
  cleave::new_event bad;
  bad.id = cleave::event_id(cleave::uuid({1}));
  bad.name = "ticked.v1";
  bad.data = R"({"by":"one"})";
  cleave::stream_append const part{"a", cleave::expectation::any(), {&bad, 1}};
  REQUIRE(f.log.append(cleave::append_request{.streams = {&part, 1}}));
  tick(f.log, 1, "a");
  tick(f.log, 2, "b");
  run(f.at);
  CHECK(places(f.at) == positions{1, 2});
  CHECK_THAT(letters(f.at)[0].error, Contains("by"));
  CHECK(*f.at.answer(threads_of{}) == model{{"b", 2}});
}

TEST_CASE("what is refused when the transaction ends is found and parked, whatever is around it") {
  in_a_file f;
  for (int const by : {1, 2, 555, 3, 4}) tick(f.log, by, by == 4 ? "b" : "a");
  run(f.at);
  REQUIRE(f.at.progress().status().failure == "");
  CHECK(places(f.at) == positions{3, 4});
  CHECK_THAT(letters(f.at)[0].error, Contains("deferred"));
  CHECK(*f.at.answer(threads_of{}) == model{{"a", thread(1, 2)}, {"b", 4}});
}

TEST_CASE("trouble of the machine parks nothing: it is tried again and then stops the projection") {
  in_a_file f;
  on_event = [](std::int64_t) {};
  tick(f.log, 1, "a");
  run(f.at);
  cleave::stored_projector<full, event_store, cleave::sqlite::read_store> at(f.log, f.rows, {}, f.options);
  run(at);
  CHECK(at.step() == step::failed);
  CHECK(places(at).empty());
  CHECK(*f.rows.checkpoint("full.v1") == position());
}

TEST_CASE("dead letters that cannot be stored stop the projection, and nothing is passed over") {
  in_a_file f;
  tick(f.log, 1, "a");
  tick(f.log, 666, "a");
  tick(f.log, 2, "b");
  auto const forbid = [&](std::string_view sql) {
    auto const at = *f.rows.checkpoint("maker.v1");
    REQUIRE(f.rows.apply("maker.v1", at, [&](cleave::sqlite::database& db) -> cleave::result<position> {
      if (auto done = db.run_script(sql); !done) return cleave::unexpected(done.error());
      return at;
    }));
  };
  SECTION("of the event that failed") {
    forbid(
        "CREATE TRIGGER no_letters BEFORE INSERT ON cleave_dead_letters BEGIN SELECT raise(ABORT, 'no letters'); END");
    run(f.at);
    CHECK(f.at.step() == step::failed);
    CHECK(*f.rows.checkpoint("woven-rows.v1") == position(1));
  }
  SECTION("of a follower") {
    run(f.at);
    forbid(
        "CREATE TRIGGER no_letters BEFORE INSERT ON cleave_dead_letters BEGIN SELECT raise(ABORT, 'no letters'); END");
    tick(f.log, 4, "a");
    run(f.at);
    CHECK(f.at.step() == step::failed);
    CHECK(*f.rows.checkpoint("woven-rows.v1") == position(3));
  }
  auto const status = f.at.progress().status();
  CHECK_THAT(status.failure, Contains("no letters"));
  CHECK(f.at.wait(at_least(position(4))).error().code() == errc::stale);
}

TEST_CASE("more dead letters than the limit stop the projection") {
  in_a_file f;
  f.options.dead_letters = 2;
  cleave::stored_projector<woven_rows, event_store, cleave::sqlite::read_store> at(f.log, f.rows, {},
                                                                                   f.options);
  for (int const by : {666, 1, 2}) tick(f.log, by, "a");
  run(at);
  CHECK(at.step() == step::failed);
  CHECK_THAT(at.progress().status().failure, Contains("2 dead letters wait, the limit is 2"));
  CHECK(*f.rows.checkpoint("woven-rows.v1") == position(1)); // the followers came in one batch
  CHECK(places(at) == positions{1});
  f.options.dead_letters = 3;
  cleave::stored_projector<woven_rows, event_store, cleave::sqlite::read_store> next(f.log, f.rows, {},
                                                                                     f.options);
  run(next);
  CHECK(next.reached() == position(3));
  CHECK(places(next) == positions{1, 2, 3});
}

TEST_CASE("a read store that keeps no dead letters stops a projection that would park, and says so") {
  bench b;
  event_store log;
  cleave_test::small_read_store rows;
  tick(log, 666);
  cleave::stored_projector<adder, event_store, cleave_test::small_read_store> at(log, rows, {}, b.options);
  run(at);
  CHECK(at.step() == step::failed);
  CHECK_THAT(at.progress().status().failure,
             Contains("the read store keeps no dead letters") && Contains("broken spring"));
}

TEST_CASE(
    "a projection in memory that does not promise to be left whole is stopped, whatever the options say") {
  bench b;
  event_store log;
  tick(log, 666);
  cleave::memory_projector<plain, event_store> at(log, {}, b.options);
  CHECK(at.step() == step::failed);
}

TEST_CASE("the key is what the projection says, the stream where it says nothing") {
  bench b;
  event_store log;
  tick(log, 666, "a-1");
  tick(log, 1, "a-2");
  tick(log, 1, "b-1");
  cleave::memory_projector<by_category, event_store> at(log, {}, b.options);
  run(at);
  CHECK(places(at) == positions{1, 2});
  CHECK(letters(at)[1].key == "a");
  CHECK(*at.answer(threads_of{}) == model{{"b-1", 1}});
}

namespace {

struct halved_v1 {
  std::int64_t by = 0;
  std::vector<ticked> upcast() const { return {ticked{by}, ticked{666}}; }
};
struct halved {
  using supersedes = cleave::event_set<halved_v1>;
};

} // namespace
template <> inline constexpr auto cleave::event_name<halved_v1> = "halved.v1";
template <> inline constexpr auto cleave::event_name<halved> = "halved.v2";

namespace {

struct halves : woven {
  using events = cleave::event_set<ticked, halved>;
  static constexpr std::string_view name = "halves.v1";
  using woven::on;
  void on(halved const&) {}
};

} // namespace

TEST_CASE("an old event of which a part was applied in memory stops a projection that parks") {
  bench b;
  event_store log;
  cleave_test::append(log, "a", halved_v1{1});
  cleave::memory_projector<halves, event_store> at(log, {}, b.options);
  CHECK(at.step() == step::failed);
  CHECK(places(at).empty());
}

TEST_CASE("an old event of which a part was applied stops it also while letters wait") {
  bench b;
  event_store log;
  tick(log, 666, "a");
  cleave_test::append(log, "b", halved_v1{1});
  cleave::memory_projector<halves, event_store> at(log, {}, b.options);
  run(at);
  CHECK(at.step() == step::failed);
  CHECK(places(at) == positions{1});
}

TEST_CASE("dead letters outlive the process, and a file from before them gets their table") {
  in_a_file f;
  for (int const by : {666, 1}) tick(f.log, by, "a");
  {
    // A file of the first schema.
    cleave::test::scratch_folder const folder;
    {
      REQUIRE(cleave::sqlite::read_store::open({.path = folder.file("old.db")}));
    }
    {
      auto db = cleave::sqlite::database::open({.path = folder.file("old.db")}).value();
      REQUIRE(db.run_script(
          "DROP TABLE cleave_dead_letters; DROP TABLE cleave_leases; DROP TABLE cleave_versions; DROP TABLE cleave_partitions;"
          "UPDATE cleave_meta SET value = 1 WHERE name = 'schema_version'"));
    }
    auto rows = cleave::sqlite::read_store::open({.path = folder.file("old.db")}).value();
    {
      cleave::stored_projector<woven_rows, event_store, cleave::sqlite::read_store> at(f.log, rows, {},
                                                                                       f.options);
      run(at);
      CHECK(places(at) == positions{1, 2});
    }
    tick(f.log, 2, "a");
    cleave::stored_projector<woven_rows, event_store, cleave::sqlite::read_store> at(f.log, rows, {},
                                                                                     f.options);
    run(at);
    CHECK(places(at) == positions{1, 2, 3});
  }
}

namespace {

// One event in a hundred is poison. What must become of each is computed from the list of what was appended.
template <class Fixture> void poison_and_mend(std::uint64_t events) {
  Fixture f;
  constexpr std::uint64_t streams = 1'000;
  std::mt19937_64 random(4);
  std::map<std::string, bool> poisoned;
  positions parked;
  model flowing;
  model whole;
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < streams; ++i) names.push_back("s-" + std::to_string(i));
  for (std::uint64_t i = 1; i <= events; ++i) {
    std::string const& stream = names[random() % streams];
    std::int64_t const by = random() % 100 == 0 ? 666 : static_cast<std::int64_t>(random() % 500);
    tick(f.log, by, stream);
    whole[stream] = thread(whole[stream], by);
    if (by == 666) poisoned[stream] = true;
    if (poisoned[stream]) parked.push_back(i);
    else flowing[stream] = thread(flowing[stream], by);
  }
  run(f.at);
  REQUIRE(f.at.progress().status().failure == "");
  REQUIRE(f.at.reached() == position(events));
  CHECK(places(f.at) == parked);
  CHECK(*f.at.answer(threads_of{}) == flowing);
  on_event = [](std::int64_t) {};
  auto const done = f.at.retry();
  REQUIRE(done);
  CHECK(done->applied == parked.size());
  CHECK(places(f.at).empty());
  CHECK(*f.at.answer(threads_of{}) == whole);
}

} // namespace

TEST_CASE(
    "of many events one in a hundred is poison: just those and their followers are parked, and a retry makes all well") {
  poison_and_mend<in_memory>(100'000);
  poison_and_mend<in_a_file>(cleave::test::attack_count(10'000));
}

TEMPLATE_TEST_CASE("steps, retries and queries at once apply each event once, in the order of its key", "",
                   in_memory, in_a_file) {
  TestType f;
  run(f.at); // makes the tables, which the queries need
  std::atomic<bool> broken = true;
  on_event = [&](std::int64_t by) {
    if (broken && by == 666) throw std::runtime_error("broken spring");
  };
  constexpr int count = 300;
  std::vector<std::thread> threads;
  std::atomic<bool> over = false;
  std::atomic<int> odd = 0;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      while (!over) odd += f.at.step() == step::failed ? 1 : 0;
    });
    threads.emplace_back([&] {
      while (!over) odd += f.at.retry() && f.at.answer(threads_of{}) ? 0 : 1;
    });
  }
  model whole;
  for (int i = 1; i <= count; ++i) {
    std::string const stream = "s-" + std::to_string(i % 7);
    std::int64_t const by = i % 10 == 0 ? 666 : i;
    tick(f.log, by, stream);
    whole[stream] = thread(whole[stream], by);
  }
  while (f.at.reached() < position(count)) std::this_thread::yield();
  broken = false;
  while (!letters(f.at).empty()) std::this_thread::yield();
  over = true;
  for (auto& each : threads) each.join();
  CHECK(odd == 0);
  CHECK(*f.at.answer(threads_of{}) == whole);
}

TEST_CASE("batches grow while much waits, and shrink when little does or when they take long") {
  cleave::detail::batch_size size({.batch = 1'000, .least_batch = 100, .batch_us = 50});
  CHECK(size.next() == 100);
  size.done(100, 10);
  CHECK(size.next() == 200);
  for (int i = 0; i < 9; ++i) size.done(size.next(), 25);
  CHECK(size.next() == 1'000);
  size.done(1'000, 26);
  CHECK(size.next() == 1'000);
  size.done(1'000, 51);
  CHECK(size.next() == 500);
  size.done(300, 1);
  CHECK(size.next() == 500);
  size.done(249, 1);
  CHECK(size.next() == 250);
  for (int i = 0; i < 9; ++i) size.done(0, 0);
  CHECK(size.next() == 100);
  CHECK(cleave::detail::batch_size({.batch = 2, .least_batch = 100}).next() == 2);
}

TEST_CASE("a projector that is far behind takes ever bigger batches") {
  in_a_file f;
  on_event = [](std::int64_t) {};
  f.options.batch = 1'000;
  f.options.least_batch = 10;
  cleave::stored_projector<woven_rows, event_store, cleave::sqlite::read_store> at(f.log, f.rows, {},
                                                                                   f.options);
  for (int i = 0; i < 100; ++i) tick(f.log, i, "a");
  positions steps;
  while (at.step() == step::worked) steps.push_back(at.reached().value());
  CHECK(steps == positions{10, 30, 70, 100});
}
