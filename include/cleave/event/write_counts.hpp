// SPDX-License-Identifier: BSL-1.0
// How a durable store has put its writes together.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace cleave {

// Since the store was opened.
struct write_counts {
  // Committed groups of 1, 2, 3 to 4, 5 to 8, ... writes; the last one: of 257 and more.
  static constexpr std::size_t sizes = 10;
  std::array<std::uint64_t, sizes> groups{};
  std::uint64_t writes = 0;  // in all of them
  std::uint64_t waiting = 0; // for a group, at this moment
};

} // namespace cleave
