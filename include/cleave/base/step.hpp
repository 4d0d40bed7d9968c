// SPDX-License-Identifier: BSL-1.0
// What one step() of a long-running activity came to. Every such activity is a state machine; who calls step, a thread, a test
// or a simulation, is somebody else's business.
#pragma once

#include <cstdint>

namespace cleave {

enum class step : std::uint8_t {
  worked,  // one bounded piece of work was done; call again, there may be more
  idle,    // nothing to do until the activity's source signals
  waiting, // nothing to do before some time has passed (the back-off of a retry); call again then
  failed,  // the activity has stopped; it tells its error
};

} // namespace cleave
