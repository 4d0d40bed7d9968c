// SPDX-License-Identifier: BSL-1.0
// Who wants something: the name and the roles of somebody whose identity the application has checked already.
#pragma once

#include <span>
#include <string_view>

namespace cleave {

// Views.
struct principal {
  std::string_view name;
  std::span<std::string_view const> roles{};

  constexpr bool has(std::string_view role) const noexcept {
    for (std::string_view const one : roles) {
      if (one == role) return true;
    }
    return false;
  }
};

} // namespace cleave
