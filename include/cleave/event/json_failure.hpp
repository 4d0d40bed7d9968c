// SPDX-License-Identifier: BSL-1.0
// Where in a JSON document, or in the value that is to become one, something went wrong.
#pragma once

#include <cleave/base/error.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace cleave::detail {

// The text is set where the trouble is; the path is put together from the inside out, while the walk goes back: each level
// adds its own step. Every function returns false, so that a level can `return failure.in_field(name)`.
class json_failure {
public:
  bool set(errc code, std::string text);
  bool in_field(std::string_view name); // .name
  bool in_element(std::size_t index);   // [index]
  bool in_entry(std::string_view key);  // ["key"]
  // "lines[2].quantity: wanted ..."; without a path the text alone. Call it once, after set().
  error take();

private:
  bool step(std::string_view one);

  errc code_ = errc::decode_failed;
  std::string text_;
  std::string path_;
};

// The first bytes of `text` between quotes, fit for a message: everything but printable ASCII is escaped.
std::string quoted(std::string_view text);

} // namespace cleave::detail
