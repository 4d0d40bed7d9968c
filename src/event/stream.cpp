// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/stream.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace cleave {

namespace {

// Whether each byte is a printable ASCII character. It may say no to a text that is one in rare cases of a borrow between
// bytes; the slow check decides then. Nearly every name is one, and every append checks some (eight bytes at a time, after
// Mycroft's test for a zero byte).
bool is_plain_text(std::string_view text) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101U;
  constexpr std::uint64_t tops = ones * 0x80;
  auto const plain = [](std::uint64_t word) {
    std::uint64_t const below_space = (word - ones * 0x20) & ~word;
    std::uint64_t const from_del = word ^ (ones * 0x7f);
    return ((word | below_space | ((from_del - ones) & ~from_del)) & tops) == 0;
  };
  std::uint64_t word = 0;
  if (text.size() < sizeof word) {
    word = ones * 'a';
    std::memcpy(&word, text.data(), text.size());
    return plain(word);
  }
  for (std::size_t i = 0; i + sizeof word <= text.size(); i += sizeof word) {
    std::memcpy(&word, text.data() + i, sizeof word);
    if (!plain(word)) return false;
  }
  std::memcpy(&word, text.data() + (text.size() - sizeof word),
              sizeof word); // the rest, and some of it again
  return plain(word);
}

} // namespace

std::size_t find_invalid_utf8(std::string_view text) noexcept {
  auto const byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  std::size_t i = 0;
  while (i < text.size()) {
    std::uint8_t const lead = byte(i);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    // Table 3-7 of the Unicode standard: the range of the second byte depends on the lead byte.
    std::size_t length = 0;
    std::uint8_t low = 0x80;
    std::uint8_t high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) length = 2;
    else if (lead >= 0xe0 && lead <= 0xef) length = 3;
    else if (lead >= 0xf0 && lead <= 0xf4) length = 4;
    else return i;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (text.size() - i < length) return i;
    if (byte(i + 1) < low || byte(i + 1) > high) return i;
    for (std::size_t k = 2; k < length; ++k) {
      if (byte(i + k) < 0x80 || byte(i + k) > 0xbf) return i;
    }
    i += length;
  }
  return std::string_view::npos;
}

namespace {

// For a name that is no plain text within the limit: what is wrong with it, if anything.
[[gnu::noinline]] result<void> check_unusual_name(std::string_view what, std::string_view name,
                                                  std::size_t limit) {
  if (name.empty()) return unexpected(make_error(errc::invalid_argument, "the {} is empty", what));
  if (name.size() > limit) {
    return unexpected(make_error(errc::limit_exceeded,
                                 "the {} has {} bytes, at most {} are allowed: \"{}...\"", what, name.size(),
                                 limit, name.substr(0, 32)));
  }
  for (std::size_t i = 0; i < name.size(); ++i) {
    auto const c = static_cast<std::uint8_t>(name[i]);
    if (c < 0x20 || c == 0x7f) {
      return unexpected(make_error(errc::invalid_argument,
                                   "the {} has a control character (byte {}) at offset {}, after \"{}\"",
                                   what, std::uint64_t{c}, i, name.substr(0, i)));
    }
  }
  if (auto const bad = find_invalid_utf8(name); bad != std::string_view::npos) {
    return unexpected(make_error(errc::invalid_argument, "the {} is not UTF-8 at offset {}", what, bad));
  }
  return {};
}

} // namespace

result<void> check_name(std::string_view what, std::string_view name, std::size_t limit) {
  if (name.size() - 1 < limit && is_plain_text(name)) [[likely]]
    return {};
  return check_unusual_name(what, name, limit);
}

void stream_buffer::write_number() const noexcept {
  std::uint64_t const number = key_[1];
  std::array<char, 24> digits{}; // GCC 12 takes it for uninitialised otherwise
  auto const end =
      key_[0] == below_zero
          ? std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<std::int64_t>(number)).ptr
          : std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  add(category_);
  add("-");
  add(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
}

} // namespace cleave
