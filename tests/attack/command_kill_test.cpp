// SPDX-License-Identifier: BSL-1.0
// Two processes send commands to one file, and are killed at every step of a command: in decide, in the inline projection, at the
// store's steps, at operations of the VFS, and when the answer is there and nobody has heard it. Whoever comes after sends again, by
// the command's id. Each command must have its effect once, or none and a rejection; and each repeat its first answer.
//
// What must be there is computed from the commands: each event carries the number of the command that it came of, and what the
// decision believed (what is left in the wallet, the how manieth seat it is), so that one look along the log tells whether each was
// decided on all before it.
#include <cleave/application.hpp>
#include <cleave/event/read_events.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "../sqlite/scratch.hpp"
#include "doomed_vfs.hpp"
#include "forked.hpp"
#include "scale.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace cleave;
using namespace cleave::test;

namespace {

// --- the domain

// Where the process dies.
struct step_death {
  std::string_view step;
  std::uint64_t turns_left = 0;
  static void on_step(void*, char const* step) { reach(step); }
  static void reach(std::string_view step);
};
step_death death_of_this_process;
void step_death::reach(std::string_view step) {
  step_death& mine = death_of_this_process;
  if (mine.step == step && --mine.turns_left == 0) die();
}

struct money_moved {
  static constexpr std::string_view event_name = "money-moved.v1";
  std::int64_t command = 0;
  std::int64_t cents = 0;
  std::int64_t left = 0; // in the wallet, as the decision has it
};
struct seat_taken {
  static constexpr std::string_view event_name = "seat-taken.v1";
  std::int64_t command = 0;
  std::string course;
  std::string student;
  std::int64_t number = 0; // of the seat, as the decision has it
  std::array<std::string, 2> tags() const { return {"course:" + course, "student:" + student}; }
};
BOOST_DESCRIBE_STRUCT(money_moved, (), (command, cents, left))
BOOST_DESCRIBE_STRUCT(seat_taken, (), (command, course, student, number))

struct move_money {
  static constexpr std::string_view command_name = "move-money";
  std::string wallet;
  std::int64_t command = 0;
  std::int64_t cents = 0;
};
struct take_seat {
  static constexpr std::string_view command_name = "take-seat";
  std::string course;
  std::int64_t command = 0;
  std::string student;
};
BOOST_DESCRIBE_STRUCT(move_money, (), (wallet, command, cents))
BOOST_DESCRIBE_STRUCT(take_seat, (), (course, command, student))

// Two generations of one decider, which count differently: a snapshot of the one is none for the other.
template <unsigned Generation> struct wallet {
  using commands = command_set<move_money>;
  using events = event_set<money_moved>;
  static constexpr std::string_view category = "wallet";
  static constexpr snapshot_policy snapshots{.every = 3};
  static constexpr unsigned fold_version = Generation;
  static constexpr std::int64_t scale = Generation == 1 ? 1 : 10;
  static std::string const& id(move_money const& c) { return c.wallet; }
  std::int64_t scaled = 0;
  void evolve(money_moved const& e) {
    step_death::reach("evolve");
    scaled += e.cents * scale;
  }
  decision<money_moved> decide(move_money const& c) const {
    step_death::reach("decide");
    std::int64_t const left = scaled / scale + c.cents;
    if (left < 0) return reject("poor", "{}", left);
    return money_moved{c.command, c.cents, left};
  }
};
BOOST_DESCRIBE_STRUCT(wallet<1>, (), (scaled))
BOOST_DESCRIBE_STRUCT(wallet<2>, (), (scaled))

constexpr std::int64_t seats = 5;
constexpr std::int64_t courses_each = 2;
struct seating {
  using commands = command_set<take_seat>;
  using events = event_set<seat_taken>;
  static constexpr std::string_view category = "course";
  static std::string const& id(take_seat const& c) { return c.course; }
  static boundary_query boundary(take_seat const& c) {
    return events_with<seat_taken>("course:" + c.course) | events_with<seat_taken>("student:" + c.student);
  }
  std::map<std::string, std::int64_t> of;
  void evolve(seat_taken const& e) {
    step_death::reach("evolve");
    ++of[e.course];
    ++of["student " + e.student];
  }
  std::int64_t count(std::string const& what) const {
    auto const found = of.find(what);
    return found == of.end() ? 0 : found->second;
  }
  decision<seat_taken> decide(take_seat const& c) const {
    step_death::reach("decide");
    if (count(c.course) >= seats) return reject("course-full", "{}", c.course);
    if (count("student " + c.student) >= courses_each) return reject("too-many-courses", "{}", c.student);
    return seat_taken{c.command, c.course, c.student, count(c.course) + 1};
  }
};

// How often each command had its effect.
struct effects {
  using events = event_set<money_moved, seat_taken>;
  using queries = query_set<>;
  static constexpr std::string_view name = "effects.v1";
  static result<void> create(sqlite::database& db) {
    return db.run_script(
        "CREATE TABLE IF NOT EXISTS effect (command INTEGER PRIMARY KEY, times INTEGER NOT NULL)");
  }
  result<void> on(auto const& event, envelope const&, sqlite::database& db) {
    step_death::reach("effect");
    auto const done = db.execute(
        "INSERT INTO effect VALUES (?1, 1) ON CONFLICT (command) DO UPDATE SET times = times + 1",
        event.command);
    if (!done) return unexpected(done.error());
    return {};
  }
};

// --- the commands of one seed

constexpr std::size_t senders = 2;
constexpr std::size_t commands_each = 14;

struct planned {
  bool seat = false;
  move_money money;
  take_seat place;
  command_id id;
};
std::vector<planned> plan(std::uint64_t seed, std::size_t sender) {
  std::mt19937_64 random(seed * 31 + sender);
  std::vector<planned> all;
  for (std::size_t i = 0; i < commands_each; ++i) {
    planned& one = all.emplace_back();
    auto const number = static_cast<std::int64_t>(sender * 1'000 + i + 1);
    one.seat = random() % 3 == 0;
    one.money = {random() % 4 == 0 ? "b" : "a", number, static_cast<std::int64_t>(random() % 20) - 7};
    one.place = {random() % 3 == 0 ? "d" : "c", number, "s" + std::to_string(random() % 5)};
    one.id = command_id(uuid::from_name(uuid(), std::to_string(seed) + "/" + std::to_string(number)));
  }
  return all;
}

// What a sender was told, before it could be killed.
struct answer {
  enum class kind : std::uint8_t { none, done, refused };
  kind what = kind::none;
  std::uint64_t position = 0;
  std::uint64_t version = 0;
  std::array<char, 64> why{};

  static answer of(command_result const& got) {
    answer told;
    told.what = got ? kind::done : kind::refused;
    if (got) {
      told.position = got->position.value();
      told.version = got->version.value();
    } else {
      std::string const why = got.error().message();
      std::copy_n(why.begin(), std::min(why.size(), told.why.size() - 1), told.why.begin());
    }
    return told;
  }
  bool operator==(answer const&) const = default;
};
struct report {
  std::array<std::atomic<std::uint64_t>, senders> acknowledged{};
  std::array<std::array<answer, commands_each>, senders> first{};
  std::array<char, 256> failure{};

  void fail(std::string const& why) {
    std::copy_n(why.begin(), std::min(why.size(), failure.size() - 1), failure.begin());
  }
};

struct death {
  std::string step; // "operation" is one of the VFS; empty: it lives
  std::uint64_t turn = 1;
};
death draw(std::mt19937_64& random) {
  constexpr std::array<char const*, 11> steps{"begun",        "applied",  "committed", "checkpoint",
                                              "checkpointed", "decide",   "evolve",    "effect",
                                              "answered",     "repeated", "operation"};
  death how{steps[random() % steps.size()], 1 + random() % 6};
  if (how.step == "operation") how.turn = 1 + random() % 120;
  return how;
}

// --- a process

template <class App> command_result execute(App& app, planned const& what) {
  command_context const context{.id = what.id};
  return what.seat ? app.execute(what.place, context) : app.execute(what.money, context);
}

// Sends what was not acknowledged, and now and then again what was.
template <class App>
void send_all(App& app, std::vector<planned> const& commands, std::size_t sender, report& told) {
  while (told.acknowledged[sender] < commands_each && told.failure[0] == 0) {
    std::size_t const next = told.acknowledged[sender];
    auto const got = execute(app, commands[next]);
    if (!got && !got.error().is_rejection()) return told.fail(got.error().message());
    step_death::reach("answered");
    told.first[sender][next] = answer::of(got);
    told.acknowledged[sender] = next + 1;
    if (next % 2 == 0) continue;
    std::size_t const before = next * 7 % (next + 1);
    auto const again = execute(app, commands[before]);
    step_death::reach("repeated");
    if (answer::of(again) != told.first[sender][before] || (again && !again->repeated))
      return told.fail("a repeat got another answer");
  }
}

result<sqlite::event_store> open_store(std::string const& path) {
  return sqlite::event_store::open({.path = path,
                                    .durability = durability::relaxed,
                                    .readers = 2,
                                    .checkpoint_pages = 12,
                                    .vfs = doomed_vfs(),
                                    .on_step = {&step_death::on_step, nullptr}});
}

// Each process is of the other generation than the one before it, and every second seed has an inline projection.
template <unsigned Generation>
void live(std::string const& path, std::uint64_t seed, std::size_t sender, report& told) {
  auto store = open_store(path);
  if (!store) return told.fail(store.error().message());
  application_options const options{.write = {.verify_snapshots = seed % 4 == 0},
                                    .projector = {.threads = false}};
  auto const commands = plan(seed, sender);
  if (seed % 2 == 0) {
    application app{*store, deciders<wallet<Generation>>, boundaries<seating>, options};
    return send_all(app, commands, sender, told);
  }
  auto rows = sqlite::read_store::of(*store);
  if (!rows) return told.fail(rows.error().message());
  application app{*store, deciders<wallet<Generation>>, boundaries<seating>,
                  inline_stored_projections<effects>(*rows), options};
  send_all(app, commands, sender, told);
}

// --- what must be there

std::string compare(sqlite::event_store& store, std::uint64_t seed, report& told) {
  std::map<std::int64_t, int> times;
  std::map<std::int64_t, answer> stored;
  std::map<std::string, std::int64_t> left;
  std::map<std::string, std::int64_t> taken;
  std::string wrong;
  auto const take = [&]<class E>(E const& event, envelope const& at) {
    ++times[event.command];
    stored[event.command] = {answer::kind::done, at.position.value(), at.version.value(), {}};
    if constexpr (std::is_same_v<E, money_moved>) {
      auto& cents = left[std::string(at.stream.text())];
      cents += event.cents;
      if (cents < 0) wrong = "a wallet is overdrawn";
      if (event.left != cents)
        wrong = "command " + std::to_string(event.command) + " was decided on another sum";
    } else {
      auto& count = taken[event.course];
      if (event.number != ++count) wrong = "a seat was given twice";
      if (count > seats || ++taken["student " + event.student] > courses_each) wrong = "a rule is broken";
    }
  };
  auto const read = read_events<effects::events>(store, {}, take);
  if (!read) return read.error().message();
  if (!wrong.empty()) return wrong;

  application app{store, deciders<wallet<1>>, boundaries<seating>};
  for (std::size_t sender = 0; sender < senders; ++sender) {
    auto const commands = plan(seed, sender);
    for (std::size_t i = 0; i < commands_each; ++i) {
      std::int64_t const number = commands[i].money.command;
      std::string const name = "command " + std::to_string(number);
      answer const& first = told.first[sender][i];
      bool const done = first.what == answer::kind::done;
      if (times[number] != (done ? 1 : 0))
        return name + " had its effect " + std::to_string(times[number]) + " times";
      if (done && stored[number] != first) return name + " was told another place than it has";
      auto const again = execute(app, commands[i]);
      if (answer::of(again) != first || (again && !again->repeated)) return name + " gets another answer now";
    }
  }
  if (store.head().value() != *read) return "a repeat was executed";
  if (seed % 2 == 0) return wrong;
  auto const rows = [&](sqlite::transaction& in) -> result<void> {
    for (auto const& [command, count] : times) {
      auto const found = in.db().value<std::int64_t>("SELECT times FROM effect WHERE command = ?1", command);
      if (!found) return unexpected(found.error());
      if (found->value_or(0) != count) wrong = "the read model has another count of effects";
    }
    return {};
  };
  if (auto good = store.transact(rows); !good) return good.error().message();
  return wrong;
}

// One file, until all its commands are answered. Returns the kills.
std::uint64_t attack_file(std::uint64_t seed, std::string const& empty) {
  std::mt19937_64 random(seed);
  scratch_folder const folder;
  std::string const path = folder.file("commands.db");
  std::filesystem::copy_file(empty, path);
  auto const told = std::make_unique<shared_memory<report>>();
  std::uint64_t kills = 0;
  std::array<unsigned, senders> lives{};
  std::array<std::optional<forked>, senders> processes;
  auto const start = [&](std::size_t sender) {
    unsigned const turn = lives[sender]++;
    death const how = turn < 2 ? draw(random) : death{};
    processes[sender].emplace([&] {
      if (how.step == "operation") doom(how.turn, how.turn % 2 == 0);
      else death_of_this_process = {how.step, how.turn};
      if ((turn + sender) % 2 == 0) live<1>(path, seed, sender, **told);
      else live<2>(path, seed, sender, **told);
    });
  };
  for (bool all = false; !all;) {
    all = true;
    for (std::size_t sender = 0; sender < senders; ++sender) {
      if ((*told)->acknowledged[sender] == commands_each) continue;
      all = false;
      start(sender);
    }
    for (auto& process : processes) {
      if (!process) continue;
      auto const ending = process->wait();
      process.reset();
      REQUIRE(ending != forked::ending::badly);
      kills += ending == forked::ending::killed ? 1u : 0u;
    }
    REQUIRE(std::string((*told)->failure.data()) == "");
  }
  auto store = open_store(path);
  REQUIRE(store);
  REQUIRE(compare(*store, seed, **told) == "");
  return kills;
}

} // namespace

TEST_CASE("a command that is killed at any step and sent again is executed once, with one answer") {
  std::uint64_t const seeds = attack_count(500);
  std::uint64_t kills = 0;
  scratch_folder const folder;
  std::string const empty = folder.file("empty.db");
  REQUIRE(open_store(empty)); // its tables are made once
  for (std::uint64_t seed = attack_seed(); seed < attack_seed() + seeds; ++seed) {
    INFO("seed " << seed);
    kills += attack_file(seed, empty);
  }
  WARN(kills << " kills of " << seeds << " seeds");
}
