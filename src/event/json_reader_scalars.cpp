// SPDX-License-Identifier: BSL-1.0
// The JSON reader: the values that JSON has no type for. They stand in texts; a time may be a number too.
#include <cleave/base/clock.hpp>
#include <cleave/base/id.hpp>
#include <cleave/event/json_reader.hpp>

#include "json_scalar.hpp"
#include "json_text.hpp"

#include <fmt/format.h>

namespace cleave::detail {

bool json_reader::bytes(std::string_view& value) {
  skip_space();
  char const* const at = at_;
  std::string_view given;
  if (!brief_text(given, "base64 text")) return false;
  if (!parse_base64(given, bytes_)) return wanted_at(at, "base64 text (RFC 4648, with padding)");
  value = bytes_;
  return true;
}

bool json_reader::bytes(std::string_view& value, std::size_t size) {
  skip_space();
  char const* const at = at_;
  if (!bytes(value)) return false;
  return value.size() == size ||
         fail(at, fmt::format("wanted {} bytes as base64, found {}", size, value.size()));
}

bool json_reader::id(uuid& value) {
  skip_space();
  char const* const at = at_;
  std::string_view given;
  if (!brief_text(given, "a UUID")) return false;
  auto parsed = uuid::parse(given);
  if (!parsed) return wanted_at(at, "a UUID");
  value = *parsed;
  return true;
}

bool json_reader::time(timestamp& value) {
  constexpr std::string_view what =
      "a time as in RFC 3339 with at most microseconds, or an integer of microseconds";
  skip_space();
  char const* const at = at_;
  if (at_ != end_ && *at_ != '"') {
    std::int64_t us = 0;
    if (!is_digit(*at_) && *at_ != '-') return wanted(what);
    if (!integer(us)) return false;
    value = timestamp(us);
    return true;
  }
  std::string_view given;
  if (!brief_text(given, what)) return false;
  auto const parsed = parse_rfc3339(given);
  if (!parsed) return wanted_at(at, what);
  value = *parsed;
  return true;
}

bool json_reader::enumerator(std::span<json_enumerator const> enumerators, std::int64_t& value) {
  skip_space();
  char const* const at = at_;
  std::string_view given;
  bool const is_text = at_ != end_ && *at_ == '"';
  if (is_text) {
    if (!brief_text(given, "")) return false;
    for (json_enumerator const& one : enumerators) {
      if (one.name == given) return value = one.value, true;
    }
  }
  std::string text = "one of";
  for (json_enumerator const& one : enumerators) {
    text += fmt::format("{} \"{}\"", &one == enumerators.data() ? "" : ",", one.name);
  }
  return wanted_at(at, text);
}

} // namespace cleave::detail
