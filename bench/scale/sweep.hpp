// SPDX-License-Identifier: BSL-1.0
// Curves: the same work at several sizes. A sweep measures all its lines at all its values in one go, because what it works on
// grows from one value to the next; each time becomes a benchmark scale/LINE/ours/AXIS:VALUE.
#pragma once

#include <benchmark/benchmark.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

using sizes = std::vector<std::uint64_t>;
using times = std::map<std::string, std::vector<double>>; // of each line, seconds at each value

inline void require(bool good) {
  if (!good) std::abort();
}

inline double seconds_of(auto work) {
  auto const begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Seconds of a turn, when `threads` threads share `turns` turns.
template <class Work> double seconds_in_threads(std::uint64_t threads, std::uint64_t turns, Work work) {
  auto const run = [&](std::uint64_t first) {
    for (std::uint64_t turn = first; turn < turns; turn += threads) work(turn);
  };
  std::atomic<bool> go{false};
  std::vector<std::thread> others;
  for (std::uint64_t t = 1; t < threads; ++t) {
    others.emplace_back([&, t] {
      go.wait(false);
      run(t);
    });
  }
  double const all = seconds_of([&] {
    go = true;
    go.notify_all();
    run(0);
    for (auto& other : others) other.join();
  });
  return all / static_cast<double>(turns);
}

// 1, 10, 100, ... from `first` to `last`
inline sizes decades(std::uint64_t first, std::uint64_t last) {
  sizes values;
  for (std::uint64_t value = first; value <= last; value *= 10) values.push_back(value);
  return values;
}

class sweep {
public:
  sweep(sizes values, std::function<times(sizes const&)> measure)
      : values_(std::move(values)), measure_(std::move(measure)) {}
  double take(std::string const& line, std::size_t index) {
    auto& waiting = waiting_[{line, index}];
    if (waiting.empty()) {
      for (auto const& [name, seconds] : measure_(values_)) {
        require(seconds.size() == values_.size());
        for (std::size_t i = 0; i < seconds.size(); ++i) waiting_[{name, i}].push_back(seconds[i]);
      }
    }
    double const seconds = waiting.front();
    waiting.pop_front();
    return seconds;
  }

private:
  sizes values_;
  std::function<times(sizes const&)> measure_;
  std::map<std::pair<std::string, std::size_t>, std::deque<double>> waiting_;
};

// `measure(values)` yields the times of all `lines`.
inline void add_sweep(std::string const& axis, sizes const& values, std::vector<std::string> const& lines,
                      int repetitions, std::function<times(sizes const&)> measure) {
  auto const made = std::make_shared<sweep>(values, std::move(measure));
  for (auto const& line : lines) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::string const name = "scale/" + line + "/ours/" + axis + ":" + std::to_string(values[i]);
      benchmark::RegisterBenchmark(name.c_str(),
                                   [made, line, i](benchmark::State& state) {
                                     for (auto _ : state) state.SetIterationTime(made->take(line, i));
                                   })
          ->Iterations(1)
          ->Repetitions(repetitions)
          ->UseManualTime();
    }
  }
}

} // namespace bench
