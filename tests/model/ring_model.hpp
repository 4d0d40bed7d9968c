// SPDX-License-Identifier: BSL-1.0
// The programs that the model checker runs; compiled with optimisation, apart from the tests.
#pragma once

#include "scenario.hpp"

#include <vector>

namespace ring_model {

// Programs on the ring of the library: together they reach every line of it.
std::vector<simulated::scenario> programs_on_the_ring();

// Programs on rings that have one bug each, planted in the text of the library's headers when the tests are configured
// (planted_bugs.cmake); named after the bug.
std::vector<simulated::scenario> programs_on_planted_bugs();

} // namespace ring_model
