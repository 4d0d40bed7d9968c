// SPDX-License-Identifier: BSL-1.0
// The write path of the SQLite store under load: many threads, many appends in flight, big files, one hot stream. Events have about
// 200 bytes of JSON; everything is durable (synchronous=FULL).
//   CLEAVE_BENCH_EVENTS: how many events the big file has, 1,000,000 without it.
#include <cleave/application.hpp>

#include "both_logs.hpp"
#include "raw_group.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace bench;
using steady = std::chrono::steady_clock;

double seconds_since(steady::time_point begin) {
  return std::chrono::duration<double>(steady::now() - begin).count();
}

// --- 64 threads, one durable event each time, 10,000 streams

constexpr int writers = 64;

// work(thread, turn) appends one event. The time of each turn goes into `times` where there is one.
template <class Work>
double in_threads(int each, Work work, std::vector<double>* times = nullptr) {
  std::vector<std::thread> threads;
  std::mutex mutex;
  auto const begin = steady::now();
  for (int t = 0; t < writers; ++t) {
    threads.emplace_back([&, t] {
      std::vector<double> own;
      for (int i = 0; i < each; ++i) {
        auto const start = steady::now();
        work(t, i);
        own.push_back(seconds_since(start));
      }
      if (times == nullptr) return;
      std::lock_guard const lock(mutex);
      times->insert(times->end(), own.begin(), own.end());
    });
  }
  for (std::thread& thread : threads) thread.join();
  return seconds_since(begin);
}

double percentile_99(std::vector<double>& times) {
  auto const at = times.begin() + static_cast<std::ptrdiff_t>(times.size() * 99 / 100);
  std::nth_element(times.begin(), at, times.end());
  return *at;
}

constexpr int turns = 150;
std::uint64_t scattered(int thread, int turn) {
  return (static_cast<std::uint64_t>(thread) * 7'919 + static_cast<std::uint64_t>(turn) * 104'729) % 10'000;
}

void threads_ours(benchmark::State& state, bool latency) {
  for (auto _ : state) {
    scratch const folder;
    auto store = open_store(folder.file("ours.db"));
    cleave::uuid_v7_source ids;
    std::vector<double> times;
    double const all = in_threads(
        turns,
        [&](int t, int i) {
          one_event const one(ids, scattered(t, i));
          if (!store.append(one.request())) std::abort();
        },
        &times);
    state.SetIterationTime(latency ? percentile_99(times) : all / (writers * turns));
  }
}
void threads_group(benchmark::State& state, bool latency) {
  for (auto _ : state) {
    scratch const folder;
    raw_group log(folder.file("raw.db"));
    std::vector<double> times;
    double const all = in_threads(
        turns, [&](int t, int i) { log.append(stream_of(scattered(t, i))); }, &times);
    state.SetIterationTime(latency ? percentile_99(times) : all / (writers * turns));
  }
}
void threads_alone(benchmark::State& state) {
  constexpr int few = 5; // each waits for all the others
  for (auto _ : state) {
    scratch const folder;
    std::vector<std::unique_ptr<raw_unique>> logs;
    for (int t = 0; t < writers; ++t)
      logs.push_back(std::make_unique<raw_unique>(folder.file("raw.db"), t == 0));
    double const all = in_threads(few, [&](int t, int i) {
      auto& log = *logs[static_cast<std::size_t>(t)];
      auto const stream = stream_of(scattered(t, i));
      log.begin();
      log.insert(stream, log.head(stream) + 1);
      log.commit();
    });
    state.SetIterationTime(all / (writers * few));
  }
}
BENCHMARK_CAPTURE(threads_ours, rate, false)
    ->Name("sqlite/write_64_threads/ours")
    ->UseManualTime()
    ->Iterations(1);
BENCHMARK_CAPTURE(threads_group, rate, false)
    ->Name("sqlite/write_64_threads/group")
    ->UseManualTime()
    ->Iterations(1);
BENCHMARK(threads_alone)->Name("sqlite/write_64_threads/raw")->UseManualTime()->Iterations(1);
BENCHMARK_CAPTURE(threads_ours, p99, true)
    ->Name("sqlite/write_64_threads_p99/ours")
    ->UseManualTime()
    ->Iterations(1);
BENCHMARK_CAPTURE(threads_group, p99, true)
    ->Name("sqlite/write_64_threads_p99/group")
    ->UseManualTime()
    ->Iterations(1);

// --- 1,024 appends in flight

constexpr std::uint64_t flight_events = 60'000;
constexpr int in_flight = 1'024;

// Lets so many pass; when all are out, waits until half of them are back, so that waking costs little.
class flow {
public:
  void enter() {
    if (int now = flying_.load(); now >= in_flight) {
      while ((now = flying_.load()) > in_flight / 2) flying_.wait(now);
    }
    ++flying_;
  }
  void leave() {
    if (int const now = --flying_; now == in_flight / 2 || now == 0) flying_.notify_one();
  }
  void wait_for_all() {
    for (int now = flying_.load(); now > 0; now = flying_.load()) flying_.wait(now);
  }

private:
  std::atomic<int> flying_{0};
};

void flight_ours(benchmark::State& state) {
  for (auto _ : state) {
    scratch const folder;
    auto store = open_store(folder.file("ours.db"));
    cleave::uuid_v7_source ids;
    flow appends;
    auto const begin = steady::now();
    for (std::uint64_t n = 0; n < flight_events; ++n) {
      appends.enter();
      one_event const one(ids, n * 7'919 % 10'000);
      auto const begun = store.async_append(one.request(), [&appends](cleave::result<cleave::appended> done) {
        if (!done) std::abort();
        appends.leave();
      });
      if (!begun) std::abort();
    }
    appends.wait_for_all();
    state.SetIterationTime(seconds_since(begin) / static_cast<double>(flight_events));
  }
}
template <class Log> void flight_raw(benchmark::State& state) {
  for (auto _ : state) {
    scratch const folder;
    Log log(folder.file("raw.db"));
    auto const begin = steady::now();
    for (std::uint64_t n = 0; n < flight_events;) {
      log.begin();
      for (int i = 0; i < in_flight / 2 && n < flight_events; ++i, ++n) log.insert(n * 7'919 % 10'000);
      log.commit();
    }
    state.SetIterationTime(seconds_since(begin) / static_cast<double>(flight_events));
  }
}
BENCHMARK(flight_ours)->Name("sqlite/in_flight_1024/ours")->UseManualTime()->Iterations(1);
BENCHMARK(flight_raw<raw_chain>)->Name("sqlite/in_flight_1024/raw")->UseManualTime()->Iterations(1);
BENCHMARK(flight_raw<raw_bare>)->Name("sqlite/in_flight_1024/bare")->UseManualTime()->Iterations(1);

// --- batches of 100 over random streams, into a small and a big file

class random_streams {
public:
  explicit random_streams(std::uint64_t streams) : streams_(streams) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % streams_;
  }

private:
  std::uint64_t streams_;
  std::uint64_t state_ = 88172645463325252ull;
};

constexpr std::uint64_t batch = 100;

class growing_store {
public:
  growing_store(std::uint64_t streams, std::uint64_t events)
      : store_(open_store(folder_.file("ours.db"))), streams_(streams) {
    grow(events);
  }
  void grow(std::uint64_t events) {
    for (std::uint64_t done = 0; done < events; done += batch) {
      std::vector<std::uint64_t> chosen;
      while (chosen.size() < batch) {
        // A stream stands in an append once.
        auto const stream = streams_.next();
        if (std::find(chosen.begin(), chosen.end(), stream) == chosen.end()) chosen.push_back(stream);
      }
      std::vector<std::string> names;
      std::vector<cleave::new_event> events_of_batch(batch);
      std::vector<cleave::stream_append> parts;
      for (auto const stream : chosen) names.push_back(stream_of(stream));
      for (std::size_t i = 0; i < batch; ++i) {
        events_of_batch[i] = {.id = cleave::event_id(ids_.next(cleave::system_clock{}.now())),
                              .name = event_name,
                              .data = event_data};
        parts.push_back({names[i], cleave::expectation::any(), {&events_of_batch[i], 1}});
      }
      if (!store_.append({.streams = parts})) std::abort();
    }
  }
  cleave::sqlite::event_store& store() { return store_; }
  std::string path() const { return folder_.file("ours.db"); }

private:
  scratch folder_;
  cleave::sqlite::event_store store_;
  cleave::uuid_v7_source ids_;
  random_streams streams_;
};

std::uint64_t big() {
  static std::uint64_t const events = [] {
    char const* const text = std::getenv("CLEAVE_BENCH_EVENTS");
    return text != nullptr ? std::strtoull(text, nullptr, 10) : 1'000'000ull;
  }();
  return events;
}
std::uint64_t big_streams() { return std::max<std::uint64_t>(big() / 100, 1'000); }

constexpr std::uint64_t window = 20'000; // events, in which the rate is measured

growing_store& big_store() {
  static growing_store made(big_streams(), big());
  return made;
}

void big_ours(benchmark::State& state) {
  auto& log = big_store();
  for (auto _ : state) {
    auto const begin = steady::now();
    log.grow(window);
    state.SetIterationTime(seconds_since(begin) / window);
  }
}
// How fast it was at the beginning: 10,000 events in the file.
void big_young(benchmark::State& state) {
  for (auto _ : state) {
    growing_store log(big_streams(), 10'000);
    auto const begin = steady::now();
    log.grow(window);
    state.SetIterationTime(seconds_since(begin) / window);
  }
}
void big_raw(benchmark::State& state) {
  static scratch const folder;
  static raw_unique log(folder.file("raw.db"), true);
  static random_streams streams(big_streams());
  static std::vector<std::int64_t> heads(big_streams());
  static bool const filled = [] {
    log.fill(big(), streams, heads);
    return true;
  }();
  benchmark::DoNotOptimize(filled);
  for (auto _ : state) {
    auto const begin = steady::now();
    for (std::uint64_t done = 0; done < window; done += batch) {
      log.begin();
      for (std::uint64_t i = 0; i < batch; ++i) {
        auto const stream = streams.next();
        log.insert(stream_of(stream), ++heads[stream]);
      }
      log.commit();
    }
    state.SetIterationTime(seconds_since(begin) / window);
  }
}
BENCHMARK(big_ours)->Name("sqlite/append_to_big/ours")->UseManualTime()->Iterations(1);
BENCHMARK(big_young)->Name("sqlite/append_to_big/young")->UseManualTime()->Iterations(1);
BENCHMARK(big_raw)->Name("sqlite/append_to_big/raw")->UseManualTime()->Iterations(1);

// --- one hot stream: commands of 64 threads that each read, decide and append

struct counted {
  std::int64_t by = 0;
  static constexpr auto event_name = "counted.v1";
};
BOOST_DESCRIBE_STRUCT(counted, (), (by))
struct count {
  std::uint64_t counter = 0;
};
struct counter {
  using commands = cleave::command_set<count>;
  using events = cleave::event_set<counted>;
  static constexpr std::string_view category = "counter";
  static std::uint64_t id(count const& c) { return c.counter; }
  void evolve(counted const& e) { sum += e.by; }
  cleave::decision<counted> decide(count const&) const { return counted{1}; }

  std::int64_t sum = 0;
};

// About 10,000 commands.
constexpr int hot_turns = 156;

template <bool Hot> void commands(benchmark::State& state) {
  for (auto _ : state) {
    scratch const folder;
    auto store = open_store(folder.file("ours.db"));
    cleave::application counters{store, cleave::deciders<counter>};
    double const all = in_threads(hot_turns, [&](int t, int i) {
      for (;;) {
        auto const done = counters.execute(count{Hot ? 1 : scattered(t, i)});
        if (done) break;
      }
    });
    state.SetIterationTime(all / (writers * hot_turns));
  }
}
BENCHMARK(commands<true>)->Name("sqlite/hot_stream/ours")->UseManualTime()->Iterations(1);
BENCHMARK(commands<false>)->Name("sqlite/hot_stream/many_streams")->UseManualTime()->Iterations(1);

} // namespace
