// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/clock.hpp>
#include <cleave/base/id.hpp>
#include <cleave/event/json_reader.hpp>

#include "json_scalar.hpp"
#include "json_text.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>

namespace cleave::detail {

namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::string offset_text(char const* begin, char const* at) {
  return fmt::format(" at offset {}", at - begin);
}

// Which fields of a record were there.
class seen_fields {
public:
  // Whether `index` was there before.
  bool insert(std::size_t index) noexcept {
    std::uint64_t const bit = std::uint64_t{1} << (index % 64);
    std::uint64_t& word = words_[index / 64];
    bool const before = (word & bit) != 0;
    word |= bit;
    return before;
  }

private:
  std::array<std::uint64_t, limits::record_fields / 64> words_{};
};

std::size_t find_name(std::span<std::string_view const> names, std::string_view name) noexcept {
  std::size_t i = 0;
  while (i < names.size() && names[i] != name) ++i;
  return i;
}

std::string one_of(std::span<std::string_view const> names) {
  std::string text = "one of";
  for (std::size_t i = 0; i < names.size(); ++i)
    text += fmt::format("{} \"{}\"", i == 0 ? "" : ",", names[i]);
  return text;
}

} // namespace

// ---- errors

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

// ---- structure

void json_reader::skip_more_space() noexcept {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
}

bool json_reader::open(char bracket, std::string_view what) {
  skip_space();
  if (at_ == end_ || *at_ != bracket) return wanted(what);
  if (depth_ == limits::json_depth) return too_deep();
  ++depth_;
  ++at_;
  return true;
}

bool json_reader::close(char bracket) {
  if (!take(bracket)) return wanted(bracket == '}' ? "',' or '}'" : "',' or ']'");
  --depth_;
  return true;
}

// Our writer's form of the name and its colon, without white space and escapes.
bool json_reader::at_name(std::string_view name) noexcept {
  if (static_cast<std::size_t>(end_ - at_) < name.size() + 3 || at_[0] != '"' ||
      std::memcmp(at_ + 1, name.data(), name.size()) != 0 || at_[name.size() + 1] != '"' ||
      at_[name.size() + 2] != ':') {
    return false;
  }
  at_ += name.size() + 3;
  return true;
}

bool json_reader::name(std::string_view& value) {
  if (!brief_text(value, "a name")) return false;
  return take(':') || wanted("':'");
}

bool json_reader::record(void* const* targets, std::span<json_field const> fields) {
  if (!open('{', "an object")) return false;
  if (take('}')) return leave();
  seen_fields seen;
  std::size_t next = 0;
  do {
    skip_space();
    char const* const at = at_;
    std::size_t index = next;
    if (next == fields.size() || !at_name(fields[next].name)) {
      std::string_view other;
      if (!name(other)) return false;
      for (index = 0; index < fields.size() && fields[index].name != other;) ++index;
      if (index == fields.size()) {
        if (!skip_value()) return failure_.in_field(quoted(other));
        continue;
      }
    }
    json_field const& one = fields[index];
    if (seen.insert(index)) return fail(at, fmt::format("the field {} stands twice", one.name));
    if (!one.type->read(*this, targets[index])) return failure_.in_field(one.name);
    next = index + 1;
  } while (take(','));
  return close('}');
}

bool json_reader::alternative(void* target, std::span<std::string_view const> names, json_read_part* read) {
  if (!open('{', "an object that names an alternative")) return false;
  skip_space();
  char const* const at = at_;
  std::string_view chosen;
  if (!name(chosen)) return false;
  std::size_t const index = find_name(names, chosen);
  if (index == names.size()) return wanted_at(at, one_of(names));
  if (!read(*this, target, index)) return failure_.in_field(names[index]);
  return take('}') ? leave() : wanted("'}' behind the one alternative");
}

bool json_reader::map(void* target, json_read_entry* read) {
  if (!open('{', "an object")) return false;
  if (take('}')) return leave();
  std::string key;
  do {
    skip_space();
    char const* const at = at_;
    std::string_view given;
    if (!name(given)) return false;
    key = given;
    switch (read(*this, target, key)) {
    case json_entry::read: break;
    case json_entry::failed: return failure_.in_entry(key);
    case json_entry::repeated: return fail(at, fmt::format("the name {} stands twice", quoted(key)));
    }
  } while (take(','));
  return close('}');
}

bool json_reader::list(void* target, json_read_part* read) {
  if (!open('[', "an array")) return false;
  if (take(']')) return leave();
  std::size_t index = 0;
  do {
    if (!read(*this, target, index)) return failure_.in_element(index);
    ++index;
  } while (take(','));
  return close(']');
}

bool json_reader::fixed_list(void* target, std::size_t size, json_read_part* read) {
  skip_space();
  char const* const at = at_;
  if (!open('[', fmt::format("an array of {} elements", size))) return false;
  for (std::size_t index = 0; index < size; ++index) {
    if (take(']'))
      return fail(at, fmt::format("wanted an array of {} elements, found one of {}", size, index));
    if (index != 0 && !take(',')) return wanted("',' or ']'");
    if (!read(*this, target, index)) return failure_.in_element(index);
  }
  if (take(',')) return fail(at, fmt::format("wanted an array of {} elements, found a longer one", size));
  return close(']');
}

bool json_reader::end() {
  skip_space();
  return at_ == end_ || wanted("the end");
}

// ---- words and numbers

bool json_reader::literal(std::string_view word) noexcept {
  if (static_cast<std::size_t>(end_ - at_) < word.size() || std::memcmp(at_, word.data(), word.size()) != 0)
    return false;
  at_ += word.size();
  return true;
}

bool json_reader::boolean(bool& value) {
  skip_space();
  if (literal("true")) value = true;
  else if (literal("false")) value = false;
  else return wanted("true or false");
  return true;
}

bool json_reader::take_null() {
  skip_space();
  return literal("null");
}

// A whole number: sign and digits. False, and nothing is read, for everything else, a fraction included.
bool json_reader::digits(std::uint64_t& magnitude, bool& negative, bool& overflow) noexcept {
  char const* at = at_;
  negative = at != end_ && *at == '-';
  if (negative) ++at;
  char const* const first = at;
  std::uint64_t sum = 0;
  while (at != end_ && is_digit(*at)) sum = sum * 10 + static_cast<std::uint64_t>(*at++ - '0');
  auto const count = at - first;
  if (count == 0 || (*first == '0' && count > 1)) return false;
  if (at != end_ && (*at == '.' || *at == 'e' || *at == 'E')) return false;
  // 19 digits always fit; 20 fit when the sum did not wrap, which the first digit and the size of the sum tell.
  overflow = count > 20 || (count == 20 && (*first != '1' || sum < 10'000'000'000'000'000'000U));
  magnitude = sum;
  at_ = at;
  return true;
}

template <class Integer> bool json_reader::any_integer(Integer& value) {
  using range = std::numeric_limits<Integer>;
  skip_space();
  char const* const at = at_;
  std::uint64_t magnitude = 0;
  bool negative = false;
  bool overflow = false;
  if (digits(magnitude, negative, overflow) && !overflow) {
    std::uint64_t const below = range::is_signed ? static_cast<std::uint64_t>(range::max()) + 1
                                                 : 0; // as far as -min goes
    if (magnitude <= (negative ? below : static_cast<std::uint64_t>(range::max()))) {
      value = static_cast<Integer>(negative ? std::uint64_t{0} - magnitude : magnitude);
      return true;
    }
  }
  return wanted_at(at, fmt::format("an integer from {} to {}", range::min(), range::max()));
}

bool json_reader::integer(std::int8_t& value) { return any_integer(value); }
bool json_reader::integer(std::int16_t& value) { return any_integer(value); }
bool json_reader::integer(std::int32_t& value) { return any_integer(value); }
bool json_reader::integer(std::int64_t& value) { return any_integer(value); }
bool json_reader::integer(std::uint8_t& value) { return any_integer(value); }
bool json_reader::integer(std::uint16_t& value) { return any_integer(value); }
bool json_reader::integer(std::uint32_t& value) { return any_integer(value); }
bool json_reader::integer(std::uint64_t& value) { return any_integer(value); }

// Any number by JSON's grammar, which is narrower than from_chars's.
bool json_reader::number_token(std::string_view& token) noexcept {
  char const* at = at_;
  auto const some_digits = [&] {
    char const* const first = at;
    while (at != end_ && is_digit(*at)) ++at;
    return at != first;
  };
  if (at != end_ && *at == '-') ++at;
  if (at != end_ && *at == '0') ++at;
  else if (!some_digits()) return false;
  if (at != end_ && *at == '.') {
    ++at;
    if (!some_digits()) return false;
  }
  if (at != end_ && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end_ && (*at == '+' || *at == '-')) ++at;
    if (!some_digits()) return false;
  }
  if (at != end_ && is_digit(*at)) return false; // a zero in front
  token = std::string_view(at_, static_cast<std::size_t>(at - at_));
  at_ = at;
  return true;
}

template <class Real> bool json_reader::any_real(Real& value) {
  skip_space();
  char const* const at = at_;
  std::string_view token;
  if (!number_token(token)) return wanted("a number");
  if (std::from_chars(token.data(), token.data() + token.size(), value).ec == std::errc()) return true;
  return wanted_at(at, std::is_same_v<Real, float> ? "a number in the range of float"
                                                   : "a number in the range of double");
}

bool json_reader::real(double& value) { return any_real(value); }
bool json_reader::real(float& value) { return any_real(value); }

// ---- texts

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

// ---- values of no interest

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
  return fail(value.data(),
              fmt::format("the codec of this field refuses {}: {}", quoted(value), reason.message()));
}

// ---- the codec's front

void decode_json(std::string_view data, void* value, json_read* read, void* result,
                 void (*fail)(void* result, unexpected<error>&& reason)) noexcept {
  try {
    json_reader reader(data);
    if (!read(reader, value) || !reader.end()) fail(result, unexpected(reader.failure().take()));
  } catch (...) {
    fail(result, unexpected(current_exception_error("decoding")));
  }
}

} // namespace cleave::detail
