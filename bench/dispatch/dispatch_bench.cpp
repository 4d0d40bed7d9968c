// SPDX-License-Identifier: BSL-1.0
// What routing costs: a command and a query through the bus, beside a direct call of the same function.
#include <cleave/command/command_bus.hpp>
#include <cleave/query/query_bus.hpp>

#include "../counted.hpp"

#include <benchmark/benchmark.h>

#include <cstdint>

namespace {

template <int N> struct command_of {
  std::int64_t amount = 0;
};
template <int N> struct query_of {
  using result_type = std::int64_t;
};

// Not inlined, so that the direct call is a call.
template <int N> struct handler {
  using commands = cleave::command_set<command_of<N>>;
  std::uint64_t sum = 0;
  [[gnu::noinline]] cleave::command_result execute(command_of<N> const& c, cleave::command_context const&) {
    sum += static_cast<std::uint64_t>(c.amount);
    return cleave::committed{cleave::position(sum), cleave::version(1), false};
  }
};
template <int N> struct answerer {
  using queries = cleave::query_set<query_of<N>>;
  std::int64_t value = N;
  [[gnu::noinline]] cleave::result<std::int64_t> answer(query_of<N> const&) const { return value; }
};

void command_ours(benchmark::State& state) {
  cleave::command_bus bus{handler<0>{}, handler<1>{}, handler<2>{}, handler<3>{}};
  command_of<2> command{1};
  for (auto _ : state) {
    benchmark::DoNotOptimize(command);
    auto done = bus.execute(command);
    benchmark::DoNotOptimize(done);
  }
}
BENCHMARK(command_ours)->Name("dispatch/command/ours")->Apply(bench::counted);

void command_raw(benchmark::State& state) {
  handler<2> direct;
  command_of<2> command{1};
  cleave::command_context const context{};
  for (auto _ : state) {
    benchmark::DoNotOptimize(command);
    auto done = direct.execute(command, context);
    benchmark::DoNotOptimize(done);
  }
}
BENCHMARK(command_raw)->Name("dispatch/command/raw")->Apply(bench::counted);

void query_ours(benchmark::State& state) {
  answerer<0> a;
  answerer<1> b;
  answerer<2> c;
  cleave::query_bus bus{a, b, c};
  query_of<1> question;
  for (auto _ : state) {
    benchmark::DoNotOptimize(question);
    auto answer = bus.ask(question);
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(query_ours)->Name("dispatch/query/ours")->Apply(bench::counted);

void query_raw(benchmark::State& state) {
  answerer<1> direct;
  query_of<1> question;
  for (auto _ : state) {
    benchmark::DoNotOptimize(question);
    auto answer = direct.answer(question);
    benchmark::DoNotOptimize(answer);
  }
}
BENCHMARK(query_raw)->Name("dispatch/query/raw")->Apply(bench::counted);

} // namespace
