// SPDX-License-Identifier: BSL-1.0
// The contract's suite is tested itself: every planted bug must be found, by the case that is there for it.
#include <cleave/memory/event_store.hpp>
#include <cleave/testing/contract.hpp>
#include <cleave/testing/faulty_store.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using cleave::testing::fault;
using cleave::testing::faulty_store;

template <fault Planted> struct faulty_fixture {
  // What a bug keeps from happening need not be waited for.
  static constexpr std::int64_t patience_us = Planted == fault::none ? 10'000'000 : 100'000;

  explicit faulty_fixture(cleave::clock_ref clock) : inner({.clock = clock}), outer(inner, Planted) {}
  faulty_store& store() { return outer; }
  // Memory outlives no process: the restart is left out, what is in the store stays there.
  void reopen() {}

  cleave::memory::event_store inner;
  faulty_store outer;
};

// A store that comes back empty.
struct forgetful_fixture {
  static constexpr std::int64_t patience_us = 100'000;

  explicit forgetful_fixture(cleave::clock_ref at)
      : clock(at), kept(new cleave::memory::event_store({.clock = at})) {}
  cleave::memory::event_store& store() { return *kept; }
  void reopen() { kept.reset(new cleave::memory::event_store({.clock = clock})); }

  cleave::clock_ref clock;
  std::unique_ptr<cleave::memory::event_store> kept;
};

struct gappy : faulty_fixture<fault::none> {
  using faulty_fixture::faulty_fixture;
  static constexpr bool position_gaps = true;
};

template <class Fixture> std::vector<std::string> failing_cases() {
  std::vector<std::string> failing;
  for (auto const& each : cleave::testing::event_store_cases()) {
    if (!cleave::testing::run_case<Fixture>(each).empty()) failing.emplace_back(each.title);
  }
  return failing;
}

struct proof {
  fault planted;
  std::string_view name;
  std::vector<std::string> (*run)(cleave::testing::contract_case const&);
  std::vector<std::string_view> found_by; // these cases, besides others
};

#define PLANTED(fault_name)                                                                                  \
  fault::fault_name, #fault_name, &cleave::testing::run_case<faulty_fixture<fault::fault_name>>

std::vector<proof> const proofs = {
    {PLANTED(loses_appends), {"a chain of appends with exactly goes through"}},
    {PLANTED(commits_late),
     {"any is met by a stream without events",
      "an append answers with the position of its last event, and the head moves there"}},
    {PLANTED(skips_expectations_on_retry),
     {"exactly is checked on a retry", "no_stream is checked on a retry",
      "stream_exists is checked on a retry"}},
    {PLANTED(ignores_expectations),
     {"exactly an older version is refused", "of eight threads with no_stream one wins"}},
    {PLANTED(checks_before_the_lock), {"eight threads on one stream with exactly lose no update"}},
    {PLANTED(swallows_conflicts),
     {"no_stream is refused by a stream with events", "exactly a later version is refused"}},
    {PLANTED(swallows_duplicates),
     {"an old event in another stream is refused", "old events in another order are refused"}},
    {PLANTED(stores_repeats), {"a retried batch is stored once"}},
    {PLANTED(stores_the_new_part), {"a batch that overlaps in part is refused: old events first"}},
    {PLANTED(stores_part_of_a_batch),
     {"any is met by a stream with events",
      "one append stores events in several streams, in the order of the request"}},
    {PLANTED(commits_stream_by_stream),
     {"one failed expectation stores nothing in any stream", "an append to two streams is seen as a whole"}},
    {PLANTED(ignores_conditions), {"a condition on a tag is broken by an event behind its position"}},
    {PLANTED(forgets_commands),
     {"the outcome of a command is stored with its events",
      "one command from eight threads at once is executed once"}},
    {PLANTED(takes_any_fingerprint),
     {"a command id with another fingerprint is refused", "a command id under another name is refused"}},
    {PLANTED(reuses_positions),
     {"failed appends leave no gap in positions",
      "positions have no gaps after eight threads with conflicts"}},
    {PLANTED(shows_positions_out_of_order),
     {"a reader never meets a new event at or below a position that it has passed"}},
    {PLANTED(stays_silent),
     {"an append is signalled by the time it returns", "a waiting thread is woken by an append"}},
    {PLANTED(turns_backward_reads), {"backward shows the newest first"}},
    {PLANTED(hands_out_one_too_many), {"forward takes a limit of 0, 1, exactly what is there, and more"}},
    {PLANTED(includes_after), {"reading begins behind the position given"}},
    {PLANTED(ignores_the_sink), {"a sink that says no gets nothing more"}},
    {PLANTED(answers_with_the_head), {"a limit ends the read at the last event handed out"}},
    {PLANTED(answers_with_the_match), {"a filter by one name shows the events of that name"}},
    {PLANTED(reads_without_snapshot), {"a sink may append, and goes on in the snapshot where it began"}},
    {PLANTED(ignores_names), {"a filter by one name shows the events of that name"}},
    {PLANTED(ignores_tags),
     {"a filter by one tag shows the events that carry it",
      "a filter by name and tag shows the events with both"}},
    {PLANTED(takes_any_tag), {"a filter by several tags shows the events that carry all of them"}},
    {PLANTED(folds_case), {"expectations look at their own stream alone"}},
    {PLANTED(cuts_long_names), {"every allowed stream name comes back unchanged and is a stream of its own"}},
    {PLANTED(accepts_any_name), {"an impossible stream name is refused by append, and nothing is stored"}},
    {PLANTED(drops_headers), {"ids, names, metadata, headers and tags come back unchanged"}},
};

} // namespace

TEST_CASE("the contract holds for a store without a planted bug") {
  REQUIRE(failing_cases<faulty_fixture<fault::none>>() == std::vector<std::string>{});
}

TEST_CASE("the contract finds every planted bug") {
  for (proof const& each : proofs) {
    DYNAMIC_SECTION(each.name) {
      for (std::string_view title : each.found_by) {
        INFO("the case that has to find it: " << title);
        auto const cases = cleave::testing::event_store_cases();
        auto const found = std::ranges::find(cases, title, &cleave::testing::contract_case::title);
        REQUIRE(found != cases.end());
        // A race shows itself in nearly every run; twenty leave no doubt.
        std::vector<std::string> failures;
        for (int round = 0; round < 20 && failures.empty(); ++round) failures = each.run(*found);
        CHECK(!failures.empty());
      }
    }
  }
}

TEST_CASE("every planted bug has its proof") {
  auto const last = static_cast<std::size_t>(fault::drops_headers);
  REQUIRE(proofs.size() == last);
  for (std::size_t i = 0; i < last; ++i) CHECK(static_cast<std::size_t>(proofs[i].planted) == i + 1);
}

TEST_CASE("the contract finds a store that comes back empty from a restart") {
  auto const failing = failing_cases<forgetful_fixture>();
  for (auto const& each : cleave::testing::event_store_cases()) {
    if (each.needs != cleave::testing::contract_case::need::restart ||
        each.title.starts_with("an empty store"))
      continue;
    INFO(each.title);
    CHECK(std::ranges::find(failing, each.title) != failing.end());
  }
}

TEST_CASE("a store that promises no gapless positions is not asked for them") {
  std::size_t left_out = 0;
  for (auto const& each : cleave::testing::event_store_cases()) {
    if (cleave::testing::case_applies<gappy>(each)) continue;
    CHECK(each.needs == cleave::testing::contract_case::need::no_position_gaps);
    ++left_out;
  }
  CHECK(left_out == 3);
}

TEST_CASE("the titles of the contract differ, and there are enough of them") {
  std::vector<std::string_view> titles;
  for (auto const& each : cleave::testing::event_store_cases()) titles.push_back(each.title);
  CHECK(titles.size() >= 120);
  std::ranges::sort(titles);
  CHECK(std::ranges::adjacent_find(titles) == titles.end());
}

TEST_CASE("the plain runner counts the cases that fail") {
  CHECK(cleave::testing::run_event_store_contract<faulty_fixture<fault::none>>("no fault") == 0);
  CHECK(cleave::testing::run_event_store_contract<faulty_fixture<fault::takes_any_fingerprint>>("a fault") ==
        3);
}
