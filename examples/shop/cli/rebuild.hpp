// SPDX-License-Identifier: BSL-1.0
// Building a read model anew while the shop goes on: one step for each call of the program.
#pragma once

#include "application.hpp"
#include "cli/arguments.hpp"

#include <ostream>

namespace shop {

// True when the step was taken and the rows, where they were compared, are the same. `watched`: somebody sees progress on
// `complaints`. errc::invalid_argument for a step that does not exist.
cleave::result<bool> rebuild(running_shop& shop, arguments const& given, std::ostream& out,
                             std::ostream& complaints, bool watched);

} // namespace shop
