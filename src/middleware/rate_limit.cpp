// SPDX-License-Identifier: BSL-1.0
#include <cleave/config.hpp>
#include <cleave/middleware/rate_limit.hpp>

#include <algorithm>

namespace cleave {

rate_limiter::rate_limiter(rate_limit_options const& options) noexcept : options_(options) {
  constexpr std::uint32_t most = 1'000'000;
  CLEAVE_ASSERT(options.per_second >= 1 && options.per_second <= most, "per_second is 1 to 1,000,000");
  CLEAVE_ASSERT(options.burst >= 1 && options.burst <= most, "burst is 1 to 1,000,000");
  interval_ns_ = 1'000'000'000 / static_cast<std::int64_t>(options.per_second);
}

bool rate_limiter::try_take() noexcept {
  std::int64_t const now = options_.clock.now().microseconds() * 1'000;
  std::int64_t const ahead = interval_ns_ * static_cast<std::int64_t>(options_.burst);
  std::int64_t on_time = on_time_ns_.load(std::memory_order_relaxed);
  for (;;) {
    // No taking leads further ahead than the burst: what is there was written before the clock was set back.
    bool const clock_went_back = on_time > now + ahead;
    std::int64_t const from = clock_went_back ? now : std::max(on_time, now);
    std::int64_t const next = from + interval_ns_;
    if (next > now + ahead) return false;
    if (on_time_ns_.compare_exchange_weak(on_time, next, std::memory_order_relaxed)) return true;
  }
}

} // namespace cleave
