// SPDX-License-Identifier: BSL-1.0
// Measurements of which only those of one moment can be compared, because what they depend on, the time that a cache line takes
// from one core to the other, changes threefold within seconds: a repetition measures all ways of a case in turn.
#pragma once

#include <benchmark/benchmark.h>

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bench {

struct way {
  std::string name;
  std::function<double()> seconds; // of one item; or a number of what the case counts, times one_unit
};
inline constexpr double one_unit = 1e-9;

class paired_case {
public:
  explicit paired_case(std::vector<way> ways) : ways_(std::move(ways)), measured_(ways_.size()) {}
  // What the way came to in the next repetition.
  double take(std::size_t index) {
    if (measured_[index].empty()) {
      // Each repetition begins with another way, so that none always follows the same one.
      for (std::size_t i = 0; i < ways_.size(); ++i) {
        std::size_t const now = (i + repetition_) % ways_.size();
        measured_[now].push_back(ways_[now].seconds());
      }
      ++repetition_;
    }
    double const seconds = measured_[index].front();
    measured_[index].pop_front();
    return seconds;
  }
  std::vector<way> const& ways() const { return ways_; }

private:
  std::vector<way> ways_;
  std::vector<std::deque<double>> measured_;
  std::size_t repetition_ = 0;
};

// Registers CASE/WAY for each way. `unit` is what a case counts that is no time.
inline void add_paired_case(std::string const& name, std::vector<way> ways, std::string const& unit = {}) {
  constexpr int repetitions = 15;
  auto const made = std::make_shared<paired_case>(std::move(ways));
  for (std::size_t i = 0; i < made->ways().size(); ++i) {
    std::string const full = name + "/" + made->ways()[i].name;
    auto const measure = [made, i, unit](benchmark::State& state) {
      for (auto _ : state) state.SetIterationTime(made->take(i));
      state.SetLabel(unit);
    };
    benchmark::RegisterBenchmark(full.c_str(), measure)
        ->Iterations(1)
        ->Repetitions(repetitions)
        ->UseManualTime();
  }
}

} // namespace bench
