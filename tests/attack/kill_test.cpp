// SPDX-License-Identifier: BSL-1.0
// A process is killed at every kind of moment, again and again on one file, and the next one goes on where the client stands: with
// what was not acknowledged.
#include "../sqlite/scratch.hpp"
#include "bank.hpp"
#include "doomed_vfs.hpp"
#include "forked.hpp"
#include "scale.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <time.h>

using namespace cleave;
using namespace cleave::test;

namespace {

constexpr std::size_t command_count = 90;

// When the process dies.
struct death {
  enum class at : std::uint8_t { operation, step, any_time };
  at what;
  std::uint64_t number; // of the operation, of the step's turn, or microseconds
  bool torn;
  char const* step;
};

death draw(std::mt19937_64& random) {
  constexpr char const* steps[] = {"begun", "applied", "committed", "checkpoint", "checkpointed"};
  switch (random() % 8) {
  case 0:
  case 1: return {death::at::step, 1 + random() % 4, false, steps[random() % 5]};
  case 2: return {death::at::any_time, random() % 12'000, false, ""};
  default: return {death::at::operation, 1 + random() % 160, random() % 2 == 0, ""};
  }
}

std::string describe(death const& how) {
  switch (how.what) {
  case death::at::operation:
    return "at operation " + std::to_string(how.number) + (how.torn ? ", within a write" : "");
  case death::at::step: return "at step " + std::string(how.step) + ", turn " + std::to_string(how.number);
  case death::at::any_time: break;
  }
  return "after " + std::to_string(how.number) + " us";
}

struct step_death {
  std::string_view step;
  std::uint64_t turns_left;
  static void on_step(void* self, char const* step) {
    auto& me = *static_cast<step_death*>(self);
    if (me.step == step && --me.turns_left == 0) die();
  }
};

// The process: sends on behind what was acknowledged until all is sent.
void live(bank const& commands, std::string const& path, death const& how, progress_report& told) {
  step_death by_step{how.step, how.number};
  if (how.what == death::at::operation) doom(how.number, how.torn);
  auto store = sqlite::event_store::open({.path = path,
                                          .readers = 2,
                                          .checkpoint_pages = 12,
                                          .vfs = doomed_vfs(),
                                          .on_step = {&step_death::on_step, &by_step}});
  if (!store) return told.fail(store.error().message());
  if (auto const made = bank::set_up(*store); !made) return told.fail(made.error().message());
  while (told.acknowledged < command_count) {
    std::uint64_t const next = told.acknowledged + 1;
    if (told.sent < next) told.sent = next;
    if (auto const done = commands.send(*store, next); !done) return told.fail(done.error().message());
    told.acknowledged = next;
    if (next % 3 != 0) continue;
    auto const reached = bank::project(*store, 9);
    if (!reached) return told.fail(reached.error().message());
    told.checkpoint = reached->value();
  }
}

void wait_us(std::uint64_t us) {
  timespec const time{0, static_cast<long>(us * 1'000)};
  ::nanosleep(&time, nullptr);
}

// One file, until all its commands are acknowledged. Returns the kills.
std::uint64_t attack_file(std::uint64_t seed, std::uint64_t most) {
  std::mt19937_64 random(seed);
  bank const commands(seed, command_count);
  scratch_folder const folder;
  std::string const path = folder.file("bank.db");
  shared_memory<progress_report> told;
  std::uint64_t kills = 0;
  while (told->acknowledged < command_count && kills < most) {
    death const how = draw(random);
    INFO("kill " << kills << " on this file: " << describe(how));
    forked process([&] { live(commands, path, how, *told); });
    if (how.what == death::at::any_time) {
      wait_us(how.number);
      process.kill();
    }
    auto const ending = process.wait();
    REQUIRE(ending != forked::ending::badly);
    REQUIRE(std::string(told->failure) == "");
    kills += ending == forked::ending::killed ? 1u : 0u;
    // Else the next process finds what this one has left.
    if (random() % 3 != 0 && told->acknowledged < command_count) continue;
    auto const found = commands.inspect({.path = path, .readers = 1, .vfs = doomed_vfs()},
                                        bank::afterwards::stop);
    REQUIRE(found.wrong == "");
    REQUIRE(found.commands >= told->acknowledged);
    REQUIRE(found.commands <= told->sent);
    REQUIRE(found.checkpoint >= told->checkpoint);
  }
  return kills;
}

} // namespace

TEST_CASE(
    "a killed process loses nothing that it was told, and leaves whole batches and fitting read models") {
  std::uint64_t const wanted = attack_count(2'000);
  std::uint64_t kills = 0;
  std::uint64_t files = 0;
  for (std::uint64_t seed = attack_seed(); kills < wanted; ++seed, ++files) {
    INFO("seed " << seed);
    kills += attack_file(seed, wanted - kills);
  }
  WARN(kills << " kills on " << files << " files");
}
