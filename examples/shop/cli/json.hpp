// SPDX-License-Identifier: BSL-1.0
// JSON to print: what cleave's codec writes for described structs.
#pragma once

#include <cleave/event/codec.hpp>

#include <string>
#include <utility>

namespace shop {

// One line, without its end. errc::encode_failed for a text that is not UTF-8.
template <class T> cleave::result<std::string> to_json(T const& value) {
  std::string text;
  auto done = cleave::codec<T>::encode(value, text);
  if (!done) return cleave::unexpected(std::move(done).error());
  return text;
}

// One JSON value as it stands.
struct json_text {
  std::string text;
};

} // namespace shop

template <> struct cleave::codec<shop::json_text> {
  static result<void> encode(shop::json_text const& value, std::string& out) {
    out += value.text;
    return {};
  }
  static result<shop::json_text> decode(std::string_view data) { return shop::json_text{std::string(data)}; }
};
