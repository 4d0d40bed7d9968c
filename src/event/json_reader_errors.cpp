// SPDX-License-Identifier: BSL-1.0
// What the JSON reader says of a text that it cannot read.
#include <cleave/event/json_reader.hpp>

#include "json_text.hpp"

#include <fmt/format.h>

namespace cleave::detail {

namespace {

std::string offset_text(char const* begin, char const* at) {
  return fmt::format(" at offset {}", at - begin);
}

} // namespace

bool json_reader::fail(char const* at, std::string text) {
  return failure_.set(errc::decode_failed, std::move(text) + offset_text(begin_, at));
}

bool json_reader::wanted_at(char const* at, std::string_view what) {
  return fail(at, fmt::format("wanted {}, found {}", what, found(at)));
}

bool json_reader::wanted(std::string_view what) { return wanted_at(at_, what); }

bool json_reader::too_deep() {
  return failure_.set(errc::limit_exceeded, fmt::format("nested deeper than {} objects and arrays{}",
                                                        limits::json_depth, offset_text(begin_, at_)));
}

std::string json_reader::found(char const* at) const {
  if (at == end_) return "the end";
  if (*at == '{') return "an object";
  if (*at == '[') return "an array";
  char const* last = at + 1;
  if (*at == '"') {
    while (last != end_ && *last != '"') last += *last == '\\' && end_ - last > 1 ? 2 : 1;
    return fmt::format("the text {}",
                       quoted(std::string_view(at + 1, static_cast<std::size_t>(last - at - 1))));
  }
  auto const belongs = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '+' ||
           c == '-';
  };
  if (!belongs(*at)) return fmt::format("the byte 0x{:02x}", byte_at(at));
  while (last != end_ && belongs(*last)) ++last;
  std::string_view const token(at, static_cast<std::size_t>(last - at));
  return fmt::format("{}{}", token.substr(0, 40), token.size() > 40 ? "..." : "");
}

} // namespace cleave::detail
