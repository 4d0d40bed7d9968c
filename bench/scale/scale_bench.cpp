// SPDX-License-Identifier: BSL-1.0
// How the costs of an append, a load, a projection, a cached answer and a wait grow: with the events of the log, with its streams,
// and with the threads that work at once. CLEAVE_BENCH_EVENTS: how long the longest log is, 1,000,000 events without it.
#include "bank.hpp"

#include <algorithm>
#include <cstdlib>

namespace {

using namespace bench;

constexpr std::uint64_t streams_max = 100'000;

std::uint64_t longest_log() {
  char const* const given = std::getenv("CLEAVE_BENCH_EVENTS");
  return given != nullptr ? std::strtoull(given, nullptr, 10) : 1'000'000;
}

std::vector<std::string> lines_of(char const* store, std::vector<std::string> const& measures) {
  std::vector<std::string> lines;
  for (auto const& measure : measures) lines.push_back(measure + "_" + store);
  return lines;
}

// One log, which grows by blocks of ten accounts with a hundred events each; the accounts of a block take turns.
template <class Log> times by_events(sizes const& values) {
  times found;
  auto const note = [&](char const* measure, double seconds) {
    found[std::string(measure) + "_" + Log::name].push_back(seconds);
  };
  Log log;
  bank at(log.store);
  std::uint64_t streams = 0;
  for (std::uint64_t const value : values) {
    for (; streams * 100 < value; streams += 10) {
      for (int round = 0; round < 10; ++round) at.fill(streams, 10, 10);
    }
    note("load", at.seconds_of_load(streams, 100, 500));
    note("projection", at.template seconds_of_projection<totals>());
    note("cache", at.seconds_of_cached(streams, 1, 10'000));
    note("waiters", at.seconds_of_wait(streams, 1, 100));
    note("append", at.seconds_of_append(streams, std::min(value, Log::turns)));
  }
  return found;
}

// A log of 100,000 events for each number of streams; a batch touches up to a thousand of them.
template <class Log> times by_streams(sizes const& values) {
  constexpr std::uint64_t batch = 1'000;
  times found;
  auto const note = [&](char const* measure, double seconds) {
    found[std::string(measure) + "_" + Log::name].push_back(seconds);
  };
  for (std::uint64_t const streams : values) {
    Log log;
    bank at(log.store);
    std::uint64_t const touched = std::min(streams, batch);
    for (std::uint64_t filled = 0; filled < streams_max; filled += batch)
      at.fill(filled / batch * touched % streams, touched, batch / touched);
    std::uint64_t const each = streams_max / streams;
    note("load", at.seconds_of_load(streams, each, std::max<std::uint64_t>(Log::turns / each, 3)));
    note("projection", at.template seconds_of_projection<balances>());
    note("cache", at.seconds_of_cached(streams, 1, 100'000));
    note("waiters", at.seconds_of_wait(streams, 1, 100));
    note("append", at.seconds_of_append(streams, Log::turns));
  }
  return found;
}

// One log of 1,000 streams with 100 events each.
template <class Log> times by_threads(sizes const& values) {
  constexpr std::uint64_t streams = 1'000;
  times found;
  auto const note = [&](char const* measure, double seconds) {
    found[std::string(measure) + "_" + Log::name].push_back(seconds);
  };
  Log log;
  bank at(log.store);
  for (int round = 0; round < 100; ++round) at.fill(0, streams, 1);
  for (std::uint64_t const threads : values) {
    note("load",
         seconds_in_threads(threads, 2'000, [&](std::uint64_t turn) { at.load(turn, streams); }) / 100);
    note("cache", at.seconds_of_cached(streams, threads, 100'000));
    note("waiters", at.seconds_of_wait(streams, threads, 30));
    note("append",
         seconds_in_threads(threads, Log::turns, [&](std::uint64_t turn) { at.append(turn, streams); }));
  }
  return found;
}

template <class Log> void add(int repetitions) {
  auto const all = lines_of(Log::name, {"append", "load", "projection", "cache", "waiters"});
  auto const shared = lines_of(Log::name, {"append", "load", "cache", "waiters"});
  add_sweep("events", decades(1'000, longest_log()), all, repetitions, by_events<Log>);
  add_sweep("streams", decades(1, streams_max), all, repetitions, by_streams<Log>);
  add_sweep("threads", {1, 2, 4, 8, 16, 32, 64}, shared, repetitions, by_threads<Log>);
}

// The curves in memory vary more, and take less time.
[[maybe_unused]] bool const added = [] {
  add<in_memory>(3);
  add<in_sqlite>(1);
  return true;
}();

} // namespace
