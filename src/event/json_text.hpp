// SPDX-License-Identifier: BSL-1.0
// What the JSON writer and the parts of the JSON reader have in common: kinds of bytes, and finding those of a text that need a
// closer look.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace cleave::detail {

inline unsigned char byte_at(char const* at) noexcept { return static_cast<unsigned char>(*at); }

inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// Neither a control character, nor '"', nor '\', nor part of a longer UTF-8 sequence.
inline bool is_plain(char const* at) noexcept {
  unsigned char const c = byte_at(at);
  return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

// The high bit of each byte of `block` that is not plain. Bytes above the lowest such byte may be marked wrongly (the borrow of
// a subtraction), so that only "none" and "which is the first" can be asked. Method: Hacker's Delight, 2nd ed., 6-1.
inline std::uint64_t not_plain(std::uint64_t block) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101U;
  constexpr std::uint64_t high = 0x8080808080808080U;
  std::uint64_t const control = block - ones * 0x20;
  std::uint64_t const quote = (block ^ (ones * '"')) - ones;
  std::uint64_t const backslash = (block ^ (ones * '\\')) - ones;
  // Bytes of 0x80 and more need no term of their own: the exclusive or leaves their high bit set, and taking one away clears it in
  // 0x80 only, which no byte becomes in both terms.
  return (control | quote | backslash) & high;
}

inline std::uint64_t load_block(char const* at) noexcept {
  std::uint64_t block = 0;
  std::memcpy(&block, at, sizeof block);
  return block;
}

// The first byte in [at, end) that is not plain, or end.
inline char const* skip_plain(char const* at, char const* end) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    while (end - at >= 8) {
      if (std::uint64_t const marked = not_plain(load_block(at)); marked != 0)
        return at + std::countr_zero(marked) / 8;
      at += 8;
    }
  }
  while (at != end && is_plain(at)) ++at;
  return at;
}

// The length, 2 to 4, of the well-formed UTF-8 sequence at `at`, whose first byte is 0x80 or more; 0 where it is none.
// Table 3-7 of the Unicode standard.
inline std::size_t sequence_length(char const* at, char const* end) noexcept {
  auto const left = static_cast<std::size_t>(end - at);
  unsigned char const lead = byte_at(at);
  auto const follows = [&](std::size_t i, unsigned char low, unsigned char high) {
    return byte_at(at + i) >= low && byte_at(at + i) <= high;
  };
  if (lead < 0xc2 || lead > 0xf4) return 0;
  if (lead < 0xe0) return left >= 2 && follows(1, 0x80, 0xbf) ? 2 : 0;
  if (lead < 0xf0) {
    unsigned char const low = lead == 0xe0 ? 0xa0 : 0x80;
    unsigned char const high = lead == 0xed ? 0x9f : 0xbf; // no surrogates
    return left >= 3 && follows(1, low, high) && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  unsigned char const low = lead == 0xf0 ? 0x90 : 0x80;
  unsigned char const high = lead == 0xf4 ? 0x8f : 0xbf;
  return left >= 4 && follows(1, low, high) && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
}

} // namespace cleave::detail
