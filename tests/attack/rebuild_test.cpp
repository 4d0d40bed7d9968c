// SPDX-License-Identifier: BSL-1.0
// A projection is rebuilt beside the live one while commands and queries go on, by processes that are killed in the middle of it,
// until the new version is compared, switched to, and the old one dropped: in one file, or by a worker for each of several files. Every
// event adds one, so that an answer is to be the position itself: lower, and a query went backwards; higher, and an event was applied
// twice.
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

constexpr std::size_t most_parts = 3;
std::uint64_t parts = 1; // of the projection

// What the processes say. It outlives them.
struct logbook {
  std::atomic<std::uint64_t> shown{0}; // the highest answer
  std::array<std::atomic<std::uint64_t>, most_parts>
      first_handled{};                   // by each part of the new version, in this life
  std::atomic<std::uint64_t> handled{0}; // the same, how many by all
  std::uint64_t dies_at = 0;    // which change of versions this life is not to outlast: see life::change
  std::uint64_t dies_turns = 0; // and how soon
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
      auto& first = told->first_handled[cleave::detail::hash_text(at.stream.text()) % parts];
      if (first == 0) first = at.position.value();
      ++told->handled;
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
  static std::int64_t merge(strokes const&, std::int64_t a, std::int64_t b) { return a + b; }
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

auto open_log(std::string const& path) {
  return sqlite::event_store::open({.path = path, .durability = durability::relaxed});
}
// Undivided the rows are in the log's own file.
std::vector<sqlite::read_store> open_files(std::string const& path, sqlite::event_store& log) {
  std::vector<sqlite::read_store> files;
  if (parts == 1) files.push_back(sqlite::read_store::of(log).value());
  for (std::uint64_t i = 0; parts > 1 && i < parts; ++i)
    files.push_back(sqlite::read_store::open({.path = path + '-' + std::to_string(i)}).value());
  return files;
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
    auto log = open_log(path_);
    if (!log) return fail(log.error());
    auto files = open_files(path_, *log);
    rebuild_options const rebuild{.events_per_second = rate_};
    if (parts == 1) {
      application app{*log, rebuildable_projection<rowers<1>, rowers<2>>(files.front(), rebuild)};
      run(app, *log);
    } else {
      application app{*log, partitioned_rebuildable_projection<rowers<1>, rowers<2>>(files, rebuild)};
      run(app, *log);
    }
  }

private:
  template <class App> void run(App& app, sqlite::event_store& log) {
    std::vector<std::thread> threads;
    threads.emplace_back([&] { write(log); });
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        while (!ended_) ask(app, log);
      });
    }
    rebuild(app.template projector<rowers<1>>());
    ended_ = true;
    for (auto& thread : threads) thread.join();
    if (!failed_) told->finished = true;
  }
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
    auto const begun = versions.status();
    // What the process before was killed in, or behind.
    if (begun.stage == rebuild_stage::clearing) return wait_until_clear(versions);
    if (begun.stage == rebuild_stage::none && begun.active == "rowers.v2") return;
    if (begun.stage == rebuild_stage::none && !good(versions.begin())) return;
    if (begun.stage == rebuild_stage::switched && !good(versions.roll_back())) return;
    for (;;) {
      auto const now = versions.status();
      if (now.left_us) ++told->left_seen;
      if (!now.failure.empty()) return fail(error(errc::handler_failed, now.failure));
      if (now.stage != rebuild_stage::building || ended_) break;
      std::this_thread::yield();
    }
    for (int round = 0; round < 2; ++round) {
      auto const compared = change([&] { return versions.compare(); });
      if (!good(compared)) return;
      if (compared->rows != rows_compared::same) return fail(error(errc::corrupt, compared->detail));
      if (round == 1 && !good(change([&] { return versions.roll_back(); }))) return;
      if (!good(change([&] { return versions.switch_over(); }))) return;
    }
    if (good(change([&] { return versions.drop(); }))) wait_until_clear(versions);
  }
  // It may be killed at any moment from its beginning on.
  template <class F> auto change(F&& f) {
    std::thread killer;
    bool const dies = ++changes_ == told->dies_at;
    if (dies) {
      killer = std::thread([] {
        for (auto turns = told->dies_turns; turns > 0; --turns) std::this_thread::yield();
        ::raise(SIGKILL);
      });
    }
    auto done = f();
    if (dies) killer.join();
    return done;
  }
  template <class Projector> void wait_until_clear(Projector& versions) {
    while (!ended_ && versions.status().stage == rebuild_stage::clearing) std::this_thread::yield();
    if (auto const now = versions.status(); !now.failure.empty())
      fail(error(errc::handler_failed, now.failure));
  }

  std::string path_;
  std::uint64_t rate_;
  std::uint64_t changes_ = 0; // of versions
  std::atomic<bool> ended_ = false;
  std::atomic<bool> failed_ = false;
};

// What each part has of the log, once the processes are dead.
struct found_part {
  std::uint64_t checkpoint = 0; // of the second version
  std::uint64_t next = 0;       // the first event of its own behind that
};
struct found {
  std::uint64_t head = 0;
  std::uint64_t strokes = 0; // of the version that answers, all parts
  std::array<found_part, most_parts> parts{};
  std::string active;
};
std::optional<std::uint64_t> strokes_in(sqlite::read_store& rows, int version) {
  std::optional<std::uint64_t> out;
  REQUIRE(rows.read([&](sqlite::database& db) -> result<void> {
    auto const name = format_text("rowers.v{}", version);
    auto const row = sqlite::versions(db, "rowers").find("rowers.v1").value();
    if (row.clearing == name || (row.active != name && row.beside != name)) return {};
    auto const all = db.value<std::uint64_t>(format_text("SELECT n FROM rowers_{}", version));
    out = all ? all->value_or(0) : 0; // without a table it has not begun
    return {};
  }));
  return out;
}
found look(std::string const& path) {
  auto log = open_log(path).value();
  auto files = open_files(path, log);
  found out;
  out.head = log.head()->value();
  REQUIRE(files.front().read([&](sqlite::database& db) -> result<void> {
    out.active = sqlite::versions(db, "rowers").find("rowers.v1")->active;
    return {};
  }));
  for (std::uint64_t i = 0; i < parts; ++i) {
    INFO("part " << i);
    partition const part{i, parts};
    std::array const at{files[i].checkpoint("rowers.v1")->value(), files[i].checkpoint("rowers.v2")->value()};
    std::array<std::uint64_t, 2> due{}; // events of this part up to there
    out.parts[i].checkpoint = at[1];
    REQUIRE(log.read_all({}, [&](recorded_event const& event) {
      if (!part.holds(event.at.stream.text())) return true;
      auto const p = event.at.position.value();
      for (std::size_t v = 0; v < 2; ++v) {
        if (p <= at[v]) ++due[v];
      }
      if (p > at[1] && out.parts[i].next == 0) out.parts[i].next = p;
      return true;
    }));
    for (int version : {1, 2}) {
      auto const strokes = strokes_in(files[i], version);
      if (strokes) REQUIRE(*strokes == due[static_cast<std::size_t>(version - 1)]);
      if (out.active == format_text("rowers.v{}", version)) out.strokes += strokes.value();
    }
  }
  return out;
}

void attack_rebuild() {
  std::uint64_t const events = attack_count(20'000);
  std::mt19937_64 random(attack_seed());
  scratch_folder const folder(memory_folder());
  std::string const path = folder.file("rowing.db");
  shared_memory<logbook> memory;
  told = &*memory;
  {
    auto log = open_log(path).value();
    for (std::uint64_t i = 0; i < events; i += 1'000)
      REQUIRE(pull(log, i / 1'000, std::min<std::uint64_t>(1'000, events - i)));
    auto files = open_files(path, log);
    for (std::uint64_t i = 0; i < parts; ++i) {
      stored_projector<rowers<1>, sqlite::event_store, sqlite::read_store> live(
          log, files[i], {}, {.threads = false}, failure_policy::stop, {i, parts});
      REQUIRE(live.wait(at_least(position(events))));
    }
  }
  int kills = 0;
  std::uint64_t resumed = 0;
  found before;
  while (!told->finished) {
    for (auto& first : told->first_handled) first = 0;
    told->handled = 0;
    // Some in the middle of building, some behind it, and the last one is left to end as it may.
    std::uint64_t const handled = kills < 6 ? 1 + random() % (events / 5) : UINT64_MAX;
    told->dies_at = kills >= 6 && kills < 12 ? 1 + random() % 6 : 0;
    told->dies_turns = random() % 200;
    forked process([&] { life(path, std::max<std::uint64_t>(events, 20'000)).run(); });
    while (told->handled < handled && !process.ended()) std::this_thread::yield();
    if (kills < 6) process.kill();
    auto const ending = process.wait();
    REQUIRE_THAT(told->report.failure, Catch::Equals(""));
    REQUIRE(ending != forked::ending::badly);
    auto const left = look(path);
    // Each part went on right where its predecessor was.
    for (std::uint64_t i = 0; i < parts && kills > 0; ++i) {
      INFO("part " << i << ", kill " << kills);
      if (told->first_handled[i] != 0 && before.parts[i].next != 0)
        REQUIRE(told->first_handled[i] == before.parts[i].next);
      REQUIRE(left.parts[i].checkpoint >= before.parts[i].checkpoint);
      if (left.parts[i].checkpoint > 0 && left.parts[i].checkpoint < events) ++resumed;
    }
    REQUIRE(left.strokes >= told->shown);
    before = left;
    if (told->finished) break;
    REQUIRE(ending == forked::ending::killed);
    ++kills;
  }
  CHECK(resumed >= parts);
  CHECK(told->queries > 0);
  CHECK(told->left_seen > 0);
  CHECK(before.active == "rowers.v2");
  auto log = open_log(path).value();
  for (auto& file : open_files(path, log))
    CHECK(file.checkpoint("rowers.v1").value() == position()); // dropped
  WARN(events << " events, " << parts << " files, " << kills << " kills, " << told->queries << " queries, "
              << before.head << " events at the end");
}

} // namespace

TEST_CASE(
    "a rebuild that is killed again and again among commands and queries ends with equal rows, and no query fails or goes back") {
  parts = 1;
  attack_rebuild();
}

TEST_CASE(
    "a parallel rebuild that is killed again and again among commands and queries ends with equal rows in each part, and no query fails or goes back") {
  parts = most_parts;
  attack_rebuild();
}
