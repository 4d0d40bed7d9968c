// SPDX-License-Identifier: BSL-1.0
#include <cleave/cleave.hpp>
#include <cleave/memory/query_cache.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>
#include <cleave/testing/manual_clock.hpp>

#include "../sqlite/scratch.hpp"
#include "ticks.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

using Catch::Contains;
using cleave::at_least;
using cleave::errc;
using cleave::partition;
using cleave::position;
using cleave::step;
using cleave::memory::event_store;
using cleave_test::tick;
using clockwork::ticked;
using sqlite_database = cleave::sqlite::database;

namespace dyeing {

struct colour_of {
  using result_type = std::int64_t;
  std::string stream;
  std::string_view key() const { return stream; }
};
BOOST_DESCRIBE_STRUCT(colour_of, (), (stream))
struct all_dips {
  using result_type = std::int64_t;
};

} // namespace dyeing

namespace {

using dyeing::all_dips;
using dyeing::colour_of;

std::int64_t dyed(std::int64_t before, std::int64_t by) { return (before * 31 + by) % 1'000'003; }

std::atomic<bool> mended = false;

// Its value tells the order: two events of a stream that change places make another one.
struct dyer {
  using events = cleave::event_set<ticked>;
  using queries = cleave::query_set<colour_of, all_dips>;
  static constexpr std::string_view name = "dyer.v1";

  static cleave::result<void> create(sqlite_database& db) {
    return db.run_script(
        "CREATE TABLE IF NOT EXISTS cloth (stream TEXT PRIMARY KEY, colour INTEGER NOT NULL, dips INTEGER NOT NULL)");
  }
  static cleave::result<void> on(ticked const& e, cleave::envelope const& at, sqlite_database& db) {
    auto const done = db.execute("INSERT INTO cloth VALUES (?1, ?2, 1) ON CONFLICT (stream) DO UPDATE SET "
                                 "colour = (colour * 31 + excluded.colour) % 1000003, dips = dips + 1",
                                 at.stream.text(), e.by);
    if (!done) return cleave::unexpected(done.error());
    if (e.by == 666 && !mended) return cleave::unexpected(cleave::error(errc::invalid_argument, "a stain"));
    return {};
  }
  static cleave::result<std::int64_t> answer(colour_of const& q, sqlite_database& db) {
    return number(db.value<std::int64_t>("SELECT colour FROM cloth WHERE stream = ?1", q.stream));
  }
  static cleave::result<std::int64_t> answer(all_dips const&, sqlite_database& db) {
    return number(db.value<std::int64_t>("SELECT sum(dips) FROM cloth"));
  }
  static std::int64_t merge(all_dips const&, std::int64_t a, std::int64_t b) { return a + b; }

private:
  static cleave::result<std::int64_t> number(cleave::result<std::optional<std::int64_t>> const& found) {
    if (!found) return cleave::unexpected(found.error());
    return found->value_or(0);
  }
};
struct parking_dyer : dyer {
  static constexpr auto on_failure = cleave::failure_policy::park;
};

using rows_type = cleave::sqlite::read_store;
template <class P> using projector = cleave::partitioned_stored_projector<P, event_store, rows_type>;
template <class P> using whole_projector = cleave::stored_projector<P, event_store, rows_type>;

struct commits_counted {
  int commits = 0;
  static void on_step(void* self, char const* step) {
    if (step == std::string_view("committed")) ++static_cast<commits_counted*>(self)->commits;
  }
};

struct dye_works {
  cleave::test::scratch_folder folder{cleave::test::memory_folder()};
  event_store log;
  std::vector<rows_type> files;
  cleave::projector_options options;
  std::map<std::string, std::int64_t> expected;
  std::vector<std::string> sent; // the stream of each event

  explicit dye_works(std::size_t parts) {
    mended = false;
    options.threads = false;
    options.batch = 8;
    options.retry_us = 0;
    files = open(parts);
  }
  std::vector<rows_type> open(std::size_t parts) {
    std::vector<rows_type> opened;
    for (std::size_t i = 0; i < parts; ++i)
      opened.push_back(
          rows_type::open({.path = folder.file("cloth-" + std::to_string(i) + ".db"), .readers = 2}).value());
    return opened;
  }
  position send(std::string const& stream, std::int64_t by) {
    expected[stream] = dyed(expected[stream], by);
    sent.push_back(stream);
    return tick(log, by, stream);
  }
  void send_many(std::mt19937_64& random, int count) {
    for (int i = 0; i < count; ++i)
      send("vat-" + std::to_string(random() % 40), static_cast<std::int64_t>(1 + random() % 99));
  }
  // A stream of this part.
  static std::string stream_of(partition const& part) {
    for (int i = 0;; ++i) {
      auto name = "vat-" + std::to_string(i);
      if (part.holds(name)) return name;
    }
  }
  std::int64_t dips_in(std::size_t file) {
    std::int64_t found = 0;
    REQUIRE(files[file].read([&](sqlite_database& db) -> cleave::result<void> {
      found = db.value<std::int64_t>("SELECT coalesce(sum(dips), 0) FROM cloth").value().value();
      return {};
    }));
    return found;
  }
  // What each file has is its part of the events up to its own checkpoint, and all up to `reached` is there.
  void check_contiguous(position reached) {
    for (std::size_t i = 0; i < files.size(); ++i) {
      partition const part{i, files.size()};
      auto const checkpoint = files[i].checkpoint("dyer.v1").value();
      std::int64_t at_least_dips = 0;
      std::int64_t stored_dips = 0;
      for (std::size_t e = 0; e < sent.size(); ++e) {
        if (!part.holds(sent[e])) continue;
        if (position(e + 1) <= reached) ++at_least_dips;
        if (position(e + 1) <= checkpoint) ++stored_dips;
      }
      REQUIRE(dips_in(i) == stored_dips);
      REQUIRE(stored_dips >= at_least_dips);
    }
  }
};

void run(auto& at) {
  while (at.step() == step::worked) {
  }
}

} // namespace

TEST_CASE(
    "in whatever order the workers of files come, and however often they start anew, each key is applied once and in order") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    auto const parts = 1 + random() % 5;
    dye_works works(parts);
    works.send_many(random, 150);
    works.options.batch = 1 + random() % 20;
    std::optional<projector<dyer>> at;
    for (int i = 0; i < 60; ++i) {
      if (i % 20 == 0) {
        at.reset();
        at.emplace(works.log, works.files, dyer{}, works.options);
        at->prepare();
        REQUIRE(at->workers().size() == parts);
      }
      at->workers()[random() % parts].step();
      works.check_contiguous(at->reached());
      if (i % 10 == 0) works.send_many(random, 3);
    }
    run(*at);
    REQUIRE(at->reached() == *works.log.head());
    for (auto const& [stream, value] : works.expected)
      REQUIRE(at->answer(colour_of{stream}).value() == value);
    REQUIRE(at->answer(all_dips{}).value() == static_cast<std::int64_t>(works.sent.size()));
  }
}

TEST_CASE("nothing is reached past the worker of a file that comes no more") {
  std::mt19937_64 random(7);
  dye_works works(4);
  works.send_many(random, 200);
  works.options.batch = 1'000;
  projector<dyer> at(works.log, works.files, {}, works.options);
  at.prepare();
  for (std::size_t i = 0; i < 3; ++i) run(at.workers()[i]);
  CHECK(at.reached() == position());
  CHECK(at.progress().wait(at_least(position(1), std::chrono::milliseconds(0))).error().code() ==
        errc::stale);
  // The next one starts where each part was.
  projector<dyer> next(works.log, works.files, {}, works.options);
  next.prepare();
  CHECK(next.reached() == position());
  run(next.workers()[3]);
  CHECK(next.reached() > position());
  works.check_contiguous(next.reached());
}

TEST_CASE("a worker of a file that fails stops before its event, and the others go on") {
  std::mt19937_64 random(8);
  dye_works works(4);
  works.send_many(random, 100);
  auto const stain = works.send("vat-0", 666);
  works.send_many(random, 100);
  projector<dyer> at(works.log, works.files, {}, works.options);
  run(at);
  CHECK(at.progress().failed());
  CHECK(at.reached() < stain);
  works.check_contiguous(at.reached());
  CHECK_THAT(at.progress().status().failure,
             Contains("dyer.v1") && Contains("position 101") && Contains("a stain"));
  CHECK(at.wait(at_least(stain)).error().code() == errc::stale);
  int others = 0;
  partition const stained{cleave::detail::hash_text("vat-0") % 4, 4};
  for (auto const& [stream, value] : works.expected) {
    if (stained.holds(stream)) continue;
    ++others;
    CHECK(at.answer(colour_of{stream}).value() == value); // up to the log's end
  }
  CHECK(others > 10);
  // Nothing was lost: it goes on once it can.
  mended = true;
  projector<dyer> again(works.log, works.files, {}, works.options);
  run(again);
  CHECK(again.reached() == *works.log.head());
  for (auto const& [stream, value] : works.expected) CHECK(again.answer(colour_of{stream}).value() == value);
}

TEST_CASE("each file keeps the dead letters of its part, and a retry brings them in, in order") {
  std::mt19937_64 random(9);
  dye_works works(3);
  works.send_many(random, 50);
  std::vector<std::string> stained; // one stream of each part
  for (std::uint64_t i = 0; i < 3; ++i) stained.push_back(dye_works::stream_of({i, 3}));
  for (auto const& stream : stained) works.send(stream, 666);
  works.send_many(random, 100);
  cleave::application app{works.log, cleave::partitioned_stored_projections<parking_dyer>(works.files),
                          cleave::application_options{.projector = works.options}};
  run(app);
  auto& at = app.projector<parking_dyer>();
  CHECK(at.reached() == *works.log.head());
  std::vector<std::uint64_t> letters;
  auto const list = [&](cleave::dead_letter const& letter) {
    letters.push_back(letter.position.value());
    return true;
  };
  REQUIRE(at.dead_letters({}, list));
  std::vector<std::uint64_t> waiting;
  for (std::size_t i = 50; i < works.sent.size(); ++i) {
    if (std::ranges::find(stained, works.sent[i]) != stained.end()) waiting.push_back(i + 1);
  }
  CHECK(waiting.size() > 4);
  CHECK(letters == waiting);
  auto const status = app.projections().at(0);
  CHECK(status.name == "dyer.v1");
  CHECK(status.checkpoint == *works.log.head());
  CHECK(status.dead_letters == waiting.size());
  CHECK(status.failure == "");
  CHECK(at.discard(position(1), "none").error().code() == errc::not_found);
  mended = true;
  auto const dips = [&] { return static_cast<std::uint64_t>(at.answer(all_dips{}).value()); };
  CHECK(dips() == works.sent.size() - waiting.size());
  auto const one = at.retry(stained[1]);
  REQUIRE(one);
  CHECK(at.answer(colour_of{stained[1]}).value() == works.expected[stained[1]]);
  auto const rest = at.retry();
  REQUIRE(rest);
  CHECK(one->applied + rest->applied == waiting.size());
  CHECK(at.count_dead_letters().value() == 0);
  CHECK(dips() == works.sent.size());
  for (auto const& [stream, value] : works.expected) CHECK(at.answer(colour_of{stream}).value() == value);
}

TEST_CASE("a file that has another part of a projection, or all of it, is refused and left alone") {
  std::mt19937_64 random(10);
  dye_works works(2);
  works.send_many(random, 60);
  {
    projector<dyer> at(works.log, works.files, {}, works.options);
    run(at);
  }
  auto const before = works.dips_in(0) + works.dips_in(1);
  CHECK(before == 60);
  works.send_many(random, 60);
  auto const refused = [&](auto& at) {
    at.prepare();
    run(at);
    CHECK(at.progress().failed());
    CHECK(works.dips_in(0) + works.dips_in(1) == before);
    return at.progress().status().failure;
  };
  {
    std::vector<rows_type> turned = works.open(2);
    std::swap(turned[0], turned[1]);
    projector<dyer> at(works.log, turned, {}, works.options);
    CHECK_THAT(refused(at), Contains("dyer.v1") && Contains("part 2 of 2") && Contains("part 1 of 2"));
  }
  {
    auto more = works.open(3);
    projector<dyer> at(works.log, more, {}, works.options);
    CHECK_THAT(refused(at), Contains("part 1 of 2") && Contains("part 1 of 3"));
  }
  {
    whole_projector<dyer> at(works.log, works.files[0], {}, works.options);
    CHECK_THAT(refused(at), Contains("part 1 of 2") && Contains("all of it"));
  }
  dye_works other(1);
  other.send_many(random, 10);
  {
    whole_projector<dyer> at(other.log, other.files[0], {}, other.options);
    run(at);
  }
  auto two = other.open(2);
  projector<dyer> at(other.log, two, {}, other.options);
  run(at);
  CHECK_THAT(at.progress().status().failure, Contains("all of it"));
  CHECK(other.dips_in(0) == 10);
}

TEST_CASE("two parts are not kept in one file") {
  std::mt19937_64 random(11);
  dye_works works(1);
  works.send_many(random, 60);
  std::vector<rows_type> twice;
  twice.reserve(2);
  for (int i = 0; i < 2; ++i) twice.push_back(std::move(works.open(1)[0]));
  projector<dyer> at(works.log, twice, {}, works.options);
  run(at);
  CHECK_THAT(at.progress().status().failure, Contains("part 1 of 2") && Contains("part 2 of 2"));
}

TEST_CASE("processes divide the parts between them, and take over what another one leaves") {
  constexpr std::int64_t lease_us = 1'000'000;
  std::mt19937_64 random(12);
  cleave::testing::manual_clock clock;
  dye_works works(4);
  works.options.lease_us = lease_us;
  works.options.clock = clock;
  works.send_many(random, 200);
  auto others_files = works.open(4);
  projector<dyer> one(works.log, works.files, {}, works.options);
  projector<dyer> other(works.log, others_files, {}, works.options);
  CHECK(one.workers()[0].step() == step::worked);
  CHECK(one.workers()[1].step() == step::worked);
  CHECK(other.workers()[2].step() == step::worked);
  CHECK(other.workers()[3].step() == step::worked);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK((i < 2 ? other : one).workers()[i].step() == step::waiting);
    run((i < 2 ? one : other).workers()[i]);
  }
  // Each sees how far the parts of the other one are.
  run(one);
  run(other);
  CHECK(one.reached() > position());
  CHECK(other.reached() == one.reached());
  for (auto const& [stream, value] : works.expected) CHECK(one.answer(colour_of{stream}).value() == value);
  works.send_many(random, 50);
  clock.advance_us(lease_us);
  run(one);
  CHECK(one.reached() == *works.log.head());
  works.check_contiguous(one.reached());
  for (auto const& [stream, value] : works.expected) CHECK(one.answer(colour_of{stream}).value() == value);
}

TEST_CASE("a part that has nothing to apply writes nothing, and is where the log is") {
  dye_works works(2);
  auto const theirs = dye_works::stream_of({1, 2});
  commits_counted counted;
  works.options.on_step = {&commits_counted::on_step, &counted};
  projector<dyer> at(works.log, works.files, {}, works.options);
  works.send(theirs, 1);
  run(at);
  CHECK(counted.commits == 1);
  for (int i = 0; i < 100; ++i) works.send(theirs, 1);
  run(at);
  CHECK(at.reached() == position(101));
  CHECK(works.files[0].checkpoint("dyer.v1").value() == position());
  CHECK(counted.commits == 1 + 100 / 8 + 1);
  // What it passes over is stored now and then.
  for (int i = 0; i < 10'000; ++i) tick(works.log, 1, theirs);
  works.options.batch = 4'096;
  projector<dyer> next(works.log, works.files, {}, works.options);
  run(next.workers()[0]);
  CHECK(works.files[0].checkpoint("dyer.v1").value() > position());
}

TEST_CASE("workers of files with threads of their own keep up, also over the log's own format") {
  dye_works works(3);
  auto log = cleave::sqlite::event_store::open(
                 {.path = works.folder.file("log.db"), .durability = cleave::durability::relaxed})
                 .value();
  cleave::memory::query_cache cache;
  cleave::application app{log, cleave::partitioned_stored_projections<dyer>(works.files),
                          cleave::cached_queries<colour_of>(cache)};
  std::vector<std::thread> clients;
  clients.reserve(3);
  std::atomic<int> wrong = 0;
  for (int c = 0; c < 3; ++c) {
    clients.emplace_back([&, c] {
      std::map<std::string, std::int64_t> mine;
      for (int i = 0; i < 50; ++i) {
        auto const stream = "vat-" + std::to_string(c) + std::to_string(i % 10);
        auto const at = tick(log, i, stream);
        mine[stream] = dyed(mine[stream], i);
        auto const answer = app.query(colour_of{stream}, at_least(at, std::chrono::seconds(60)));
        if (!answer || *answer != mine[stream]) ++wrong;
      }
    });
  }
  for (auto& client : clients) client.join();
  CHECK(wrong == 0);
  CHECK(app.query(all_dips{}, at_least(*log.head(), std::chrono::seconds(60))).value() == 150);
}
