// SPDX-License-Identifier: BSL-1.0
// `shop apply`: commands as JSON, one a line, answers as JSON, one a line.
#pragma once

#include "application.hpp"

#include <istream>
#include <ostream>

namespace shop {

// Answers every line before it reads the next. True when all were executed. errc::io_error when the answers cannot be written.
cleave::result<bool> apply(running_shop& shop, std::istream& in, std::ostream& out);

} // namespace shop
