// SPDX-License-Identifier: BSL-1.0
// Queries: an answer from the cache beside a table by hand, alone and with 64 threads on one question; and an answer that waits for
// a command of just now, beside the raw commit alone, by their medians.
#include <cleave/memory/event_store.hpp>
#include <cleave/memory/query_cache.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "../account.hpp"
#include "../bus/paired.hpp"
#include "../counted.hpp"
#include "../sqlite/raw_log.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace bench;

constexpr std::int64_t accounts = 1'000;

struct balance_now {
  using result_type = std::int64_t;
  std::string account;
  std::string const& depends_on() const { return account; }
};
BOOST_DESCRIBE_STRUCT(balance_now, (), (account))

std::atomic<std::int64_t> computed = 0;

struct balances_now {
  using events = cleave::event_set<money_deposited>;
  using queries = cleave::query_set<balance_now>;
  static constexpr std::string_view name = "balances-now.v1";
  std::unordered_map<std::string, std::int64_t> cents{};
  void on(money_deposited const& e, cleave::envelope const& at) {
    cents[std::string(at.stream.text())] += e.cents;
  }
  std::int64_t answer(balance_now const& q) const {
    ++computed;
    auto const found = cents.find(q.account);
    return found == cents.end() ? 0 : found->second;
  }
};

std::string account_name(std::int64_t i) { return "account-" + std::to_string(i % accounts); }

template <class Store> cleave::position append(Store& store, cleave::uuid_v7_source& ids, std::int64_t i) {
  money_deposited const event{i};
  auto const sent = cleave::to_new_event(cleave::event_id(ids.next(cleave::system_clock{}.now())), event);
  auto const stream = account_name(i);
  cleave::stream_append const part{stream, cleave::expectation::any(), {&sent, 1}};
  auto done = store.append({.streams = {&part, 1}});
  if (!done) std::abort();
  return done->position;
}

// The application on a log in memory, with every account's answer in the cache.
struct cached_bank {
  cleave::memory::event_store store{};
  cleave::memory::query_cache cache{};
  cleave::application<cleave::memory::event_store, decltype(cleave::projections<balances_now>),
                      decltype(cleave::cached_queries<balance_now>(cache))>
      bank{store, cleave::projections<balances_now>, cleave::cached_queries<balance_now>(cache)};

  cached_bank() {
    cleave::uuid_v7_source ids;
    cleave::position last;
    for (std::int64_t i = 0; i < accounts; ++i) last = append(store, ids, i);
    for (std::int64_t i = 0; i < accounts; ++i) {
      if (!bank.query(balance_now{account_name(i)}, cleave::at_least(last))) std::abort();
    }
  }
};

void cached_ours(benchmark::State& state) {
  cached_bank bank;
  auto const head = bank.store.head().value();
  std::vector<balance_now> questions;
  for (std::int64_t i = 0; i < accounts; ++i) questions.push_back({account_name(i)});
  std::size_t i = 0;
  for (auto _ : state) {
    auto const answer = bank.bank.query(questions[i++ % accounts], cleave::at_least(head));
    if (!answer) std::abort();
    benchmark::DoNotOptimize(*answer);
  }
  if (bank.cache.stats().misses != accounts) state.SkipWithError("an answer was computed twice");
}
BENCHMARK(cached_ours)->Name("read/cached/ours")->Apply(bench::counted);
void limit_of_cached(benchmark::State& state) {
  for (auto _ : state) state.SetIterationTime(150e-9);
}
BENCHMARK(limit_of_cached)->Name("read/cached/limit_150_ns")->UseManualTime()->Iterations(1);

void cached_raw(benchmark::State& state) {
  std::mutex mutex;
  std::unordered_map<std::string, std::int64_t> table;
  std::vector<std::string> questions;
  for (std::int64_t i = 0; i < accounts; ++i) table[questions.emplace_back(account_name(i))] = i;
  std::size_t i = 0;
  for (auto _ : state) {
    std::scoped_lock const lock(mutex);
    benchmark::DoNotOptimize(table.find(questions[i++ % accounts])->second);
  }
}
BENCHMARK(cached_raw)->Name("read/cached/raw")->Apply(bench::counted);

// All threads ask one question, which is in the cache.
void hot_question_ours(benchmark::State& state) {
  static cached_bank* bank = nullptr;
  if (state.thread_index() == 0) {
    bank = new cached_bank;
    computed = 0;
  }
  balance_now const question{account_name(1)};
  for (auto _ : state) {
    auto const answer = bank->bank.query(question);
    benchmark::DoNotOptimize(*answer);
  }
  if (state.thread_index() == 0) {
    if (computed != 0) state.SkipWithError("a kept answer was computed again");
    delete bank;
  }
}
BENCHMARK(hot_question_ours)->Name("read/cached_64_threads/ours")->Threads(64)->UseRealTime();

void hot_question_raw(benchmark::State& state) {
  static std::mutex mutex;
  static std::unordered_map<std::string, std::int64_t> const table{{account_name(1), 1}};
  std::string const question = account_name(1);
  for (auto _ : state) {
    std::scoped_lock const lock(mutex);
    benchmark::DoNotOptimize(table.find(question)->second);
  }
}
BENCHMARK(hot_question_raw)->Name("read/cached_64_threads/raw")->Threads(64)->UseRealTime();

// 64 threads ask, at once, what is not in the cache yet: a nanosecond stands for one call of the handler.
double calls_for_64_threads() {
  constexpr int threads = 64;
  cleave::memory::event_store store;
  cleave::memory::query_cache cache;
  cleave::application bank{store, cleave::projections<balances_now>,
                           cleave::cached_queries<balance_now>(cache)};
  cleave::uuid_v7_source ids;
  auto const last = append(store, ids, 1);
  computed = 0;
  std::barrier begin(threads);
  std::vector<std::thread> all;
  for (int i = 0; i < threads; ++i) {
    all.emplace_back([&] {
      begin.arrive_and_wait();
      if (!bank.query(balance_now{account_name(1)}, cleave::at_least(last))) std::abort();
    });
  }
  for (std::thread& one : all) one.join();
  return static_cast<double>(computed) * bench::one_unit;
}

// The median of so many in a row on an idle system.
template <class Turn> double p50_of(Turn&& turn) {
  using clock = std::chrono::steady_clock;
  constexpr std::size_t turns = 200;
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < turns; ++i) {
    auto const begin = clock::now();
    turn(static_cast<std::int64_t>(i));
    times.push_back(std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - begin).count());
  }
  auto const at = times.begin() + turns / 2;
  std::ranges::nth_element(times, at);
  return static_cast<double>(*at) * 1e-9;
}
// A durable append, and the answer that shows it.
double read_your_write_ours() {
  scratch const folder;
  auto store = cleave::sqlite::event_store::open({.path = folder.file("ours.db")}).value();
  cleave::application bank{store, cleave::projections<balances_now>};
  cleave::uuid_v7_source ids;
  return p50_of([&](std::int64_t i) {
    auto const at = append(store, ids, i);
    auto const answer = bank.query(balance_now{account_name(i)}, cleave::at_least(at));
    if (!answer) std::abort();
    benchmark::DoNotOptimize(*answer);
  });
}
// The append alone.
double read_your_write_raw() {
  scratch const folder;
  raw_log log(folder.file("raw.db"));
  return p50_of([&](std::int64_t i) {
    auto const stream = account_name(i);
    log.begin();
    log.insert(stream, log.head(stream) + 1, money_deposited::event_name, i);
    log.commit();
  });
}
[[maybe_unused]] bool const added = [] {
  bench::add_paired_case("read/handler_calls_64_threads",
                         {{"ours", calls_for_64_threads}, {"limit_1_call", [] { return bench::one_unit; }}},
                         "calls");
  bench::add_paired_case("read/at_least", {{"ours", read_your_write_ours}, {"raw", read_your_write_raw}});
  return true;
}();

} // namespace
