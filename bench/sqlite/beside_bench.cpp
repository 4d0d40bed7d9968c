// SPDX-License-Identifier: BSL-1.0
// A thread that reads the log and a thread that appends at full speed, batches of 100, durable: what each keeps of the rate that it
// has alone; and the raw way with a reader and a writer of its own.
#include "both_logs.hpp"

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

using namespace bench;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t batch = 100;
constexpr std::int64_t rounds = 1'000;
constexpr std::uint64_t events = batch * rounds; // that each read reads
constexpr int reads = 5;
constexpr int appends = 500;

class our_log {
public:
  void append() { append_round(store_, ids_, 0, batch); }
  void read() {
    std::uint64_t seen = 0;
    auto const done = store_.read_all({.limit = events}, [&](cleave::recorded_event const& event) {
      seen += event.data.size();
      return true;
    });
    if (!done) std::abort();
    benchmark::DoNotOptimize(seen);
  }

private:
  both_logs files_{batch, rounds};
  cleave::sqlite::event_store store_ = open_store(files_.ours());
  cleave::uuid_v7_source ids_;
};

class raw_pair {
public:
  void append() { append_round(writer_, ++version_, 0, batch); }
  void read() {
    std::uint64_t seen = 0;
    reader_.scan(static_cast<std::int64_t>(events),
                 [&](std::int64_t, std::string_view, std::string_view data) { seen += data.size(); });
    benchmark::DoNotOptimize(seen);
  }

private:
  both_logs files_{batch, rounds};
  raw_unique writer_{files_.raw(), false};
  raw_unique reader_{files_.raw(), false};
  std::int64_t version_ = rounds;
};

// The seconds of one item, of `times` times `work`, while another thread does `other` again and again, if it is to.
template <class Work, class Other>
double seconds(bool alone, int times, std::uint64_t items, Work work, Other other) {
  std::atomic<bool> begun{alone};
  std::atomic<bool> ending{false};
  std::thread beside([&] {
    while (!alone && !ending.load()) {
      other();
      begun.store(true);
      begun.notify_one();
    }
  });
  begun.wait(false);
  auto const begin = steady::now();
  for (int i = 0; i < times; ++i) work();
  double const all = std::chrono::duration<double>(steady::now() - begin).count();
  ending.store(true);
  beside.join();
  return all / (static_cast<double>(times) * static_cast<double>(items));
}

template <class Log, bool Alone> void reader(benchmark::State& state) {
  for (auto _ : state) {
    Log log;
    state.SetIterationTime(seconds(Alone, reads, events, [&] { log.read(); }, [&] { log.append(); }));
  }
}
template <class Log, bool Alone> void writer(benchmark::State& state) {
  for (auto _ : state) {
    Log log;
    state.SetIterationTime(seconds(Alone, appends, batch, [&] { log.append(); }, [&] { log.read(); }));
  }
}
BENCHMARK(reader<our_log, false>)->Name("sqlite/reader_beside_writer/ours")->UseManualTime()->Iterations(1);
BENCHMARK(reader<our_log, true>)->Name("sqlite/reader_beside_writer/alone")->UseManualTime()->Iterations(1);
BENCHMARK(reader<raw_pair, false>)->Name("sqlite/reader_beside_writer/raw")->UseManualTime()->Iterations(1);
BENCHMARK(reader<raw_pair, true>)
    ->Name("sqlite/reader_beside_writer/raw_alone")
    ->UseManualTime()
    ->Iterations(1);
BENCHMARK(writer<our_log, false>)->Name("sqlite/writer_beside_reader/ours")->UseManualTime()->Iterations(1);
BENCHMARK(writer<our_log, true>)->Name("sqlite/writer_beside_reader/alone")->UseManualTime()->Iterations(1);
BENCHMARK(writer<raw_pair, false>)->Name("sqlite/writer_beside_reader/raw")->UseManualTime()->Iterations(1);
BENCHMARK(writer<raw_pair, true>)
    ->Name("sqlite/writer_beside_reader/raw_alone")
    ->UseManualTime()
    ->Iterations(1);

} // namespace
