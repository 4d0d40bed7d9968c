// SPDX-License-Identifier: BSL-1.0
// How fresh an answer has to be.
#pragma once

#include <cleave/event/position.hpp>

#include <chrono>

namespace cleave {

// at_least(done->position): the answer reflects every event up to that position, or it is errc::stale after the timeout. The default,
// position 0, takes what is there. A timeout of zero asks without waiting. Timeouts above one day count as one day.
struct at_least {
  cleave::position position{};
  std::chrono::milliseconds timeout{1000};

  constexpr at_least() noexcept = default;
  constexpr explicit at_least(cleave::position p, std::chrono::milliseconds wait = std::chrono::milliseconds(1000)) noexcept
      : position(p), timeout(wait) {}
};

} // namespace cleave
