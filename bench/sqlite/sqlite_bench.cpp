// SPDX-License-Identifier: BSL-1.0
// The path of one thread on SQLite at full durability: append, load and replay, each beside SQLite's C functions. Events have about
// 200 bytes of JSON, which nobody decodes: the codec has benchmarks of its own.
#include "both_logs.hpp"

#include <benchmark/benchmark.h>

#include <string>

namespace {

using namespace bench;

constexpr std::uint64_t streams = 1'000;
constexpr std::int64_t rounds = 100;
constexpr std::uint64_t events = streams * rounds;

// What both sides do with an event.
struct glance {
  std::uint64_t sum = 0;
  void at(std::uint64_t version, std::string_view name, std::string_view data) {
    sum += version + name.size() + data.size();
  }
};

// Into streams that are there: making one costs ours two more pages, and the raw table has none.
void append_ours(benchmark::State& state) {
  both_logs const files(streams, 1);
  auto store = open_store(files.ours());
  cleave::uuid_v7_source ids;
  std::uint64_t i = 0;
  for (auto _ : state) {
    one_event const one(ids, i++ % streams);
    if (!store.append(one.request())) std::abort();
  }
}
BENCHMARK(append_ours)->Name("sqlite/append_alone/ours")->UseRealTime();

void append_raw(benchmark::State& state) {
  both_logs const files(streams, 1);
  raw_unique log(files.raw(), false);
  std::uint64_t i = 0;
  for (auto _ : state) {
    auto const stream = stream_of(i++ % streams);
    log.begin();
    log.insert(stream, log.head(stream) + 1);
    log.commit();
  }
}
BENCHMARK(append_raw)->Name("sqlite/append_alone/raw")->UseRealTime();

both_logs const& files() {
  static both_logs const made(streams, rounds);
  return made;
}

void load_ours(benchmark::State& state) {
  auto store = open_store(files().ours());
  std::uint64_t i = 0;
  for (auto _ : state) {
    auto const stream = stream_of(i++ * 7 % streams);
    glance seen;
    auto const head = store.read_stream(stream, {}, [&](cleave::recorded_event const& event) {
      seen.at(event.at.version.value(), event.at.name, event.data);
      return true;
    });
    if (!head || *head != cleave::version(rounds)) std::abort();
    benchmark::DoNotOptimize(seen);
  }
}
BENCHMARK(load_ours)->Name("sqlite/load_100/ours")->UseRealTime();

void load_raw(benchmark::State& state) {
  raw_unique log(files().raw(), false);
  std::uint64_t i = 0;
  for (auto _ : state) {
    glance seen;
    log.load(stream_of(i++ * 7 % streams),
             [&](std::int64_t version, std::string_view name, std::string_view data) {
               seen.at(static_cast<std::uint64_t>(version), name, data);
             });
    benchmark::DoNotOptimize(seen);
  }
}
BENCHMARK(load_raw)->Name("sqlite/load_100/raw")->UseRealTime();

void replay_ours(benchmark::State& state) {
  auto store = open_store(files().ours());
  for (auto _ : state) {
    glance seen;
    auto const read = store.read_all({}, [&](cleave::recorded_event const& event) {
      seen.at(event.at.version.value(), event.at.name, event.data);
      return true;
    });
    if (!read) std::abort();
    benchmark::DoNotOptimize(seen);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events));
}
BENCHMARK(replay_ours)->Name("sqlite/replay/ours")->UseRealTime()->Unit(benchmark::kMillisecond);

void replay_raw(benchmark::State& state) {
  raw_unique log(files().raw(), false);
  for (auto _ : state) {
    glance seen;
    log.scan(INT64_MAX, [&](std::int64_t version, std::string_view name, std::string_view data) {
      seen.at(static_cast<std::uint64_t>(version), name, data);
    });
    benchmark::DoNotOptimize(seen);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events));
}
BENCHMARK(replay_raw)->Name("sqlite/replay/raw")->UseRealTime()->Unit(benchmark::kMillisecond);

} // namespace
