// SPDX-License-Identifier: BSL-1.0
// A projection divided by key between two workers, each with a thread of its own, beside the same one undivided ("whole"): in memory
// with an `on` that costs about four tenths of a microsecond of computing, because passing over what is the other worker's costs too, and in SQLite
// from a log in SQLite: with one upsert for each event, which costs little more than reading it, and with an entry in a journal
// besides, which has an index. Then the rebuild of such a journal beside the live one, from begin() to the moment when it can be switched to:
// in two files by two workers, beside the serial one in one file.
#include <cleave/memory/event_store.hpp>
#include <cleave/query/partitioned_projector.hpp>
#include <cleave/query/partitioned_rebuildable_projector.hpp>
#include <cleave/query/partitioned_stored_projector.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "../account.hpp"
#include "../scratch.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

using namespace bench;

constexpr std::size_t workers = 2;
constexpr std::int64_t streams = 1'000;
constexpr std::int64_t in_memory = 200'000;
constexpr std::int64_t in_files = 100'000;

template <class Store> void fill(Store& store, std::int64_t count) {
  cleave::uuid_v7_source ids(1);
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < streams; ++i) names.push_back("account-" + std::to_string(i));
  for (std::int64_t from = 0; from < count; from += streams) {
    std::vector<money_deposited> values;
    for (std::int64_t i = from; i < from + streams; ++i) values.push_back({i});
    std::vector<cleave::new_event> sent;
    for (auto const& value : values)
      sent.push_back(cleave::to_new_event(cleave::event_id(ids.next(cleave::timestamp(1))), value));
    std::vector<cleave::stream_append> parts;
    for (std::size_t i = 0; i < names.size(); ++i)
      parts.push_back({names[i], cleave::expectation::any(), {&sent[i], 1}});
    if (!store.append({.streams = parts})) std::abort();
  }
}

cleave::projector_options options() {
  cleave::projector_options out;
  out.threads = false;
  return out;
}

void run_one(auto& machine, std::int64_t count) {
  while (machine.reached() != cleave::position(static_cast<std::uint64_t>(count))) {
    if (machine.step() == cleave::step::failed) std::abort();
  }
}
void run_all(auto& partitioned, std::int64_t count) {
  std::vector<std::thread> threads;
  for (auto& worker : partitioned.workers()) threads.emplace_back([&] { run_one(worker, count); });
  for (auto& thread : threads) thread.join();
  if (partitioned.reached() != cleave::position(static_cast<std::uint64_t>(count))) std::abort();
}

struct ratings {
  using events = cleave::event_set<money_deposited>;
  static constexpr std::string_view name = "ratings.v1";
  std::unordered_map<std::string_view, std::uint64_t> of; // the names are the log's
  void on(money_deposited const& e, cleave::envelope const& at) {
    auto& rating = of[at.stream.text()];
    for (int i = 0; i < 400; ++i)
      rating = rating * 6364136223846793005U + static_cast<std::uint64_t>(e.cents);
  }
};

cleave::memory::event_store& memory_log() {
  static cleave::memory::event_store log;
  static bool const filled = (fill(log, in_memory), true);
  static_cast<void>(filled);
  return log;
}
void memory_partitions(benchmark::State& state) {
  auto& log = memory_log();
  for (auto _ : state) {
    cleave::partitioned_projector<ratings, cleave::memory::event_store> at(log, {}, options(), workers);
    run_all(at, in_memory);
  }
  state.SetItemsProcessed(state.iterations() * in_memory);
}
BENCHMARK(memory_partitions)
    ->Name("read/partitions_memory/ours")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
void memory_whole(benchmark::State& state) {
  auto& log = memory_log();
  for (auto _ : state) {
    cleave::memory_projector<ratings, cleave::memory::event_store> at(log, {}, options());
    run_one(at, in_memory);
  }
  state.SetItemsProcessed(state.iterations() * in_memory);
}
BENCHMARK(memory_whole)->Name("read/partitions_memory/whole")->UseRealTime()->Unit(benchmark::kMillisecond);

struct balance_rows {
  using events = cleave::event_set<money_deposited>;
  static constexpr std::string_view name = "balance-rows.v1";
  static cleave::result<void> create(cleave::sqlite::database& db) {
    return db.run_script(
        "CREATE TABLE IF NOT EXISTS balance (stream TEXT PRIMARY KEY, cents INTEGER NOT NULL) WITHOUT ROWID");
  }
  static cleave::result<void> on(money_deposited const& e, cleave::envelope const& at,
                                 cleave::sqlite::database& db) {
    auto done = db.execute("INSERT INTO balance VALUES (?1, ?2) ON CONFLICT (stream) DO UPDATE SET "
                           "cents = cents + excluded.cents",
                           at.stream.text(), e.cents);
    if (!done) return cleave::unexpected(std::move(done).error());
    return {};
  }
};

struct journal_rows {
  using events = cleave::event_set<money_deposited>;
  static constexpr std::string_view name = "journal-rows.v1";
  static cleave::result<void> create(cleave::sqlite::database& db) {
    if (auto made = balance_rows::create(db); !made) return made;
    return db.run_script(
        "CREATE TABLE IF NOT EXISTS entry (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, cents INTEGER NOT NULL);"
        "CREATE INDEX IF NOT EXISTS entry_by_stream ON entry (stream, position)");
  }
  static cleave::result<void> on(money_deposited const& e, cleave::envelope const& at,
                                 cleave::sqlite::database& db) {
    if (auto done = balance_rows::on(e, at, db); !done) return done;
    auto done = db.execute("INSERT INTO entry VALUES (?1, ?2, ?3)", at.position.value(), at.stream.text(),
                           e.cents);
    if (!done) return cleave::unexpected(std::move(done).error());
    return {};
  }
};

struct log_file {
  scratch folder;
  std::string path = folder.file("log.db");
  log_file() {
    auto store = cleave::sqlite::event_store::open({.path = path, .durability = cleave::durability::relaxed});
    if (!store) std::abort();
    fill(*store, in_files);
  }
};
// run(log, files) is measured, with so many read stores in a new folder.
template <class Run> void over_files(benchmark::State& state, std::size_t count, Run run) {
  static log_file const made;
  auto log = cleave::sqlite::event_store::open({.path = made.path});
  if (!log) std::abort();
  for (auto _ : state) {
    state.PauseTiming();
    auto folder = std::make_unique<scratch>();
    std::vector<cleave::sqlite::read_store> files;
    for (std::size_t i = 0; i < count; ++i) {
      auto rows = cleave::sqlite::read_store::open(
          {.path = folder->file("rows-" + std::to_string(i) + ".db")});
      if (!rows) std::abort();
      files.push_back(std::move(*rows));
    }
    state.ResumeTiming();
    run(*log, files);
    state.PauseTiming();
    files.clear();
    folder.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * in_files);
}
template <class Model> void sqlite_partitions(benchmark::State& state) {
  over_files(state, workers, [](cleave::sqlite::event_store& log, auto& files) {
    cleave::partitioned_stored_projector<Model, cleave::sqlite::event_store, cleave::sqlite::read_store> at(
        log, files, {}, options());
    run_all(at, in_files);
  });
}
template <class Model> void sqlite_whole(benchmark::State& state) {
  over_files(state, 1, [](cleave::sqlite::event_store& log, auto& files) {
    cleave::stored_projector<Model, cleave::sqlite::event_store, cleave::sqlite::read_store> at(
        log, files.front(), {}, options());
    run_one(at, in_files);
  });
}
BENCHMARK(sqlite_partitions<balance_rows>)
    ->Name("read/partitions_sqlite/ours")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(sqlite_whole<balance_rows>)
    ->Name("read/partitions_sqlite/whole")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(sqlite_partitions<journal_rows>)
    ->Name("read/partitions_sqlite_journal/ours")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(sqlite_whole<journal_rows>)
    ->Name("read/partitions_sqlite_journal/whole")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

template <int V> struct journal_version {
  using events = cleave::event_set<money_deposited>;
  static constexpr std::string_view name = V == 1 ? "journal.v1" : "journal.v2";
  static constexpr std::array<std::string_view, 2> tables = {V == 1 ? "balance_1" : "balance_2",
                                                             V == 1 ? "entry_1" : "entry_2"};
  static cleave::result<void> create(cleave::sqlite::database& db) {
    return db.run_script(cleave::format_text(
        "CREATE TABLE IF NOT EXISTS balance_{} (stream TEXT PRIMARY KEY, cents INTEGER NOT NULL) WITHOUT ROWID;"
        "CREATE TABLE IF NOT EXISTS entry_{} (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, cents INTEGER NOT NULL);"
        "CREATE INDEX IF NOT EXISTS entry_by_stream_{} ON entry_{} (stream, position)",
        V, V, V, V));
  }
  static cleave::result<void> on(money_deposited const& e, cleave::envelope const& at,
                                 cleave::sqlite::database& db) {
    static std::string const add = cleave::format_text(
        "INSERT INTO balance_{} VALUES (?1, ?2) ON CONFLICT (stream) DO UPDATE SET cents = cents + excluded.cents",
        V);
    static std::string const note = cleave::format_text("INSERT INTO entry_{} VALUES (?1, ?2, ?3)", V);
    if (auto done = db.execute(add, at.stream.text(), e.cents); !done)
      return cleave::unexpected(std::move(done).error());
    auto done = db.execute(note, at.position.value(), at.stream.text(), e.cents);
    if (!done) return cleave::unexpected(std::move(done).error());
    return {};
  }
};

// Steps each machine on a thread of its own until it has nothing to do.
void run_dry(auto& machines) {
  std::vector<std::thread> threads;
  for (auto& machine : machines) {
    threads.emplace_back([&] {
      while (machine.step() == cleave::step::worked) {
      }
    });
  }
  for (auto& thread : threads) thread.join();
}
// What is measured. `machines`: what is to be stepped.
template <class Projector> void rebuild(benchmark::State& state, Projector& versions, auto& machines) {
  state.PauseTiming();
  versions.prepare();
  run_dry(machines); // the live version
  state.ResumeTiming();
  if (!versions.begin()) std::abort();
  run_dry(machines);
  state.PauseTiming();
  auto const done = versions.status();
  if (done.stage != cleave::rebuild_stage::ready || done.events_done != in_files) std::abort();
  state.ResumeTiming();
}
void rebuild_parallel(benchmark::State& state) {
  over_files(state, workers, [&](cleave::sqlite::event_store& log, auto& files) {
    cleave::partitioned_rebuildable_projector<journal_version<1>, journal_version<2>,
                                              cleave::sqlite::event_store, cleave::sqlite::read_store>
        versions(log, files, options(), {});
    rebuild(state, versions, versions.workers());
  });
}
void rebuild_serial(benchmark::State& state) {
  over_files(state, 1, [&](cleave::sqlite::event_store& log, auto& files) {
    using projector = cleave::rebuildable_projector<journal_version<1>, journal_version<2>,
                                                    cleave::sqlite::event_store, cleave::sqlite::read_store>;
    std::deque<projector> one;
    one.emplace_back(log, files.front(), options(), cleave::rebuild_options{});
    rebuild(state, one.front(), one);
  });
}
BENCHMARK(rebuild_parallel)->Name("read/rebuild_parallel/ours")->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(rebuild_serial)->Name("read/rebuild_parallel/serial")->UseRealTime()->Unit(benchmark::kMillisecond);

} // namespace
