// SPDX-License-Identifier: BSL-1.0
// The JSON reader: texts, and their escapes.
#include <cleave/event/json_reader.hpp>

#include "json_text.hpp"

#include <fmt/format.h>

namespace cleave::detail {

// Reads a text whose opening quote stands before `from`, to the closing one; what it means goes to `out`, unless that is
// nullptr. at_ moves behind the closing quote.
bool json_reader::string_tail(char const* from, std::string* out) {
  char const* run = from; // what was found to be in order, but not yet copied
  at_ = from;
  for (;;) {
    at_ = skip_plain(at_, end_);
    if (at_ == end_) return fail(at_, "the text has no closing quote");
    unsigned char const c = byte_at(at_);
    if (c >= 0x80) {
      std::size_t const length = sequence_length(at_, end_);
      if (length == 0) return fail(at_, fmt::format("the text is not UTF-8 (byte 0x{:02x})", c));
      at_ += length;
      continue;
    }
    if (c < 0x20) return fail(at_, fmt::format("the text has a bare control character (byte 0x{:02x})", c));
    if (out != nullptr) out->append(run, at_);
    if (c == '"') {
      ++at_;
      return true;
    }
    if (!escape(out)) return false;
    run = at_;
  }
}

// One escape, whose backslash is at at_.
bool json_reader::escape(std::string* out) {
  char const* const at = at_;
  if (end_ - at_ < 2) return fail(end_, "the text has no closing quote");
  char const kind = at_[1];
  at_ += 2;
  char single = '\0';
  switch (kind) {
  case '"':
  case '\\':
  case '/': single = kind; break;
  case 'b': single = '\b'; break;
  case 'f': single = '\f'; break;
  case 'n': single = '\n'; break;
  case 'r': single = '\r'; break;
  case 't': single = '\t'; break;
  case 'u': return unicode_escape(at, out);
  default: return fail(at, "the text has an unknown escape");
  }
  if (out != nullptr) out->push_back(single);
  return true;
}

bool json_reader::four_hex_digits(std::uint32_t& unit) noexcept {
  if (end_ - at_ < 4) return false;
  unit = 0;
  for (int i = 0; i < 4; ++i) {
    char const c = *at_++;
    if (is_digit(c)) unit = unit * 16 + static_cast<std::uint32_t>(c - '0');
    else if (c >= 'a' && c <= 'f') unit = unit * 16 + static_cast<std::uint32_t>(c - 'a' + 10);
    else if (c >= 'A' && c <= 'F') unit = unit * 16 + static_cast<std::uint32_t>(c - 'A' + 10);
    else return false;
  }
  return true;
}

// Behind "\u": one UTF-16 unit, or a surrogate pair over two escapes.
bool json_reader::unicode_escape(char const* at, std::string* out) {
  std::uint32_t code = 0;
  if (!four_hex_digits(code)) return fail(at, "the text has a \\u without four hexadecimal digits");
  if (code >= 0xd800 && code <= 0xdfff) {
    std::uint32_t low = 0;
    bool const pair = code < 0xdc00 && literal("\\u") && four_hex_digits(low) && low >= 0xdc00 &&
                      low <= 0xdfff;
    if (!pair) return fail(at, "the text has half a surrogate pair");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (out == nullptr) return true;
  auto const put = [&](std::uint32_t byte) { out->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  return true;
}

bool json_reader::text(std::string& value) {
  skip_space();
  if (at_ == end_ || *at_ != '"') return wanted("a text");
  char const* const from = at_ + 1;
  char const* const last = skip_plain(from, end_);
  if (last != end_ && *last == '"') {
    value.assign(from, last);
    at_ = last + 1;
    return true;
  }
  value.clear();
  return string_tail(from, &value);
}

// A text that is looked at and not kept: in place where it has no escapes, else in scratch_. Valid until the next text.
bool json_reader::brief_text(std::string_view& value, std::string_view what) {
  skip_space();
  if (at_ == end_ || *at_ != '"') return wanted(what);
  char const* const from = at_ + 1;
  char const* const last = skip_plain(from, end_);
  if (last != end_ && *last == '"') {
    value = std::string_view(from, static_cast<std::size_t>(last - from));
    at_ = last + 1;
    return true;
  }
  scratch_.clear();
  if (!string_tail(from, &scratch_)) return false;
  value = scratch_;
  return true;
}

} // namespace cleave::detail
