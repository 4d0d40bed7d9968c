// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/command_set.hpp>

namespace cleave::detail {

std::uint64_t fingerprint_of_text(std::string_view text) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3U;
  }
  return hash;
}

} // namespace cleave::detail
