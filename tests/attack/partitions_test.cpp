// SPDX-License-Identifier: BSL-1.0
// A projection that is divided among several files is killed, or something throws in it, at any step of any of its workers, again and
// again; each file is compared with what the commands say of its part, not the log. Some commands are poison: they and the later
// ones of their stream must be dead letters, until a retry, which is attacked too, brings them in.
#include <cleave/memory/event_store.hpp>
#include <cleave/query/partitioned_stored_projector.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "../sqlite/scratch.hpp"
#include "forked.hpp"
#include "scale.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <array>
#include <map>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace cleave;
using namespace cleave::test;

namespace knitting {

struct knitted {
  std::int64_t by = 0;
};
BOOST_DESCRIBE_STRUCT(knitted, (), (by))

} // namespace knitting
template <> inline constexpr auto cleave::event_name<knitting::knitted> = "knitted.v1";

namespace {

using knitting::knitted;

constexpr std::int64_t poison = 666;
bool mended = false;

struct knitter {
  using events = event_set<knitted>;
  static constexpr std::string_view name = "knitter.v1";
  static constexpr auto on_failure = failure_policy::park;
  static result<void> create(sqlite::database& db) {
    return db.run_script("CREATE TABLE IF NOT EXISTS cloth (stream TEXT PRIMARY KEY, n INTEGER NOT NULL)");
  }
  static result<void> on(knitted const& e, envelope const& at, sqlite::database& db) {
    auto const done = db.execute(
        "INSERT INTO cloth VALUES (?1, ?2) ON CONFLICT (stream) DO UPDATE SET n = (n * 31 + excluded.n) % 1000003",
        at.stream.text(), e.by);
    if (!done) return unexpected(done.error());
    if (e.by == poison && !mended)
      return unexpected(error(errc::invalid_argument, "a knot")); // behind its effect, which must not be seen
    return {};
  }
};

struct command {
  std::string stream;
  std::int64_t by;
};
std::vector<command> draw_commands(std::mt19937_64& random) {
  std::vector<command> all;
  auto const count = 20 + random() % 30;
  for (std::uint64_t i = 0; i < count; ++i) {
    auto const by = random() % 15 == 0 ? poison : static_cast<std::int64_t>(1 + random() % 99);
    all.push_back({"needle-" + std::to_string(random() % 9), by});
  }
  return all;
}

// At which step it happens, and at which of its turns.
struct moment {
  std::string_view step;
  std::uint64_t turns_left;
  bool dies;
  static void on_step(void* self, char const* step) {
    auto& me = *static_cast<moment*>(self);
    if (me.step != step || me.turns_left == 0 || --me.turns_left != 0) return;
    if (me.dies) ::raise(SIGKILL);
    throw std::runtime_error("here");
  }
};
constexpr std::array<std::string_view, 6> steps{"read", "begun", "event", "parked", "applied", "committed"};
moment draw_moment(std::mt19937_64& random, bool dies) {
  auto const step = steps[random() % steps.size()];
  return {step, 1 + random() % (step == "event" ? 20 : 8), dies};
}

class knitting_mill {
public:
  explicit knitting_mill(std::mt19937_64& random) : commands(draw_commands(random)), parts(1 + random() % 4) {
    uuid_v7_source ids(1);
    for (command const& each : commands) {
      knitted const event{each.by};
      auto const made = to_new_event(event_id(ids.next(timestamp())), event);
      stream_append const part{each.stream, expectation::any(), {&made, 1}};
      REQUIRE(log_.append(append_request{.streams = {&part, 1}}));
    }
  }

  // Steps the workers in an order drawn from `order`, then, if it is mended, retries. What stopped it; empty: it is done.
  std::string work(moment& when, std::mt19937_64 order) {
    auto files = open();
    projector_options options;
    options.threads = false;
    options.batch = 1 + order() % 6;
    options.attempts = 2;
    options.retry_us = 0;
    options.on_step = {&moment::on_step, &when};
    partitioned_stored_projector<knitter, memory::event_store, sqlite::read_store> at(log_, files, {},
                                                                                      options);
    for (std::set<std::size_t> idle; idle.size() < parts;) {
      auto const which = order() % parts;
      if (at.workers()[which].step() != step::worked) idle.insert(which);
    }
    if (auto const failure = at.progress().status().failure; !failure.empty() || !mended) return failure;
    try {
      auto const done = at.retry();
      return done ? "" : done.error().message();
    } catch (std::runtime_error const& thrown) {
      return thrown.what();
    }
  }

  // Empty, or what is wrong: each command of a part up to its checkpoint is in its rows or a dead letter, once, in order.
  std::string compare(bool all_of_it) {
    auto files = open();
    for (std::uint64_t i = 0; i < parts; ++i) {
      if (auto wrong = compare(files[i], {i, parts}, all_of_it); !wrong.empty())
        return "part " + std::to_string(i) + " of " + std::to_string(parts) + ": " + wrong;
    }
    return "";
  }

  std::vector<command> const commands;
  std::uint64_t const parts;

private:
  std::vector<sqlite::read_store> open() {
    std::vector<sqlite::read_store> files;
    for (std::uint64_t i = 0; i < parts; ++i) {
      auto rows = sqlite::read_store::open(
          {.path = folder_.file("cloth-" + std::to_string(i) + ".db"), .readers = 2});
      if (!rows) FAIL(rows.error().message());
      files.push_back(std::move(*rows));
    }
    return files;
  }
  std::string compare(sqlite::read_store& file, partition const& part, bool all_of_it) const {
    std::uint64_t const checkpoint = file.checkpoint("knitter.v1").value().value();
    std::map<std::string, std::int64_t> rows;
    std::set<std::uint64_t> letters;
    auto const read = file.read([&](sqlite::database& db) -> result<void> {
      auto const table = db.value<int>("SELECT count(*) FROM sqlite_schema WHERE name = 'cloth'");
      if (!table) return unexpected(table.error());
      if (table->value_or(0) == 0) return {};
      if (auto found = db.for_each("SELECT stream, n FROM cloth",
                                   [&](std::string stream, std::int64_t n) { rows[std::move(stream)] = n; });
          !found)
        return found;
      return sqlite::dead_letters(db, "knitter.v1").list({}, [&](dead_letter const& letter) {
        letters.insert(letter.position.value());
        return true;
      });
    });
    if (!read) return read.error().message();
    if (all_of_it && mended && !letters.empty()) return "letters are left";
    std::map<std::string, std::int64_t> expected;
    std::map<std::string, bool> knotted;
    std::map<std::string, bool> parked;
    for (std::uint64_t i = 1; i <= commands.size(); ++i) {
      command const& each = commands[i - 1];
      if (!part.holds(each.stream)) {
        if (letters.contains(i)) return "a dead letter of another part, " + std::to_string(i);
        continue;
      }
      bool const waits = letters.contains(i);
      if (i > checkpoint) {
        // What is behind the last event that is stored may have been passed over only.
        if (all_of_it) return "command " + std::to_string(i) + " is behind the checkpoint";
        if (waits) return "a dead letter behind the checkpoint";
        continue;
      }
      if (each.by == poison) knotted[each.stream] = true;
      if (!mended && waits != knotted[each.stream])
        return "command " + std::to_string(i) + (waits ? " is a dead letter" : " is no dead letter");
      if (parked[each.stream] && !waits)
        return "command " + std::to_string(i) + " was applied before its turn";
      parked[each.stream] = waits;
      if (!waits) expected[each.stream] = (expected[each.stream] * 31 + each.by) % 1'000'003;
    }
    return rows == expected ? ""
                            : "rows that the commands up to " + std::to_string(checkpoint) + " do not make";
  }

  scratch_folder folder_{memory_folder()};
  memory::event_store log_;
};

// strike(mill, moment, order) tells whether it has happened.
template <class Strike> std::uint64_t attack(std::uint64_t seeds, bool dies, Strike&& strike) {
  std::uint64_t struck = 0;
  for (std::uint64_t seed = attack_seed(); seed < attack_seed() + seeds; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    mended = false;
    knitting_mill mill(random);
    for (bool const now : {false, true}) {
      mended = now;
      for (int blows = 0; blows < 3; ++blows) {
        auto when = draw_moment(random, dies);
        INFO((mended ? "mended, at " : "at ") << when.step << ", turn " << when.turns_left);
        if (strike(mill, when, random)) ++struck;
        REQUIRE(mill.compare(false) == "");
      }
      moment never{"", 0, false};
      REQUIRE(mill.work(never, random) == "");
      REQUIRE(mill.compare(true) == "");
    }
  }
  return struck;
}

} // namespace

TEST_CASE(
    "whichever worker of a divided projection is killed, and wherever, each part has its events once and in order") {
  auto const kills = attack(attack_count(150), true,
                            [](knitting_mill& mill, moment& when, std::mt19937_64 order) {
                              shared_memory<progress_report> told;
                              forked process([&] { told->fail(mill.work(when, order)); });
                              auto const ending = process.wait();
                              REQUIRE(ending != forked::ending::badly);
                              REQUIRE(std::string(told->failure) == "");
                              return ending == forked::ending::killed;
                            });
  CHECK(kills > 0);
  WARN(kills << " kills");
}

TEST_CASE("whatever throws in a worker of a divided projection, each part has its events once and in order") {
  auto const faults = attack(
      attack_count(100), false, [](knitting_mill& mill, moment& when, std::mt19937_64 order) {
        static_cast<void>(mill.work(when, order)); // what stops it is told; the next one goes on
        return when.turns_left == 0;
      });
  CHECK(faults > 0);
  WARN(faults << " exceptions");
}
