// SPDX-License-Identifier: BSL-1.0
// The whole way of a command on one thread: decided, appended, told to a subscriber of the event bus, applied by a projection, and the
// answer of a query that reflects it. In memory, with an inline projection and a query for each command, beside a struct by hand and
// beside the figures that we set ourselves; on SQLite beside a raw transaction, which reads the head of a stream, inserts the next
// event and commits.
#include <cleave/memory/event_store.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "../account.hpp"
#include "../bus/paired.hpp"
#include "../sqlite/raw_log.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

using namespace bench;

constexpr std::int64_t accounts = 1'000;
constexpr std::int64_t most_events = 1'000'000; // then the log begins anew: bounded memory

// All of an application on a log in memory, and who listens.
struct memory_bank {
  cleave::memory::event_store store{};
  cleave::application<cleave::memory::event_store, std::decay_t<decltype(cleave::deciders<account>)>,
                      std::decay_t<decltype(cleave::inline_projections<totals>)>>
      app{store, cleave::deciders<account>, cleave::inline_projections<totals>};
  std::int64_t heard = 0;
  cleave::subscription listening = app.events().subscribe<money_deposited>(
      [this](money_deposited const& e) { heard += e.cents; });
  std::int64_t sent = 0;

  memory_bank() {
    for (std::int64_t i = 0; i < accounts; ++i) {
      if (!app.execute(open_account{i})) std::abort();
    }
  }
  // One command, and the answer that shows it.
  void turn() {
    auto const done = app.execute(deposit{sent % accounts, 5});
    if (!done) std::abort();
    auto const answer = app.query(total{}, cleave::at_least(done->position));
    sent += 1;
    if (!answer || *answer != 5 * sent || heard != 5 * sent) std::abort();
  }
};

// The same by hand: no ids, times, expectations, conditions or repeats, one thread.
struct raw_bank {
  using any_event = std::variant<account_opened, money_deposited, money_withdrawn>;
  struct kept {
    account state{};
    std::vector<std::size_t> events{};
  };
  std::vector<any_event> log{};
  std::unordered_map<std::string, kept> streams{};
  std::vector<std::function<void(any_event const&)>> subscribers{};
  totals model{};
  std::int64_t heard = 0;
  std::int64_t sent = 0;

  raw_bank() {
    subscribers.emplace_back([this](any_event const& e) {
      if (auto const* deposited = std::get_if<money_deposited>(&e)) heard += deposited->cents;
    });
    for (std::int64_t i = 0; i < accounts; ++i) commit(of(i), account_opened{});
  }
  raw_bank(raw_bank const&) = delete;
  raw_bank& operator=(raw_bank const&) = delete;

  kept& of(std::int64_t number) { return streams["account-" + std::to_string(number)]; }
  void commit(kept& to, any_event const& event) {
    to.events.push_back(log.size());
    log.push_back(event);
    std::visit([&](auto const& e) { to.state.evolve(e); }, event);
    std::visit([&](auto const& e) { model.on(e); }, event);
    for (auto const& call : subscribers) call(event);
  }
  void turn() {
    kept& to = of(sent % accounts);
    auto const decided = to.state.decide(deposit{sent % accounts, 5});
    if (decided.refused() != nullptr) std::abort();
    decided.for_each([&](auto const& event) { commit(to, event); });
    sent += 1;
    if (model.answer(total{}) != 5 * sent || heard != 5 * sent) std::abort();
  }
};

template <class Bank> void in_memory(benchmark::State& state) {
  auto made = std::make_unique<Bank>();
  std::int64_t i = 0;
  for (auto _ : state) {
    made->turn();
    if (++i % most_events == 0) {
      state.PauseTiming();
      made = std::make_unique<Bank>();
      state.ResumeTiming();
    }
  }
}
void three_million_per_second(benchmark::State& state) {
  for (auto _ : state) state.SetIterationTime(1.0 / 3e6);
}
BENCHMARK(in_memory<memory_bank>)->Name("endtoend/memory/ours");
BENCHMARK(in_memory<raw_bank>)->Name("endtoend/memory/raw");
BENCHMARK(three_million_per_second)->Name("endtoend/memory/limit_3_M_per_s")->UseManualTime()->Iterations(1);

// The projection is stepped, and asked, once for so many commands: what comes of a commit on a file is never waited for by the commit.
constexpr std::int64_t commands_a_query = 100;

void relaxed_ours(benchmark::State& state) {
  bench::scratch const folder;
  auto store = cleave::sqlite::event_store::open(
      {.path = folder.file("ours.db"), .durability = cleave::durability::relaxed});
  if (!store) std::abort();
  cleave::application app{*store, cleave::deciders<account>, cleave::projections<totals>,
                          cleave::application_options{.projector = {.threads = false}}};
  std::int64_t heard = 0;
  auto const listening = app.events().subscribe<money_deposited>(
      [&](money_deposited const& e) { heard += e.cents; });
  for (std::int64_t i = 0; i < accounts; ++i) {
    if (!app.execute(open_account{i})) std::abort();
  }
  std::int64_t sent = 0;
  for (auto _ : state) {
    auto const done = app.execute(deposit{sent % accounts, 5});
    if (!done || ++sent * 5 != heard) std::abort();
    if (sent % commands_a_query != 0) continue;
    while (app.step() == cleave::step::worked) {
    }
    auto const answer = app.query(total{}, cleave::at_least(done->position));
    if (!answer || *answer != heard) std::abort();
  }
}
void relaxed_raw(benchmark::State& state) {
  bench::scratch const folder;
  bench::raw_log log(folder.file("raw.db"), false);
  std::int64_t i = 0;
  for (auto _ : state) {
    std::string const stream = "account-" + std::to_string(i++ % accounts);
    log.begin();
    log.insert(stream, log.head(stream) + 1, "money-deposited.v1", 5);
    log.commit();
  }
}
BENCHMARK(relaxed_ours)->Name("endtoend/relaxed/ours");
BENCHMARK(relaxed_raw)->Name("endtoend/relaxed/raw");

// Of 100,000 commands in memory, the time that 99 of 100 stay below; the two readings of the clock are in it.
double p99_of_memory() {
  using clock = std::chrono::steady_clock;
  constexpr std::size_t turns = 100'000;
  auto const made = std::make_unique<memory_bank>();
  std::vector<std::int64_t> times;
  times.reserve(turns);
  for (std::size_t i = 0; i < turns; ++i) {
    auto const begin = clock::now();
    made->turn();
    times.push_back(std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - begin).count());
  }
  auto const at = times.begin() + static_cast<std::ptrdiff_t>(turns * 99 / 100);
  std::ranges::nth_element(times, at);
  return static_cast<double>(*at) * 1e-9;
}
[[maybe_unused]] bool const added = [] {
  bench::add_paired_case("endtoend/memory_p99",
                         {{"ours", p99_of_memory}, {"limit_1_us", [] { return 1e-6; }}});
  return true;
}();

} // namespace
