// SPDX-License-Identifier: BSL-1.0
// The path in memory: append, load, replay, and a whole command, each beside what one would write by hand with a vector of
// variants for each stream. The hand-written log has no ids, times, expectations, conditions or repeats, and allows one thread.
#include <cleave/event/read_events.hpp>
#include <cleave/memory/event_store.hpp>

#include "../account.hpp"
#include "../counted.hpp"

#include <benchmark/benchmark.h>

#include <memory>
#include <variant>
#include <vector>

namespace {

using namespace bench;

constexpr std::int64_t streams = 1'000;

using any_event = std::variant<account_opened, money_deposited, money_withdrawn>;
struct raw_log {
  struct entry {
    std::uint64_t stream;
    any_event event;
  };
  std::vector<entry> all;
  std::unordered_map<std::string, std::vector<std::size_t>> by_stream;

  void append(std::string const& stream, any_event const& event) {
    by_stream[stream].push_back(all.size());
    all.push_back({by_stream.size(), event});
  }
};

std::vector<std::string> stream_names() {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < streams; ++i) names.push_back("account-" + std::to_string(i));
  return names;
}

void append_ours(benchmark::State& state) {
  auto const names = stream_names();
  auto store = std::make_unique<cleave::memory::event_store>();
  cleave::uuid_v7_source ids(1);
  std::uint64_t i = 0;
  for (auto _ : state) {
    money_deposited const event{static_cast<std::int64_t>(i)};
    auto const sent = cleave::to_new_event(cleave::event_id(ids.next(cleave::timestamp(1))), event);
    cleave::stream_append const part{names[i % names.size()], cleave::expectation::any(), {&sent, 1}};
    auto done = store->append({.streams = {&part, 1}});
    benchmark::DoNotOptimize(done);
    if (++i % 1'000'000 == 0) { // bounded memory
      state.PauseTiming();
      store = std::make_unique<cleave::memory::event_store>();
      state.ResumeTiming();
    }
  }
}
BENCHMARK(append_ours)->Name("memory/append/ours")->Apply(bench::counted);

void append_raw(benchmark::State& state) {
  auto const names = stream_names();
  raw_log log;
  std::uint64_t i = 0;
  for (auto _ : state) {
    log.append(names[i % names.size()], money_deposited{static_cast<std::int64_t>(i)});
    if (++i % 1'000'000 == 0) {
      state.PauseTiming();
      log = {};
      state.ResumeTiming();
    }
  }
}
BENCHMARK(append_raw)->Name("memory/append/raw")->Apply(bench::counted);

any_event nth_event(std::int64_t i) {
  if (i < streams) return account_opened{};
  if (i % 3 == 0) return money_withdrawn{i};
  return money_deposited{i};
}

void fill(cleave::memory::event_store& store, std::int64_t count) {
  auto const names = stream_names();
  cleave::uuid_v7_source ids(1);
  for (std::int64_t i = 0; i < count; ++i) {
    std::visit(
        [&](auto const& event) {
          auto const sent = cleave::to_new_event(cleave::event_id(ids.next(cleave::timestamp(1))), event);
          cleave::stream_append const part{
              names[static_cast<std::size_t>(i % streams)], cleave::expectation::any(), {&sent, 1}};
          if (!store.append({.streams = {&part, 1}})) std::abort();
        },
        nth_event(i));
  }
}
raw_log filled(std::int64_t count) {
  auto const names = stream_names();
  raw_log log;
  for (std::int64_t i = 0; i < count; ++i)
    log.append(names[static_cast<std::size_t>(i % streams)], nth_event(i));
  return log;
}

void replay_ours(benchmark::State& state) {
  cleave::memory::event_store store;
  fill(store, 1'000'000);
  for (auto _ : state) {
    totals model;
    auto read = cleave::read_events<totals::events>(store, {}, [&](auto const& e) { model.on(e); });
    benchmark::DoNotOptimize(model.cents);
    benchmark::DoNotOptimize(read);
  }
  state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(replay_ours)->Name("memory/replay/ours")->Unit(benchmark::kMillisecond);

// Each event with its whole envelope: nothing that the loop by hand has.
void read_all_ours(benchmark::State& state) {
  cleave::memory::event_store store;
  fill(store, 1'000'000);
  for (auto _ : state) {
    totals model;
    auto read = store.read_all({}, [&](cleave::recorded_event const& recorded) {
      return static_cast<bool>(cleave::visit_event<totals::events>(
          recorded, [&](auto const& e, cleave::envelope const&) { model.on(e); }));
    });
    benchmark::DoNotOptimize(model.cents);
    benchmark::DoNotOptimize(read);
  }
  state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(read_all_ours)->Name("memory/read_all/ours")->Unit(benchmark::kMillisecond);

void replay_raw(benchmark::State& state) {
  auto const log = filled(1'000'000);
  for (auto _ : state) {
    totals model;
    for (auto const& entry : log.all) std::visit([&](auto const& e) { model.on(e); }, entry.event);
    benchmark::DoNotOptimize(model.cents);
  }
  state.SetItemsProcessed(state.iterations() * 1'000'000);
}
BENCHMARK(replay_raw)->Name("memory/replay/raw")->Unit(benchmark::kMillisecond);

void load_ours(benchmark::State& state) {
  cleave::memory::event_store store;
  fill(store, 100 * streams);
  std::int64_t i = 0;
  for (auto _ : state) {
    cleave::stream_buffer const stream(account::category, i++ % streams);
    auto loaded = cleave::load<account>(store, stream.name());
    benchmark::DoNotOptimize(loaded);
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(load_ours)->Name("memory/load_100/ours")->Apply(bench::counted);

void load_raw(benchmark::State& state) {
  auto const log = filled(100 * streams);
  std::int64_t i = 0;
  for (auto _ : state) {
    account loaded;
    for (std::size_t at : log.by_stream.at("account-" + std::to_string(i++ % streams))) {
      std::visit([&](auto const& e) { loaded.evolve(e); }, log.all[at].event);
    }
    benchmark::DoNotOptimize(loaded);
  }
  state.SetItemsProcessed(state.iterations() * 100);
}
BENCHMARK(load_raw)->Name("memory/load_100/raw")->Apply(bench::counted);

// Load, decide, append, inline projection: all that a command is. Streams are 20 events long, as most are.
constexpr std::int64_t length = 20;

void command_ours(benchmark::State& state) {
  auto store = std::make_unique<cleave::memory::event_store>();
  auto made = [&] {
    return std::make_unique<
        cleave::application<cleave::memory::event_store, std::decay_t<decltype(cleave::deciders<account>)>,
                            std::decay_t<decltype(cleave::inline_projections<totals>)>>>(
        *store, cleave::deciders<account>, cleave::inline_projections<totals>);
  };
  auto application = made();
  std::int64_t i = 0;
  for (auto _ : state) {
    std::int64_t const number = i / length;
    auto done = i % length == 0 ? application->execute(open_account{number})
                                : application->execute(deposit{number, 5});
    benchmark::DoNotOptimize(done);
    if (++i % 1'000'000 == 0) {
      state.PauseTiming();
      application.reset();
      store = std::make_unique<cleave::memory::event_store>();
      application = made();
      state.ResumeTiming();
    }
  }
}
BENCHMARK(command_ours)->Name("memory/command/ours")->Apply(bench::counted);

void command_raw(benchmark::State& state) {
  raw_log log;
  totals model;
  std::int64_t i = 0;
  for (auto _ : state) {
    std::string const stream = "account-" + std::to_string(i / length);
    account loaded;
    for (std::size_t at : log.by_stream[stream])
      std::visit([&](auto const& e) { loaded.evolve(e); }, log.all[at].event);
    if (!loaded.open) {
      log.append(stream, account_opened{});
    } else {
      money_deposited const event{5};
      log.append(stream, event);
      model.on(event);
    }
    benchmark::DoNotOptimize(model.cents);
    if (++i % 1'000'000 == 0) {
      state.PauseTiming();
      log = {};
      state.ResumeTiming();
    }
  }
}
BENCHMARK(command_raw)->Name("memory/command/raw")->Apply(bench::counted);

} // namespace
