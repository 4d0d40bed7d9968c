// SPDX-License-Identifier: BSL-1.0
// Hashing and comparing texts of a few words (names, keys) in place, without a call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace cleave::detail {

// A full 64-bit product folded to 64 bits mixes well and costs two instructions (the building block of wyhash, Wang Yi).
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using wide = unsigned __int128;
  wide const product = static_cast<wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Of one process: another one may give another hash. Names can come from strangers: where many with one hash would be a nuisance,
// take a seed that they cannot know.
inline std::uint64_t hash_words(std::string_view text, std::uint64_t seed) noexcept {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15U;
  std::uint64_t hash = seed ^ (text.size() * odd);
  char const* at = text.data();
  std::size_t left = text.size();
  std::uint64_t word = 0;
  for (; left >= sizeof word; left -= sizeof word, at += sizeof word) {
    std::memcpy(&word, at, sizeof word);
    hash = mix(hash ^ word, seed | odd);
  }
  word = 0;
  if (left >= 4) {
    // Two overlapping halves: no loop over the last bytes.
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, at, sizeof low);
    std::memcpy(&high, at + left - sizeof high, sizeof high);
    word = (static_cast<std::uint64_t>(high) << 32) | low;
  } else if (left > 0) {
    auto const byte = [&](std::size_t i) {
      return static_cast<std::uint64_t>(static_cast<unsigned char>(at[i]));
    };
    word = byte(0) | (byte(left / 2) << 8) | (byte(left - 1) << 16);
  }
  return mix(hash ^ word, odd);
}

// Names are short: no call for them.
inline bool same_text(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  std::uint64_t left = 0;
  std::uint64_t right = 0;
  std::size_t at = 0;
  for (; at + sizeof left <= a.size(); at += sizeof left) {
    std::memcpy(&left, a.data() + at, sizeof left);
    std::memcpy(&right, b.data() + at, sizeof right);
    if (left != right) return false;
  }
  if (at == a.size()) return true;
  if (a.size() < sizeof left) return std::memcmp(a.data(), b.data(), a.size()) == 0;
  // The last eight bytes, some of them again.
  std::memcpy(&left, a.data() + a.size() - sizeof left, sizeof left);
  std::memcpy(&right, b.data() + b.size() - sizeof right, sizeof right);
  return left == right;
}

} // namespace cleave::detail
