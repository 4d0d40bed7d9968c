// SPDX-License-Identifier: BSL-1.0
// The ring of the asynchronous event bus, and how those that sleep hear of a change, on simulated memory: small programs through
// every schedule that differs from the plain one in a few decisions, and through many at random. And the other way round: every
// promise of a memory order is broken in turn, and other bugs are planted, and each must show.
#include "attention_model.hpp"
#include "ring_model.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

namespace {

// sh tests/run.sh --long multiplies what takes long.
std::size_t factor() {
  char const* const text = std::getenv("CLEAVE_ATTACK_FACTOR");
  return text != nullptr ? static_cast<std::size_t>(std::strtoul(text, nullptr, 10)) : 1;
}

// Fibers are dear under the sanitizers, which look for something else here.
#if defined(CLEAVE_MODEL_SMALL)
constexpr std::size_t scale = 50;
#else
constexpr std::size_t scale = 1;
#endif
constexpr std::size_t schedules_wanted = 1'000'000 / scale;

using scenarios = std::vector<simulated::scenario>;

// How many schedules were run: `wanted` or a few more.
std::size_t check_all_hold(scenarios const& programs, std::size_t wanted) {
  std::size_t const each = wanted / (2 * programs.size()) + 1;
  std::size_t schedules = 0;
  for (auto const& p : programs) {
    for (bool const barrier : {true, false}) {
      auto const found = simulated::explore({.seed = 7 + schedules,
                                             .deviations = 3,
                                             .bounded_schedules = each / 2,
                                             .schedules = each,
                                             .process_barrier = barrier},
                                            p.make);
      INFO(p.name << (barrier ? "" : ", no process barrier") << ", schedule " << found.schedules);
      CHECK(found.violation == "");
      schedules += found.schedules;
    }
  }
  return schedules;
}

// A program, on a machine with a process barrier or without.
struct setting {
  simulated::scenario program;
  bool process_barrier;
};

bool shows(setting const& in, simulated::site const& broken, std::size_t schedules) {
  return simulated::explore({.seed = broken.line + schedules,
                             .deviations = 3,
                             .bounded_schedules = schedules / 4,
                             .schedules = schedules,
                             .process_barrier = in.process_barrier,
                             .broken = broken},
                            in.program.make)
      .found();
}

// How many there are.
std::size_t check_promises_are_needed(scenarios const& programs) {
  std::map<simulated::site, std::vector<setting>> promises;
  for (auto const& p : programs) {
    for (bool const barrier : {true, false}) {
      auto const found = simulated::explore(
          {.schedules = 100, .process_barrier = barrier, .collect_sites = true}, p.make);
      for (auto const& s : found.sites) promises[s].push_back({p, barrier});
    }
  }
  for (auto const& [s, users] : promises) {
    bool shown = false;
    for (std::size_t schedules = 100; !shown && schedules <= 100'000; schedules *= 10) {
      shown = std::any_of(users.begin(), users.end(),
                          [&, &site = s](setting const& in) { return shows(in, site, schedules); });
    }
    INFO(s.file << ":" << s.line << ":" << s.column << ", promise " << static_cast<int>(s.promise));
    CHECK(shown);
  }
  return promises.size();
}

// In how many programs that shows.
std::size_t without_a_barrier(scenarios const& programs) {
  return static_cast<std::size_t>(std::count_if(programs.begin(), programs.end(), [](auto const& p) {
    return simulated::explore({.seed = 3, .schedules = 1'000, .broken_process_barrier = true}, p.make)
        .found();
  }));
}

void check_bugs_are_found(scenarios const& programs) {
  for (auto const& p : programs) {
    bool shown = false;
    for (std::size_t schedules = 400; !shown && schedules <= 40'000; schedules *= 10) {
      for (bool const barrier : {true, false}) {
        if (shown) break;
        shown = simulated::explore({.seed = 5,
                                    .deviations = 3,
                                    .bounded_schedules = schedules / 4,
                                    .schedules = schedules,
                                    .process_barrier = barrier},
                                   p.make)
                    .found();
      }
    }
    INFO(p.name);
    CHECK(shown);
  }
}

} // namespace

TEST_CASE("the ring keeps its promises in a million schedules on simulated memory") {
  std::size_t const wanted = factor() * schedules_wanted;
  REQUIRE(check_all_hold(ring_model::programs_on_the_ring(), wanted) >= wanted);
}

TEST_CASE("every promise of a memory order in the ring is needed: without it some schedule goes wrong") {
  REQUIRE(check_promises_are_needed(ring_model::programs_on_the_ring()) > 20);
}

TEST_CASE("a process barrier that does nothing is found out") {
  REQUIRE(without_a_barrier(ring_model::programs_on_the_ring()) >= 5);
  REQUIRE(without_a_barrier(attention_model::programs()) >= 5);
}

TEST_CASE("every bug that was planted in the ring is found") {
  check_bugs_are_found(ring_model::programs_on_planted_bugs());
}

TEST_CASE("nobody sleeps through a change, in any of many schedules on simulated memory") {
  std::size_t const wanted = factor() * schedules_wanted / 5;
  REQUIRE(check_all_hold(attention_model::programs(), wanted) >= wanted);
}

TEST_CASE("every promise of a memory order in an attention is needed: without it somebody sleeps for ever") {
  REQUIRE(check_promises_are_needed(attention_model::programs()) >= 5);
}

TEST_CASE("every bug that was planted in an attention is found") {
  check_bugs_are_found(attention_model::programs_on_planted_bugs());
}
