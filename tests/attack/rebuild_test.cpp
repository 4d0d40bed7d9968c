// SPDX-License-Identifier: BSL-1.0
// A projection is rebuilt beside the live one while commands and queries go on, by processes that are killed in the middle of it,
// until the new version is compared, switched to, and the old one dropped. Every event adds one, so that an answer is to be the
// position itself: lower, and a query went backwards; higher, and an event was applied twice.
#include <cleave/cleave.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "../sqlite/scratch.hpp"
#include "forked.hpp"
#include "scale.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <random>
#include <thread>
#include <utility>
#include <vector>

using namespace cleave;
using namespace cleave::test;

namespace rowing {

struct pulled {
  std::int64_t strokes = 0;
};
BOOST_DESCRIBE_STRUCT(pulled, (), (strokes))
struct strokes {
  using result_type = std::int64_t;
};

} // namespace rowing
template <> inline constexpr auto cleave::event_name<rowing::pulled> = "rowed.v1";

namespace {

using rowing::pulled;
using rowing::strokes;

// What the processes say. It outlives them.
struct logbook {
  std::atomic<std::uint64_t> shown{0};         // the highest answer
  std::atomic<std::uint64_t> first_handled{0}; // by the new version, in this life
  std::atomic<std::uint64_t> handled{0};       // the same, how many
  std::atomic<std::uint64_t> queries{0};
  std::atomic<std::uint64_t> left_seen{0}; // how often the time left could be told
  std::atomic<bool> finished{false};
  progress_report report;
};
logbook* told = nullptr;

template <int V> struct rowers {
  using events = event_set<pulled>;
  using queries = query_set<strokes>;
  static constexpr std::string_view name = V == 1 ? "rowers.v1" : "rowers.v2";
  static constexpr std::array<std::string_view, 2> tables = {V == 1 ? "rowers_1" : "rowers_2",
                                                             V == 1 ? "boats_1" : "boats_2"};

  static result<void> create(sqlite::database& db) {
    return db.run_script(format_text("CREATE TABLE IF NOT EXISTS {} (id INTEGER PRIMARY KEY, n INTEGER); "
                                     "CREATE TABLE IF NOT EXISTS {} (boat TEXT PRIMARY KEY, n INTEGER)",
                                     tables[0], tables[1]));
  }
  static result<void> on(pulled const& e, envelope const& at, sqlite::database& db) {
    static std::string const add = format_text(
        "INSERT INTO {} VALUES (1, ?1) ON CONFLICT DO UPDATE SET n = n + ?1", tables[0]);
    static std::string const of_boat = format_text(
        "INSERT INTO {} VALUES (?1, ?2) ON CONFLICT DO UPDATE SET n = n * 31 % 1000003 + ?2", tables[1]);
    if constexpr (V == 2) {
      if (told->handled++ == 0) told->first_handled = at.position.value();
    }
    if (auto const done = db.execute(add, e.strokes); !done) return unexpected(done.error());
    if (auto const done = db.execute(of_boat, at.stream.text(), e.strokes); !done)
      return unexpected(done.error());
    return {};
  }
  static result<std::int64_t> answer(strokes const&, sqlite::database& db) {
    static std::string const sum = format_text("SELECT coalesce(sum(n), 0) FROM {}", tables[0]);
    auto found = db.value<std::int64_t>(sum);
    if (!found) return unexpected(found.error());
    return found->value_or(0);
  }
};

result<position> pull(sqlite::event_store& log, std::uint64_t boat, std::size_t times) {
  static pulled const event{1};
  id_source_ref ids;
  std::vector<new_event> batch;
  batch.reserve(times);
  for (std::size_t i = 0; i < times; ++i)
    batch.push_back(to_new_event(event_id(ids.next(timestamp())), event));
  std::string const name = "boat-" + std::to_string(boat % 1'000);
  stream_append const part{name, expectation::any(), batch};
  auto done = log.append(append_request{.streams = {&part, 1}});
  if (!done) return unexpected(std::move(done).error());
  return done->position;
}

void raise_to(std::atomic<std::uint64_t>& mark, std::uint64_t value) {
  std::uint64_t seen = mark;
  while (seen < value && !mark.compare_exchange_weak(seen, value)) {
  }
}

// One process: goes on with the rebuild wherever the one before was killed, among commands and queries.
class life {
public:
  life(std::string path, std::uint64_t rate) : path_(std::move(path)), rate_(rate) {}

  void run() {
    auto log = sqlite::event_store::open({.path = path_, .durability = durability::relaxed});
    if (!log) return fail(log.error());
    auto rows = sqlite::read_store::of(*log);
    if (!rows) return fail(rows.error());
    application app{*log, rebuildable_projection<rowers<1>, rowers<2>>(*rows, {.events_per_second = rate_})};
    std::vector<std::thread> threads;
    threads.emplace_back([&] { write(*log); });
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        while (!ended_) ask(app, *log);
      });
    }
    rebuild(app.projector<rowers<1>>());
    ended_ = true;
    for (auto& thread : threads) thread.join();
    if (!failed_) told->finished = true;
  }

private:
  void fail(error const& why) {
    if (!failed_.exchange(true)) told->report.fail(why.message());
    ended_ = true;
  }
  // At half the rate of the rebuild: on a machine that writes faster it would never end.
  void write(sqlite::event_store& log) {
    auto const begin = std::chrono::steady_clock::now();
    std::uint64_t sent = 0;
    for (std::uint64_t i = 0; !ended_;) {
      std::chrono::duration<double> const passed = std::chrono::steady_clock::now() - begin;
      if (2 * static_cast<double>(sent) > static_cast<double>(rate_) * passed.count()) {
        std::this_thread::yield();
        continue;
      }
      std::size_t const times = 1 + i % 3;
      if (auto const done = pull(log, i++, times); !done) fail(done.error());
      sent += times;
    }
  }
  template <class App> void ask(App& app, sqlite::event_store& log) {
    auto const before = told->shown.load();
    auto const head = log.head();
    if (!head) return fail(head.error());
    auto const answer = app.query(strokes{}, at_least(*head, std::chrono::seconds(60)));
    if (!answer) return fail(answer.error());
    auto const n = static_cast<std::uint64_t>(*answer);
    if (n < std::max(before, head->value()))
      return fail(make_error(errc::stale, "{} was answered behind {} and {}", n, before, *head));
    auto const after = log.head();
    if (after && n > after->value())
      return fail(make_error(errc::corrupt, "{} was answered, the log has {} events", n, *after));
    raise_to(told->shown, n);
    ++told->queries;
  }
  template <class Projector> void rebuild(Projector& versions) {
    auto const good = [&](auto const& done) {
      if (!done) fail(done.error());
      return done.has_value();
    };
    // The process before was killed when all but this was done.
    if (versions.status().stage == rebuild_stage::clearing) return wait_until_clear(versions);
    if (versions.status().stage == rebuild_stage::none && !good(versions.begin())) return;
    for (;;) {
      auto const now = versions.status();
      if (now.left_us) ++told->left_seen;
      if (!now.failure.empty()) return fail(error(errc::handler_failed, now.failure));
      if (now.stage != rebuild_stage::building || ended_) break;
      std::this_thread::yield();
    }
    auto const compared = versions.compare();
    if (!good(compared)) return;
    if (compared->rows != rows_compared::same) return fail(error(errc::corrupt, compared->detail));
    if (!good(versions.switch_over()) || !good(versions.roll_back()) || !good(versions.switch_over())) return;
    auto const again = versions.compare();
    if (!good(again)) return;
    if (again->rows != rows_compared::same) return fail(error(errc::corrupt, again->detail));
    if (good(versions.drop())) wait_until_clear(versions);
  }
  template <class Projector> void wait_until_clear(Projector& versions) {
    while (!ended_ && versions.status().stage == rebuild_stage::clearing) std::this_thread::yield();
    if (auto const now = versions.status(); !now.failure.empty())
      fail(error(errc::handler_failed, now.failure));
  }

  std::string path_;
  std::uint64_t rate_;
  std::atomic<bool> ended_ = false;
  std::atomic<bool> failed_ = false;
};

struct found_rows {
  std::uint64_t head = 0;
  std::uint64_t first = 0;  // checkpoint of the first version
  std::uint64_t second = 0; // of the second one
  std::uint64_t strokes = 0;
};
found_rows look(std::string const& path, int version) {
  auto log = sqlite::event_store::open({.path = path, .durability = durability::relaxed}).value();
  auto rows = sqlite::read_store::of(log).value();
  found_rows out;
  out.head = log.head()->value();
  out.first = rows.checkpoint("rowers.v1")->value();
  out.second = rows.checkpoint("rowers.v2")->value();
  REQUIRE(rows.read([&](sqlite::database& db) -> result<void> {
    auto const all = db.value<std::uint64_t>(format_text("SELECT n FROM rowers_{}", version));
    if (!all) return unexpected(all.error());
    out.strokes = all->value_or(0);
    return {};
  }));
  return out;
}

} // namespace

TEST_CASE(
    "a rebuild that is killed again and again among commands and queries ends with equal rows, and no query fails or goes back") {
  std::uint64_t const events = attack_count(20'000);
  std::mt19937_64 random(attack_seed());
  scratch_folder const folder(memory_folder());
  std::string const path = folder.file("rowing.db");
  shared_memory<logbook> memory;
  told = &*memory;
  {
    auto log = sqlite::event_store::open({.path = path, .durability = durability::relaxed}).value();
    for (std::uint64_t i = 0; i < events; i += 1'000)
      REQUIRE(pull(log, i / 1'000, std::min<std::uint64_t>(1'000, events - i)));
    auto rows = sqlite::read_store::of(log).value();
    stored_projector<rowers<1>, sqlite::event_store, sqlite::read_store> live(log, rows, {},
                                                                              {.threads = false});
    REQUIRE(live.wait(at_least(position(events))));
  }
  std::uint64_t kills = 0;
  std::uint64_t checkpoint = 0;
  std::uint64_t resumed = 0;
  while (!told->finished) {
    told->first_handled = 0;
    told->handled = 0;
    // The last life is left to end as it may.
    std::uint64_t const target = kills < 6 ? 1 + random() % (events / 5) : UINT64_MAX;
    forked process([&] { life(path, std::max<std::uint64_t>(events, 20'000)).run(); });
    while (told->handled < target && !process.ended()) std::this_thread::yield();
    if (target != UINT64_MAX) process.kill();
    auto const ending = process.wait();
    REQUIRE_THAT(told->report.failure, Catch::Equals(""));
    REQUIRE(ending != forked::ending::badly);
    if (told->finished) break;
    REQUIRE(ending == forked::ending::killed);
    ++kills;
    // It went on right where its predecessor was.
    if (told->first_handled != 0) REQUIRE(told->first_handled == checkpoint + 1);
    auto const left = look(path, 1);
    REQUIRE(left.second >= checkpoint);
    REQUIRE(left.first >= told->shown);
    REQUIRE(left.strokes == left.first);
    checkpoint = left.second;
    if (checkpoint > 0 && checkpoint < events) ++resumed;
  }
  CHECK(resumed >= 1);
  CHECK(told->queries > 0);
  CHECK(told->left_seen > 0);
  auto const end = look(path, 2);
  CHECK(end.first == 0); // dropped
  CHECK(end.strokes == end.second);
  CHECK(end.second >= told->shown);
  WARN(events << " events, " << kills << " kills, " << told->queries << " queries, " << end.head
              << " events at the end");
}
