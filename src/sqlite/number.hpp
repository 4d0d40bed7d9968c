// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstdint>

namespace cleave::sqlite {

// A position or version as a bound in SQL, whose integers are signed: nothing stored is beyond INT64_MAX.
constexpr std::int64_t sql_bound(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(value, INT64_MAX));
}

} // namespace cleave::sqlite
