// SPDX-License-Identifier: BSL-1.0
// The name of a stream: "category-id", such as "order-10248".
#pragma once

#include <cleave/base/limits.hpp>
#include <cleave/base/result.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

// "category-id" of a command, without allocation. A number is only written when the name is asked for: who knows the stream by its
// key needs none. A name beyond the limit keeps its full length's first bytes and fails check_stream_name, as it should.
// `category` must outlive it. One thread.
class stream_buffer {
public:
  stream_buffer(std::string_view category, std::string_view id) noexcept {
    add(category);
    add("-");
    add(id);
  }
  template <std::integral Number> stream_buffer(std::string_view category, Number id) noexcept
      : category_(category) {
    key_[0] = from_zero;
    if constexpr (std::signed_integral<Number>) {
      if (id < 0) key_[0] = below_zero;
    }
    key_[1] = static_cast<std::uint64_t>(id);
  }
  stream_name name() const noexcept {
    if (size_ == 0) write_number();
    return std::string_view(text_.data(), size_);
  }
  // Of all streams of the category it stands for this one alone: the name, or a control character, which is in no name, and the
  // number. Valid as long as this object.
  std::string_view key() const noexcept {
    if (key_[0] == 0) return {text_.data(), size_};
    return {reinterpret_cast<char const*>(key_.data()), sizeof key_};
  }

private:
  // As a word, so that whoever reads the key by words reads what was just written at once.
  static constexpr std::uint64_t from_zero = 0x01;
  static constexpr std::uint64_t below_zero = 0x02;

  void add(std::string_view part) const noexcept {
    auto const room = text_.size() - size_;
    auto const taken = part.size() < room ? part.size() : room;
    part.copy(text_.data() + size_, taken);
    size_ += taken;
  }
  void write_number() const noexcept;

  std::string_view category_{};        // of a number
  std::array<std::uint64_t, 2> key_{}; // likewise
  mutable std::size_t size_ = 0;
  mutable std::array<char, limits::stream_name_bytes + 1>
      text_; // one byte more than allowed, so that "too long" shows
};

} // namespace cleave
