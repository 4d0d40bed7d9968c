// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/json_failure.hpp>

#include <fmt/format.h>

#include <utility>

namespace cleave::detail {

bool json_failure::set(errc code, std::string text) {
  code_ = code;
  text_ = std::move(text);
  return false;
}

// Puts `one` step in front of the path.
bool json_failure::step(std::string_view one) {
  bool const dot = !path_.empty() && path_.front() != '[';
  path_.insert(0, fmt::format("{}{}", one, dot ? "." : ""));
  return false;
}

bool json_failure::in_field(std::string_view name) { return step(name); }

bool json_failure::in_element(std::size_t index) { return step(fmt::format("[{}]", index)); }

bool json_failure::in_entry(std::string_view key) { return step(fmt::format("[{}]", quoted(key))); }

error json_failure::take() {
  if (path_.empty()) return error(code_, std::move(text_));
  return error(code_, fmt::format("{}: {}", path_, text_));
}

std::string quoted(std::string_view text) {
  constexpr std::size_t shown = 40;
  std::string out = "\"";
  for (char c : text.substr(0, shown)) {
    auto const byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') out += '\\';
    if (byte >= 0x20 && byte < 0x7f) out += c;
    else out += fmt::format("\\x{:02x}", byte);
  }
  out += '"';
  if (text.size() > shown) out += "...";
  return out;
}

} // namespace cleave::detail
