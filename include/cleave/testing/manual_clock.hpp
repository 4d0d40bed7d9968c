// SPDX-License-Identifier: BSL-1.0
// A clock that stands still until a test moves it.
#pragma once

#include <cleave/base/clock.hpp>

#include <atomic>
#include <cstdint>

namespace cleave::testing {

// A cleave::clock for options. Any thread may read and move it at once. It starts at 2026-01-01T00:00:00Z.
class manual_clock {
public:
  static constexpr timestamp default_start = timestamp(1'767'225'600'000'000);

  explicit manual_clock(timestamp start = default_start) noexcept : microseconds_(start.microseconds()) {}

  timestamp now() const noexcept { return timestamp(microseconds_.load(std::memory_order_acquire)); }
  // Backwards too: a wall clock can do that.
  void set(timestamp at) noexcept { microseconds_.store(at.microseconds(), std::memory_order_release); }
  void advance_us(std::int64_t microseconds) noexcept {
    microseconds_.fetch_add(microseconds, std::memory_order_acq_rel);
  }

private:
  std::atomic<std::int64_t> microseconds_;
};

} // namespace cleave::testing
