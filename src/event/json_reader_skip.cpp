// SPDX-License-Identifier: BSL-1.0
// The JSON reader: values of no interest, and values that another codec reads.
#include <cleave/event/json_reader.hpp>

#include <fmt/format.h>

namespace cleave::detail {

// Any one value, checked in full. A loop, so that hostile nesting costs no stack.
bool json_reader::skip_value() {
  std::uint64_t objects = 0; // the open brackets, the innermost in the lowest bit: 1 for an object
  std::size_t open_count = 0;
  for (;;) {
    skip_space();
    if (at_ != end_ && (*at_ == '{' || *at_ == '[')) {
      bool const object = *at_ == '{';
      if (depth_ + open_count == limits::json_depth) return too_deep();
      ++at_;
      if (!take(object ? '}' : ']')) {
        objects = objects << 1 | (object ? 1 : 0);
        ++open_count;
        if (object && !skip_name()) return false;
        continue;
      }
    } else if (!skip_scalar()) {
      return false;
    }
    for (bool more = false; !more;) {
      if (open_count == 0) return true;
      bool const object = (objects & 1) != 0;
      if (take(',')) {
        if (object && !skip_name()) return false;
        more = true;
      } else if (take(object ? '}' : ']')) {
        objects >>= 1;
        --open_count;
      } else {
        return wanted(object ? "',' or '}'" : "',' or ']'");
      }
    }
  }
}

bool json_reader::skip_name() {
  skip_space();
  if (at_ == end_ || *at_ != '"') return wanted("a name");
  if (!string_tail(at_ + 1, nullptr)) return false;
  return take(':') || wanted("':'");
}

bool json_reader::skip_scalar() {
  if (at_ != end_ && *at_ == '"') return string_tail(at_ + 1, nullptr);
  std::string_view token;
  return literal("true") || literal("false") || literal("null") || number_token(token) || wanted("a value");
}

bool json_reader::foreign(std::string_view& value) {
  skip_space();
  char const* const from = at_;
  if (!skip_value()) return false;
  value = std::string_view(from, static_cast<std::size_t>(at_ - from));
  return true;
}

bool json_reader::foreign_failed(std::string_view value, error const& reason) {
  char const* const at = value.data(); // `value` is a part of the text that is read
  return fail(at, fmt::format("the codec of this field refuses {}: {}", quoted(value), reason.message()));
}

} // namespace cleave::detail
