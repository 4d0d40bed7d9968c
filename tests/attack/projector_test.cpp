// SPDX-License-Identifier: BSL-1.0
// A projector is killed, or something fails in it, at each of its steps; what is in the read model is compared with what the
// commands say, not the log. Some commands are poison: they and the later ones of their stream must be dead letters, each once
// and in order, and a retry, attacked in the same way, must bring them all in.
#include <cleave/memory/event_store.hpp>
#include <cleave/query/stored_projector.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "../sqlite/scratch.hpp"
#include "doomed_vfs.hpp"
#include "forked.hpp"
#include "scale.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <array>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <vector>

using namespace cleave;
using namespace cleave::test;

namespace weaving {

struct pulled {
  std::int64_t by = 0;
};
BOOST_DESCRIBE_STRUCT(pulled, (), (by))

} // namespace weaving
template <> inline constexpr auto cleave::event_name<weaving::pulled> = "pulled.v1";

namespace {

using weaving::pulled;

constexpr std::int64_t poison = 666;
std::int64_t woven(std::int64_t before, std::int64_t by) { return (before * 31 + by) % 1'000'003; }

struct command {
  std::string stream;
  std::int64_t by;
};
struct thread {
  std::int64_t n = 0;
  std::int64_t count = 0;
  friend bool operator==(thread const&, thread const&) = default;
};
using cloth = std::map<std::string, thread>;

// What a process does: `project` meets poison, `retry` comes after the fix.
enum class phase : std::uint8_t { project, retry };
phase now_in = phase::project;

struct weaver {
  using events = event_set<pulled>;
  static constexpr std::string_view name = "weaver.v1";
  static result<void> create(sqlite::database& db) {
    return db.run_script(
        "CREATE TABLE IF NOT EXISTS woven (stream TEXT PRIMARY KEY, n INTEGER NOT NULL, count INTEGER NOT NULL)");
  }
  static result<void> on(pulled const& e, envelope const& at, sqlite::database& db) {
    auto const done = db.execute("INSERT INTO woven VALUES (?1, ?2, 1) ON CONFLICT (stream) DO UPDATE SET "
                                 "n = (n * 31 + excluded.n) % 1000003, count = count + 1",
                                 at.stream.text(), e.by);
    if (!done) return unexpected(done.error());
    if (e.by == poison && now_in == phase::project)
      return unexpected(error(errc::invalid_argument, "a knot")); // behind its effect, which must not be seen
    return {};
  }
};

std::vector<command> draw_commands(std::mt19937_64& random) {
  std::vector<command> all;
  auto const count = 12 + random() % 24;
  bool const with_poison = random() % 3 != 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto const by = with_poison && random() % 10 == 0 ? poison : static_cast<std::int64_t>(1 + random() % 99);
    all.push_back({"loom-" + std::to_string(random() % 6), by});
  }
  return all;
}

// Command i becomes the event at position i + 1.
template <class Log> void send(Log& log, std::vector<command> const& commands) {
  uuid_v7_source ids(1);
  for (command const& each : commands) {
    pulled const event{each.by};
    auto const made = to_new_event(event_id(ids.next(timestamp())), event);
    stream_append const part{each.stream, expectation::any(), {&made, 1}};
    if (auto const done = log.append(append_request{.streams = {&part, 1}}); !done)
      FAIL(done.error().message());
  }
}

// What a file holds.
struct found {
  std::uint64_t checkpoint = 0;
  cloth rows;
  std::vector<std::uint64_t> letters;
};
found look(sqlite::read_store& store) {
  found all;
  auto const read = store.read([&](sqlite::database& db) -> result<void> {
    auto const at = db.value<std::uint64_t>(
        "SELECT position FROM cleave_checkpoints WHERE name = 'weaver.v1'");
    if (!at) return unexpected(at.error());
    all.checkpoint = at->value_or(0);
    auto const table = db.value<int>("SELECT count(*) FROM sqlite_schema WHERE name = 'woven'");
    if (!table) return unexpected(table.error());
    if (table->value_or(0) == 0) return {};
    if (auto rows = db.for_each("SELECT stream, n, count FROM woven",
                                [&](std::string stream, std::int64_t n, std::int64_t count) {
                                  all.rows[std::move(stream)] = {n, count};
                                });
        !rows)
      return rows;
    return sqlite::dead_letters(db, "weaver.v1").list({}, [&](dead_letter const& letter) {
      all.letters.push_back(letter.position.value());
      return true;
    });
  });
  if (!read) FAIL(read.error().message());
  return all;
}

// Empty, or what is wrong: each command up to the checkpoint is in the rows or a dead letter, once, in order.
std::string compare(std::vector<command> const& commands, found const& in, phase during) {
  if (in.checkpoint > commands.size()) return "the checkpoint is " + std::to_string(in.checkpoint);
  std::set<std::uint64_t> const letters(in.letters.begin(), in.letters.end());
  cloth expected;
  std::map<std::string, bool> knotted; // by poison
  std::map<std::string, bool> parked;
  for (std::uint64_t i = 1; i <= in.checkpoint; ++i) {
    command const& each = commands[i - 1];
    bool const waits = letters.contains(i);
    if (each.by == poison) knotted[each.stream] = true;
    if (during == phase::project && waits != knotted[each.stream])
      return "command " + std::to_string(i) + (waits ? " is a dead letter" : " is no dead letter");
    if (waits && !knotted[each.stream]) return "command " + std::to_string(i) + " is a dead letter";
    if (parked[each.stream] && !waits) return "command " + std::to_string(i) + " was applied before its turn";
    parked[each.stream] = waits;
    if (waits) continue;
    auto& [n, count] = expected[each.stream];
    n = woven(n, each.by);
    ++count;
  }
  if (!letters.empty() && *letters.rbegin() > in.checkpoint) return "a dead letter behind the checkpoint";
  return expected == in.rows
             ? ""
             : "rows that the commands up to " + std::to_string(in.checkpoint) + " do not make";
}

// At which step it happens, and at which of its turns.
struct moment {
  std::string_view step;
  std::uint64_t turns_left;
  bool dies;
  static void on_step(void* self, char const* step) {
    auto& me = *static_cast<moment*>(self);
    if (me.step != step || me.turns_left == 0 || --me.turns_left != 0) return;
    if (me.dies) die();
    throw std::runtime_error("here");
  }
};
constexpr std::array<std::string_view, 6> steps{"read", "begun", "event", "parked", "applied", "committed"};
moment draw_moment(std::mt19937_64& random, bool dies) {
  auto const step = steps[random() % steps.size()];
  return {step, 1 + random() % (step == "event" ? 16 : 5), dies};
}

projector_options options_of(std::mt19937_64& random, moment& when) {
  projector_options options;
  options.threads = false;
  options.batch = 1 + random() % 8;
  options.attempts = 2;
  options.retry_us = 0;
  options.on_failure = failure_policy::park;
  options.on_step = {&moment::on_step, &when};
  return options;
}

projector_options calm(moment& never) {
  std::mt19937_64 fixed(1);
  return options_of(fixed, never);
}

template <class Log> using projector = stored_projector<weaver, Log, sqlite::read_store>;

// Empty when all of this phase is done.
template <class Log>
std::string work(Log& log, sqlite::read_store& rows, projector_options const& options, phase what) {
  now_in = what;
  projector<Log> at(log, rows, {}, options);
  if (what == phase::retry) {
    try {
      auto const done = at.retry();
      return done ? "" : done.error().message();
    } catch (std::runtime_error const& thrown) {
      return thrown.what();
    }
  }
  while (at.step() == step::worked) {
  }
  return at.progress().status().failure;
}

struct tally {
  std::uint64_t attacks = 0;
  std::map<std::string_view, std::uint64_t> at_step;
  void add(moment const& when) {
    ++attacks;
    ++at_step[when.step];
  }
};

// The read model in a file of its own beside a log in memory, or both in one file.
struct two_files {
  scratch_folder folder{memory_folder()};
  std::optional<memory::event_store> made{std::in_place};
  void begin(std::vector<command> const& commands) { send(*made, commands); }
  template <class F> void with(F&& f) {
    auto rows = sqlite::read_store::open({.path = folder.file("rows.db"), .readers = 2});
    if (!rows) FAIL(rows.error().message());
    f(*made, *rows);
  }
};
struct one_file {
  scratch_folder folder{memory_folder()};
  template <class F> void with_log(F&& f) {
    auto log = sqlite::event_store::open(
        {.path = folder.file("log.db"), .durability = durability::relaxed, .readers = 3});
    if (!log) FAIL(log.error().message());
    f(*log);
  }
  void begin(std::vector<command> const& commands) {
    with_log([&](sqlite::event_store& log) { send(log, commands); });
  }
  template <class F> void with(F&& f) {
    with_log([&](sqlite::event_store& log) {
      auto rows = sqlite::read_store::of(log);
      if (!rows) FAIL(rows.error().message());
      f(log, *rows);
    });
  }
};

// Looks at the file, goes on from where the attacked phase has left it, and looks again after each phase.
template <class Place> void finish(Place& place, std::vector<command> const& commands, phase attacked) {
  place.with([&](auto& log, sqlite::read_store& rows) {
    REQUIRE(compare(commands, look(rows), attacked) == "");
    moment never{"", 0, false};
    projector_options const options = calm(never);
    if (attacked == phase::project) {
      REQUIRE(work(log, rows, options, phase::project) == "");
      auto const in = look(rows);
      REQUIRE(in.checkpoint == commands.size());
      REQUIRE(compare(commands, in, phase::project) == "");
    }
    REQUIRE(work(log, rows, options, phase::retry) == "");
    auto const in = look(rows);
    REQUIRE(in.letters.empty());
    REQUIRE(in.checkpoint == commands.size());
    REQUIRE(compare(commands, in, phase::retry) == "");
  });
}

// What is attacked is one phase of one seed's commands; `strike` does it.
template <class Place, class Strike>
void attack(std::uint64_t seed, std::mt19937_64& random, Strike&& strike) {
  INFO("seed " << seed);
  auto const commands = draw_commands(random);
  Place place;
  place.begin(commands);
  auto const attacked = random() % 4 == 0 ? phase::retry : phase::project;
  INFO((attacked == phase::project ? "projecting" : "retrying"));
  if (attacked == phase::retry) {
    place.with([&](auto& log, sqlite::read_store& rows) {
      moment never{"", 0, false};
      REQUIRE(work(log, rows, calm(never), phase::project) == "");
    });
  }
  strike(place, attacked);
  finish(place, commands, attacked);
}

template <class Strike> void attack_seeds(std::uint64_t count, tally const& all, Strike&& strike) {
  for (std::uint64_t seed = attack_seed(); seed < attack_seed() + count; ++seed) {
    std::mt19937_64 random(seed);
    auto const strike_now = [&](auto& place, phase what) { strike(random, place, what); };
    if (seed % 8 == 0) attack<one_file>(seed, random, strike_now);
    else attack<two_files>(seed, random, strike_now);
  }
  for (auto const step : steps) {
    INFO(step);
    CHECK((all.at_step.contains(step) || count < 100));
  }
}

} // namespace

TEST_CASE("a projector that is killed at any step applies each event once, or parks it once, in order") {
  tally kills;
  attack_seeds(attack_count(500), kills, [&](std::mt19937_64& random, auto& place, phase what) {
    auto when = draw_moment(random, true);
    INFO("killed at " << when.step << ", turn " << when.turns_left);
    auto const options = options_of(random, when);
    shared_memory<progress_report> told;
    forked process([&] {
      place.with([&](auto& log, sqlite::read_store& rows) { told->fail(work(log, rows, options, what)); });
    });
    auto const ending = process.wait();
    REQUIRE(ending != forked::ending::badly);
    REQUIRE(std::string(told->failure) == "");
    if (ending == forked::ending::killed) kills.add(when);
  });
  WARN(kills.attacks << " kills");
}

TEST_CASE("whatever throws in a step of a projector, each event is applied once, or parked once, in order") {
  tally faults;
  attack_seeds(attack_count(200), faults, [&](std::mt19937_64& random, auto& place, phase what) {
    auto when = draw_moment(random, false);
    INFO("thrown at " << when.step << ", turn " << when.turns_left);
    auto const options = options_of(random, when);
    // What stops the projection is told; the next one goes on.
    std::string failure;
    place.with([&](auto& log, sqlite::read_store& rows) { failure = work(log, rows, options, what); });
    if (when.turns_left == 0) faults.add(when);
  });
  WARN(faults.attacks << " exceptions");
}

TEST_CASE(
    "wherever SQLite gives up under a projector, each event is applied once, or parked once, in order") {
  tally faults;
  for (auto const step : steps) faults.at_step[step]; // it is not told where
  attack_seeds(attack_count(150), faults, [&](std::mt19937_64& random, auto& place, phase what) {
    // Its connection that writes is interrupted within a statement, whichever that is: BEGIN and COMMIT too.
    struct interruption {
      std::uint64_t operations_left;
      static int count(void* self) {
        auto& me = *static_cast<interruption*>(self);
        return me.operations_left != 0 && --me.operations_left == 0 ? 1 : 0;
      }
    } sql{1 + random() % 3'000};
    INFO("interrupted at operation " << sql.operations_left);
    moment never{"", 0, false};
    auto const options = options_of(random, never);
    place.with([&](auto& log, sqlite::read_store& rows) {
      sqlite3* writer = nullptr;
      REQUIRE(rows.apply("attack.v1", position(), [&](sqlite::database& db) -> result<position> {
        writer = db.handle();
        return position();
      }));
      sqlite3_progress_handler(writer, 1, &interruption::count, &sql);
      static_cast<void>(work(log, rows, options, what));
      sqlite3_progress_handler(writer, 0, nullptr, nullptr);
    });
    if (sql.operations_left == 0) ++faults.attacks;
  });
  CHECK(faults.attacks > 0);
  WARN(faults.attacks << " interruptions");
}
