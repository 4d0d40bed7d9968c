// SPDX-License-Identifier: BSL-1.0
// The JSON reader: objects, arrays and the way in. Its numbers, texts, skipped values and errors are in files of their own.
#include <cleave/event/json_reader.hpp>

#include "json_text.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace cleave::detail {

namespace {

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

bool json_reader::record(json_record const& type, void* target) {
  if (!open('{', "an object")) return false;
  if (take('}')) return leave();
  return type.with_places(
      target,
      [](void* reader, json_record const& of, void* const* places) {
        return static_cast<json_reader*>(reader)->fields(of, places);
      },
      this);
}

bool json_reader::fields(json_record const& type, void* const* targets) {
  std::span<json_field const> const fields = type.fields;
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
    if (!value(*one.type, targets[index])) return failure_.in_field(one.name);
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

void decode_json(std::string_view data, void* value, json_type const& type, void* result,
                 void (*fail)(void* result, unexpected<error>&& reason)) noexcept {
  try {
    json_reader reader(data);
    if (!reader.value(type, value) || !reader.end()) fail(result, unexpected(reader.failure().take()));
  } catch (...) {
    fail(result, unexpected(current_exception_error("decoding")));
  }
}

result<void> decode_json(std::string_view data, void* value, json_read* read) noexcept {
  return decode_json(data, value, json_type{nullptr, read, nullptr});
}

result<void> decode_json(std::string_view data, void* value, json_type const& type) noexcept {
  result<void> decoded;
  decode_json(data, value, type, &decoded, [](void* failed, unexpected<error>&& reason) {
    *static_cast<result<void>*>(failed) = std::move(reason);
  });
  return decoded;
}

} // namespace cleave::detail
