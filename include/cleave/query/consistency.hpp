// SPDX-License-Identifier: BSL-1.0
// How fresh an answer has to be.
#pragma once

#include <cleave/base/duration.hpp>
#include <cleave/event/position.hpp>

#include <cstdint>

namespace cleave {

// at_least(done->position, 500ms): the answer reflects every event up to that position, or it is errc::stale after the timeout.
// The default, position 0, takes what is there. A timeout of zero or less asks without waiting; more than a day counts as a day.
struct at_least {
  static constexpr std::int64_t default_timeout_us = 1'000'000;
  static constexpr std::int64_t longest_timeout_us = 86'400'000'000;

  cleave::position position{};
  std::int64_t timeout_us = default_timeout_us;

  constexpr at_least() noexcept = default;
  constexpr explicit at_least(cleave::position p) noexcept : position(p) {}
  template <detail::duration_like Duration>
  constexpr at_least(cleave::position p, Duration timeout) noexcept
      : position(p), timeout_us(microseconds(timeout)) {}

private:
  template <class Duration> static constexpr std::int64_t microseconds(Duration timeout) noexcept {
    auto const us = static_cast<long double>(timeout.count()) * 1e6L *
                    static_cast<long double>(Duration::period::num) /
                    static_cast<long double>(Duration::period::den);
    if (us >= static_cast<long double>(longest_timeout_us)) return longest_timeout_us;
    return us <= 0 ? 0 : static_cast<std::int64_t>(us);
  }
};

} // namespace cleave
