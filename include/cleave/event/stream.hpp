// SPDX-License-Identifier: BSL-1.0
// The name of a stream: "category-id", such as "order-10248".
#pragma once

#include <cleave/base/limits.hpp>
#include <cleave/base/result.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>

namespace cleave {

// A non-owning view of a stream's name; the text must outlive it. Any text converts; every store checks it (check_name).
class stream_name {
public:
  constexpr stream_name() noexcept = default;
  constexpr stream_name(std::string_view text) noexcept : text_(text) {}
  constexpr stream_name(char const* text) noexcept : text_(text) {}
  stream_name(std::string const& text) noexcept : text_(text) {}

  constexpr std::string_view text() const noexcept { return text_; }
  // What stands before the first '-'; the whole name where there is none.
  constexpr std::string_view category() const noexcept { return text_.substr(0, text_.find('-')); }
  // What stands behind the first '-'; empty where there is none.
  constexpr std::string_view id() const noexcept {
    auto const dash = text_.find('-');
    return dash == std::string_view::npos ? std::string_view() : text_.substr(dash + 1);
  }
  friend constexpr bool operator==(stream_name, stream_name) noexcept = default;

private:
  std::string_view text_;
};

// Names and tags are 1 to `limit` bytes of UTF-8 (RFC 3629) without control characters (U+0000 to U+001F, U+007F).
// errc::invalid_argument otherwise, or errc::limit_exceeded when too long; the text says `what` it was.
result<void> check_name(std::string_view what, std::string_view name, std::size_t limit);
inline result<void> check_stream_name(stream_name stream) {
  return check_name("stream name", stream.text(), limits::stream_name_bytes);
}

// The offset of the first byte of `text` that is not part of well-formed UTF-8 (RFC 3629), or npos.
std::size_t find_invalid_utf8(std::string_view text) noexcept;

// Builds "category-id" in place, without allocation: for the path of a command. A name beyond the limit keeps its full
// length's first bytes and fails check_stream_name, as it should.
class stream_buffer {
public:
  stream_buffer(std::string_view category, std::string_view id) noexcept {
    add(category);
    add("-");
    add(id);
  }
  template <std::integral Number> stream_buffer(std::string_view category, Number id) noexcept {
    add(category);
    add("-");
    std::array<char, 24> digits{}; // GCC 12 takes it for uninitialised otherwise
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), id).ptr;
    add(std::string_view(digits.data(), static_cast<std::size_t>(end - digits.data())));
  }
  stream_name name() const noexcept { return std::string_view(text_.data(), size_); }

private:
  void add(std::string_view part) noexcept {
    auto const room = text_.size() - size_;
    auto const taken = part.size() < room ? part.size() : room;
    part.copy(text_.data() + size_, taken);
    size_ += taken;
  }

  std::size_t size_ = 0;
  std::array<char, limits::stream_name_bytes + 1>
      text_; // one byte more than allowed, so that "too long" shows
};

} // namespace cleave
