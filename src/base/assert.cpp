// SPDX-License-Identifier: BSL-1.0
#include <cleave/config.hpp>

#include <cstdio>
#include <cstdlib>

namespace cleave::detail {

void assertion_failed(char const* expression, char const* text, char const* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: cleave: %s (violated: %s)\n", file, line, text, expression);
  std::abort();
}

} // namespace cleave::detail
