// SPDX-License-Identifier: BSL-1.0
// The ring of the asynchronous event bus on simulated memory: small programs through every schedule that differs from the plain
// one in a few decisions, and through many at random. And the other way round: every promise of a memory order in the ring is
// broken in turn, and other bugs are planted, and each must show.
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

} // namespace

TEST_CASE("the ring keeps its promises in a million schedules on simulated memory") {
  auto const programs = ring_model::programs_on_the_ring();
  std::size_t const each = factor() * schedules_wanted / (2 * programs.size()) + 1;
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
  REQUIRE(schedules >= factor() * schedules_wanted);
}

namespace {

// A program, on a machine with a process barrier or without.
struct setting {
  ring_model::scenario program;
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

} // namespace

TEST_CASE("every promise of a memory order in the ring is needed: without it some schedule goes wrong") {
  std::map<simulated::site, std::vector<setting>> promises;
  for (auto const& p : ring_model::programs_on_the_ring()) {
    for (bool const barrier : {true, false}) {
      auto const found = simulated::explore(
          {.schedules = 100, .process_barrier = barrier, .collect_sites = true}, p.make);
      for (auto const& s : found.sites) promises[s].push_back({p, barrier});
    }
  }
  CHECK(promises.size() > 20);
  for (auto const& [s, users] : promises) {
    bool shown = false;
    for (std::size_t schedules = 100; !shown && schedules <= 100'000; schedules *= 10) {
      shown = std::any_of(users.begin(), users.end(),
                          [&, &site = s](setting const& in) { return shows(in, site, schedules); });
    }
    INFO(s.file << ":" << s.line << ":" << s.column << ", promise " << static_cast<int>(s.promise));
    CHECK(shown);
  }
}

TEST_CASE("a process barrier that does nothing is found out") {
  std::size_t found = 0;
  for (auto const& p : ring_model::programs_on_the_ring()) {
    if (simulated::explore({.seed = 3, .schedules = 1'000, .broken_process_barrier = true}, p.make).found())
      ++found;
  }
  REQUIRE(found >= 5);
}

TEST_CASE("every bug that was planted in the ring is found") {
  for (auto const& p : ring_model::programs_on_planted_bugs()) {
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
