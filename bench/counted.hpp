// SPDX-License-Identifier: BSL-1.0
// Benchmarks whose instructions are counted besides: BENCHMARK(f)->Name(...)->Apply(bench::counted). Every iteration must do the
// same, on one thread, and the work around the loop should be light, because it runs in callgrind. They take nanoseconds, of which
// one run in ten is a tenth off; so they are repeated more often than others.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace bench {

// With CLEAVE_BENCH_ITERATIONS=N in the environment it runs exactly N iterations: what two such runs differ by is the iterations
// alone. Its name says N then, by which report.py knows it.
inline void counted(benchmark::internal::Benchmark* one) {
  if (char const* const given = std::getenv("CLEAVE_BENCH_ITERATIONS"); given != nullptr) {
    if (int const iterations = std::atoi(given); iterations > 0) one->Iterations(iterations);
  } else {
    one->Repetitions(15);
  }
}

} // namespace bench
