// SPDX-License-Identifier: BSL-1.0
// A projection's name, "revenue.v2", taken apart: what it is a version of, and that it is one.
#pragma once

#include <string_view>

namespace cleave::detail {

// "revenue" of "revenue.v2"; the whole name where no version stands at its end.
constexpr std::string_view projection_stem(std::string_view name) noexcept {
  auto const digits = name.find_last_not_of("0123456789") + 1; // npos + 1 is 0: nothing but digits
  bool const versioned = digits > 2 && digits < name.size() && name[digits - 1] == 'v' &&
                         name[digits - 2] == '.';
  return versioned ? name.substr(0, digits - 2) : name;
}

} // namespace cleave::detail
