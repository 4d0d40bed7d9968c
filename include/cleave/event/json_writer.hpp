// SPDX-License-Identifier: BSL-1.0
// Writes JSON text (RFC 8259) piece by piece. The caller is the walk over a type's fields (json_walk.hpp): it puts the pieces
// in a sensible order, the writer makes each of them right.
#pragma once

#include <cleave/base/limits.hpp>
#include <cleave/base/result.hpp>
#include <cleave/event/json_failure.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cleave {
class timestamp;
class uuid;
} // namespace cleave

namespace cleave::detail {

// One name of a described enumeration.
struct json_enumerator {
  std::string_view name;
  std::int64_t value; // of an unsigned enumeration: the same bits
};

class json_writer;
class json_reader;

// Writes `value`.
using json_write = bool(json_writer& writer, void const* value);
// Reads the next value into `target`.
using json_read = bool(json_reader& reader, void* target);
struct json_record;
// What can be done with a value whose address is known: by two functions, or field by field.
struct json_type {
  json_write* write;
  json_read* read;
  json_record const* record; // of a record, where the others are nullptr
};
// A field of a record. The name needs no escapes.
struct json_field {
  std::string_view name;
  json_type const* type;
};
// What is done with a record, by a writer or a reader; `places` are the addresses of its fields.
using json_with_places = bool(void* by, json_record const& type, void* const* places);
// A described struct: one table, and the one function that knows where the fields stand.
struct json_record {
  std::span<json_field const> fields;
  bool (*with_places)(void* record, json_with_places* use, void* by);
};
// Writes part `index` of `value`: an element of a tuple, the alternative of a variant.
using json_write_part = bool(json_writer& writer, void const* value, std::size_t index);

// Appends the JSON text of `value` to `out`; `out` is unchanged when it fails.
result<void> encode_json(void const* value, std::string& out, json_type const& type);
result<void> encode_json(void const* value, std::string& out, json_write* write);

// Collects in a buffer of its own, because a std::string zeroes what it grows by: a usual event reaches `out` in one append.
// Functions that can fail return false and leave the reason in failure(); the text is then useless.
class json_writer {
public:
  explicit json_writer(std::string& out) noexcept : out_(out), at_(buffer_) {}
  json_writer(json_writer const&) = delete;
  json_writer& operator=(json_writer const&) = delete;

  void put(char c) {
    if (at_ == buffer_ + sizeof buffer_) flush();
    *at_++ = c;
  }
  bool value(json_type const& type, void const* value) {
    return type.record == nullptr ? type.write(*this, value) : record(*type.record, value);
  }
  // An object.
  bool record(json_record const& type, void const* value);
  // An object with the one name `names[index]`; false where there is none: a variant without a value.
  bool alternative(void const* value, std::span<std::string_view const> names, std::size_t index,
                   json_write_part* write);
  // A bracket opens: false beyond limits::json_depth.
  bool open(char bracket);
  void close(char bracket) {
    --depth_;
    put(bracket);
  }

  void null();
  void boolean(bool value);
  void integer(std::int64_t value);
  void natural(std::uint64_t value);
  bool real(double value); // false: not finite
  bool real(float value);
  bool text(std::string_view value); // false: not UTF-8
  void bytes(std::span<std::byte const> value);
  void id(uuid const& value);
  void time(timestamp value);
  // The name of `value`, or false where no enumerator has it.
  bool enumerator(std::span<json_enumerator const> enumerators, std::int64_t value);

  // A type with a codec of its own writes straight to the returned string; end_foreign looks whether it was one JSON value.
  std::string& begin_foreign();
  bool end_foreign();
  bool foreign_failed(error const& reason);

  void flush();
  json_failure& failure() noexcept { return failure_; }

private:
  bool fields(json_record const& type, void* const* places);
  std::size_t room() const noexcept { return static_cast<std::size_t>(buffer_ + sizeof buffer_ - at_); }
  void put_all(std::string_view text);
  void field(char lead, std::string_view name);
  bool too_deep();

  std::string& out_;
  char* at_;
  std::size_t depth_ = 0;
  std::size_t foreign_begin_ = 0;
  json_failure failure_;
  char buffer_[512];
};

} // namespace cleave::detail
