// SPDX-License-Identifier: BSL-1.0
// Reads JSON text (RFC 8259) straight into values, without a document in between. The walk over a type's fields
// (json_walk.hpp) says what it wants; the loops, the numbers and the strings are compiled once, in src/event/json_reader*.cpp.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/event/json_failure.hpp>
#include <cleave/event/json_writer.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cleave::detail {

// Reads the next value into part `index` of `target`: an element of a list, an alternative of a variant.
using json_read_part = bool(json_reader& reader, void* target, std::size_t index);
// Reads the next value into a new entry of the map `target`.
enum class json_entry : unsigned char { read, failed, repeated };
using json_read_entry = json_entry(json_reader& reader, void* target, std::string const& key);

// Reads the whole of `data`, one value and nothing behind it, into `value`; or hands the error to fail(result, error).
// noexcept, so that no caller carries the clean-up: what a codec or constructor of the application throws becomes the error.
void decode_json(std::string_view data, void* value, json_type const& type, void* result,
                 void (*fail)(void* result, unexpected<error>&& reason)) noexcept;
result<void> decode_json(std::string_view data, void* value, json_type const& type) noexcept;
result<void> decode_json(std::string_view data, void* value, json_read* read) noexcept;

// Every function reads one whole value at the place where the last one ended and returns true, or returns false and leaves
// the reason in failure(); then the reader and the target are fit for destruction only. Any bytes are safe to read.
class json_reader {
public:
  // `depth`: how many brackets are open around `text` already.
  explicit json_reader(std::string_view text, std::size_t depth = 0) noexcept
      : begin_(text.data()), at_(begin_), end_(begin_ + text.size()), depth_(depth) {}
  json_reader(json_reader const&) = delete;
  json_reader& operator=(json_reader const&) = delete;

  bool boolean(bool& value);
  // An integer in the range of `value`. One compiled function for each width, so that a field costs its caller one jump.
  bool integer(std::int8_t& value);
  bool integer(std::int16_t& value);
  bool integer(std::int32_t& value);
  bool integer(std::int64_t& value);
  bool integer(std::uint8_t& value);
  bool integer(std::uint16_t& value);
  bool integer(std::uint32_t& value);
  bool integer(std::uint64_t& value);
  bool real(double& value);
  bool real(float& value);
  bool text(std::string& value);
  bool bytes(std::string_view& value); // valid until the next call
  bool bytes(std::string_view& value, std::size_t size);
  bool id(uuid& value);
  bool time(timestamp& value);
  bool enumerator(std::span<json_enumerator const> enumerators, std::int64_t& value);
  // Whether the next value is null; only then it is read.
  bool take_null();

  bool value(json_type const& type, void* target) {
    return type.record == nullptr ? type.read(*this, target) : record(*type.record, target);
  }
  // An object whose names are fields. Unknown ones are skipped, missing ones stay as they are, one that stands twice is refused.
  // Expects the order of the type's fields first, because it is the order of our writer.
  bool record(json_record const& type, void* target);
  // An object with exactly one of `names`, the alternative, whose value follows.
  bool alternative(void* target, std::span<std::string_view const> names, json_read_part* read);
  // An object with any names.
  bool map(void* target, json_read_entry* read);
  // An array of any length, and one of exactly `size` elements.
  bool list(void* target, json_read_part* read);
  bool fixed_list(void* target, std::size_t size, json_read_part* read);

  // The text of one value, checked and skipped, for a type with a codec of its own; and what that codec said of it.
  bool foreign(std::string_view& value);
  bool foreign_failed(std::string_view value, error const& reason);

  // Whether nothing but white space is left.
  bool end();
  json_failure& failure() noexcept { return failure_; }

private:
  bool fields(json_record const& type, void* const* targets);
  bool open(char bracket, std::string_view what);
  bool close(char bracket);
  bool leave() noexcept { return --depth_, true; }
  bool name(std::string_view& value);
  bool at_name(std::string_view name) noexcept;
  void skip_space() noexcept {
    if (at_ != end_ && static_cast<unsigned char>(*at_) <= ' ') skip_more_space();
  }
  void skip_more_space() noexcept;
  bool take(char c) noexcept {
    skip_space();
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  bool literal(std::string_view word) noexcept;

  bool digits(std::uint64_t& magnitude, bool& negative, bool& overflow) noexcept;
  bool number_token(std::string_view& token) noexcept;
  template <class Integer> bool any_integer(Integer& value);
  template <class Real> bool any_real(Real& value);

  bool brief_text(std::string_view& value, std::string_view what);
  bool string_tail(char const* from, std::string* out);
  bool escape(std::string* out);
  bool unicode_escape(char const* at, std::string* out);
  bool four_hex_digits(std::uint32_t& unit) noexcept;

  bool skip_value();
  bool skip_name();
  bool skip_scalar();

  bool fail(char const* at, std::string text);
  bool wanted(std::string_view what);
  bool wanted_at(char const* at, std::string_view what);
  bool too_deep();
  std::string found(char const* at) const;

  char const* begin_;
  char const* at_;
  char const* end_;
  std::size_t depth_;
  std::string scratch_; // a text that had escapes
  std::string bytes_;   // decoded base64
  json_failure failure_;
};

} // namespace cleave::detail
