// SPDX-License-Identifier: BSL-1.0
// The programs on an attention that the model checker runs; compiled with optimisation, apart from the tests.
#pragma once

#include "scenario.hpp"

#include <vector>

namespace attention_model {

std::vector<simulated::scenario> programs();

// Each with a bug that was planted in the text of the header (planted_bugs.cmake), and named after it.
std::vector<simulated::scenario> programs_on_planted_bugs();

} // namespace attention_model
