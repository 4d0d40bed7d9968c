// SPDX-License-Identifier: BSL-1.0
// The path of one thread on SQLite at full durability: append, load and replay, each beside SQLite's C functions.
#include <cleave/sqlite/event_store.hpp>

#include "../account.hpp"
#include "raw_log.hpp"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace {

using namespace bench;

constexpr std::int64_t streams = 1'000;
std::string const deposited(money_deposited::event_name);

std::string stream_of(std::int64_t i) { return "account-" + std::to_string(i % streams); }

cleave::sqlite::event_store open_store(std::string const& path) {
  auto store = cleave::sqlite::event_store::open({.path = path});
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message().c_str());
    std::abort();
  }
  return std::move(*store);
}

void append(cleave::sqlite::event_store& store, cleave::uuid_v7_source& ids, std::int64_t i) {
  money_deposited const event{i};
  auto const sent = cleave::to_new_event(cleave::event_id(ids.next(cleave::system_clock{}.now())), event);
  auto const stream = stream_of(i);
  cleave::stream_append const part{stream, cleave::expectation::any(), {&sent, 1}};
  if (auto done = store.append({.streams = {&part, 1}}); !done) std::abort();
}

void append_one_ours(benchmark::State& state) {
  scratch const folder;
  auto store = open_store(folder.file("ours.db"));
  cleave::uuid_v7_source ids;
  std::int64_t i = 0;
  for (auto _ : state) append(store, ids, i++);
}
BENCHMARK(append_one_ours)->Name("sqlite/append_alone/ours")->UseRealTime();

void append_one_raw(benchmark::State& state) {
  scratch const folder;
  raw_log log(folder.file("raw.db"));
  std::int64_t i = 0;
  for (auto _ : state) {
    auto const stream = stream_of(i);
    log.begin();
    log.insert(stream, log.head(stream) + 1, deposited, i++);
    log.commit();
  }
}
BENCHMARK(append_one_raw)->Name("sqlite/append_alone/raw")->UseRealTime();

// 100,000 events in 1,000 streams, for the reads.
constexpr std::int64_t events = 100'000;

struct filled {
  scratch folder;
  std::string ours = folder.file("ours.db");
  std::string raw = folder.file("raw.db");

  filled() {
    auto store = open_store(ours);
    cleave::uuid_v7_source ids;
    for (std::int64_t at = 0; at < events / streams; ++at) {
      std::vector<std::string> names;
      std::vector<money_deposited> values;
      std::vector<cleave::new_event> sent;
      std::vector<cleave::stream_append> parts;
      for (std::int64_t s = 0; s < streams; ++s) {
        names.push_back(stream_of(s));
        values.push_back({s});
      }
      for (auto const& value : values)
        sent.push_back(cleave::to_new_event(cleave::event_id(ids.next(cleave::timestamp(1))), value));
      for (std::size_t s = 0; s < names.size(); ++s)
        parts.push_back({names[s], cleave::expectation::any(), {&sent[s], 1}});
      if (auto done = store.append({.streams = parts}); !done) std::abort();
    }
    raw_log log(raw);
    log.begin();
    for (std::int64_t i = 0; i < events; ++i)
      log.insert(stream_of(i), i / streams + 1, deposited, i % streams);
    log.commit();
  }
};
filled const& files() {
  static filled const made;
  return made;
}

void load_ours(benchmark::State& state) {
  auto store = open_store(files().ours);
  std::int64_t i = 0;
  for (auto _ : state) {
    auto loaded = cleave::load<account>(store,
                                        cleave::stream_buffer(account::category, i++ * 7 % streams).name());
    if (!loaded || loaded->version != cleave::version(events / streams)) std::abort();
    benchmark::DoNotOptimize(loaded);
  }
}
BENCHMARK(load_ours)->Name("sqlite/load_100/ours")->UseRealTime();

void load_raw(benchmark::State& state) {
  raw_log log(files().raw);
  std::int64_t i = 0;
  for (auto _ : state) {
    account loaded;
    log.load(stream_of(i++ * 7), [&](std::string_view name, std::int64_t cents) {
      if (name == deposited) loaded.evolve(money_deposited{cents});
    });
    benchmark::DoNotOptimize(loaded);
  }
}
BENCHMARK(load_raw)->Name("sqlite/load_100/raw")->UseRealTime();

void replay_ours(benchmark::State& state) {
  auto store = open_store(files().ours);
  for (auto _ : state) {
    totals model;
    auto read = store.read_all({}, [&](cleave::recorded_event const& recorded) {
      return static_cast<bool>(cleave::visit_event<totals::events>(
          recorded, [&](auto const& e, cleave::envelope const&) { model.on(e); }));
    });
    benchmark::DoNotOptimize(model.cents);
    if (!read) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * events);
}
BENCHMARK(replay_ours)->Name("sqlite/replay/ours")->UseRealTime()->Unit(benchmark::kMillisecond);

void replay_raw(benchmark::State& state) {
  raw_log log(files().raw);
  for (auto _ : state) {
    totals model;
    log.scan([&](std::string_view name, std::int64_t cents) {
      if (name == deposited) model.on(money_deposited{cents});
    });
    benchmark::DoNotOptimize(model.cents);
  }
  state.SetItemsProcessed(state.iterations() * events);
}
BENCHMARK(replay_raw)->Name("sqlite/replay/raw")->UseRealTime()->Unit(benchmark::kMillisecond);

} // namespace
