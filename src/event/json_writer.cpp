// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/clock.hpp>
#include <cleave/base/id.hpp>
#include <cleave/event/json_reader.hpp>
#include <cleave/event/json_writer.hpp>

#include "json_scalar.hpp"
#include "json_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace cleave::detail {

namespace {

// What follows the backslash for a byte that needs one, 'u' for \u00xx.
char escape_of(unsigned char c) noexcept {
  switch (c) {
  case '"': return '"';
  case '\\': return '\\';
  case '\b': return 'b';
  case '\f': return 'f';
  case '\n': return 'n';
  case '\r': return 'r';
  case '\t': return 't';
  default: return 'u';
  }
}

constexpr char hex_digits[] = "0123456789abcdef";

} // namespace

void json_writer::flush() {
  out_.append(buffer_, static_cast<std::size_t>(at_ - buffer_));
  at_ = buffer_;
}

void json_writer::put_all(std::string_view text) {
  if (text.size() > room()) {
    flush();
    if (text.size() > sizeof buffer_) {
      out_.append(text);
      return;
    }
  }
  std::memcpy(at_, text.data(), text.size());
  at_ += text.size();
}

// `lead`, then "name":
void json_writer::field(char lead, std::string_view name) {
  if (room() < name.size() + 4) {
    flush();
    if (name.size() + 4 > sizeof buffer_) {
      out_.append({lead, '"'}).append(name).append("\":");
      return;
    }
  }
  *at_++ = lead;
  *at_++ = '"';
  std::memcpy(at_, name.data(), name.size());
  at_ += name.size();
  *at_++ = '"';
  *at_++ = ':';
}

bool json_writer::record(json_record const& type, void const* value) {
  if (type.fields.empty()) return put_all("{}"), true;
  if (depth_ == limits::json_depth) return too_deep();
  // Nothing is written to the record: its fields' addresses are asked for by one function for both directions.
  return type.with_places(
      const_cast<void*>(value),
      [](void* writer, json_record const& of, void* const* places) {
        return static_cast<json_writer*>(writer)->fields(of, places);
      },
      this);
}

bool json_writer::fields(json_record const& type, void* const* places) {
  ++depth_;
  char lead = '{';
  for (json_field const& one : type.fields) {
    field(lead, one.name);
    if (!value(*one.type, *places++)) return failure_.in_field(one.name);
    lead = ',';
  }
  close('}');
  return true;
}

bool json_writer::alternative(void const* value, std::span<std::string_view const> names, std::size_t index,
                              json_write_part* write) {
  if (index >= names.size()) {
    return failure_.set(errc::encode_failed, "the variant holds no value, because an assignment to it threw");
  }
  if (depth_ == limits::json_depth) return too_deep();
  ++depth_;
  field('{', names[index]);
  if (!write(*this, value, index)) return failure_.in_field(names[index]);
  close('}');
  return true;
}

bool json_writer::open(char bracket) {
  if (depth_ == limits::json_depth) return too_deep();
  ++depth_;
  put(bracket);
  return true;
}

bool json_writer::too_deep() {
  return failure_.set(errc::limit_exceeded,
                      fmt::format("nested deeper than {} objects and arrays", limits::json_depth));
}

void json_writer::null() { put_all("null"); }

void json_writer::boolean(bool value) {
  put_all(value ? std::string_view("true") : std::string_view("false"));
}

void json_writer::integer(std::int64_t value) {
  if (room() < 20) flush();
  at_ = std::to_chars(at_, buffer_ + sizeof buffer_, value).ptr;
}

void json_writer::natural(std::uint64_t value) {
  if (room() < 20) flush();
  at_ = std::to_chars(at_, buffer_ + sizeof buffer_, value).ptr;
}

bool json_writer::real(double value) {
  if (!std::isfinite(value)) {
    return failure_.set(errc::encode_failed,
                        fmt::format("{} is not a finite number, and JSON has no other", value));
  }
  if (room() < 32) flush(); // the shortest form has at most 24 characters
  at_ = std::to_chars(at_, buffer_ + sizeof buffer_, value).ptr;
  return true;
}

bool json_writer::real(float value) {
  if (!std::isfinite(value)) return real(static_cast<double>(value));
  if (room() < 32) flush();
  at_ = std::to_chars(at_, buffer_ + sizeof buffer_, value).ptr;
  return true;
}

bool json_writer::text(std::string_view value) {
  char const* from = value.data();
  char const* const end = from + value.size();
  put('"');
  while (from != end) {
    if (room() < 8) flush();
    if (end - from >= 8) {
      std::uint64_t const block = load_block(from);
      if (not_plain(block) == 0) {
        std::memcpy(at_, &block, sizeof block);
        at_ += 8;
        from += 8;
        continue;
      }
    }
    unsigned char const c = byte_at(from);
    if (is_plain(from)) {
      *at_++ = *from++;
    } else if (c < 0x80) {
      char const escape = escape_of(c);
      *at_++ = '\\';
      *at_++ = escape;
      if (escape == 'u') {
        *at_++ = '0';
        *at_++ = '0';
        *at_++ = hex_digits[c >> 4];
        *at_++ = hex_digits[c & 15];
      }
      ++from;
    } else {
      std::size_t const length = sequence_length(from, end);
      if (length == 0) {
        return failure_.set(
            errc::encode_failed,
            fmt::format("the text is not UTF-8 at offset {} (byte 0x{:02x}); bytes of any kind "
                        "are for std::vector<std::byte>",
                        from - value.data(), c));
      }
      std::memcpy(at_, from, length);
      at_ += length;
      from += length;
    }
  }
  put('"');
  return true;
}

void json_writer::bytes(std::span<std::byte const> value) {
  put('"');
  while (!value.empty()) {
    std::size_t const taken = std::min<std::size_t>(value.size(),
                                                    48); // whole groups, so that only the last is padded
    if (room() < base64_size(taken)) flush();
    write_base64(value.first(taken), at_);
    at_ += base64_size(taken);
    value = value.subspan(taken);
  }
  put('"');
}

void json_writer::id(uuid const& value) {
  put('"');
  put_all(to_string(value));
  put('"');
}

void json_writer::time(timestamp value) {
  if (room() < rfc3339_size + 2) flush();
  if (!write_rfc3339(value, at_ + 1)) return integer(value.microseconds());
  at_[0] = '"';
  at_[rfc3339_size + 1] = '"';
  at_ += rfc3339_size + 2;
}

bool json_writer::enumerator(std::span<json_enumerator const> enumerators, std::int64_t value) {
  for (json_enumerator const& one : enumerators) {
    if (one.value != value) continue;
    put('"');
    put_all(one.name);
    put('"');
    return true;
  }
  return failure_.set(errc::encode_failed,
                      fmt::format("{} is no enumerator of the described enumeration", value));
}

std::string& json_writer::begin_foreign() {
  flush();
  foreign_begin_ = out_.size();
  return out_;
}

bool json_writer::end_foreign() {
  bool const kept = out_.size() >= foreign_begin_;
  json_reader reader(kept ? std::string_view(out_).substr(foreign_begin_) : std::string_view(), depth_);
  std::string_view value;
  if (kept && reader.foreign(value) && reader.end()) return true;
  return failure_.set(errc::encode_failed,
                      fmt::format("the codec of this field wrote no JSON value: {}",
                                  kept ? reader.failure().take().text() : "it took bytes away"));
}

bool json_writer::foreign_failed(error const& reason) {
  return failure_.set(errc::encode_failed,
                      fmt::format("the codec of this field refuses the value: {}", reason.message()));
}

result<void> encode_json(void const* value, std::string& out, json_write* write) {
  return encode_json(value, out, json_type{write, nullptr, nullptr});
}

result<void> encode_json(void const* value, std::string& out, json_type const& type) {
  std::size_t const before = out.size();
  try {
    json_writer writer(out);
    if (writer.value(type, value)) {
      writer.flush();
      return {};
    }
    if (out.size() > before) out.resize(before);
    return unexpected(writer.failure().take());
  } catch (...) {
    if (out.size() > before) out.resize(before);
    return unexpected(current_exception_error("encoding"));
  }
}

} // namespace cleave::detail
