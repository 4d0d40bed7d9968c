// SPDX-License-Identifier: BSL-1.0
// What has to be known of an event type by code that is not compiled for it: one constant per type.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/base/result.hpp>
#include <cleave/event/codec.hpp>
#include <cleave/event/detail/bus_channel.hpp>
#include <cleave/event/event_name.hpp>
#include <cleave/event/handler_failure.hpp>
#include <cleave/event/tags.hpp>
#include <cleave/event/upcast.hpp>

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cleave {

struct event_type {
  std::string_view name;
  std::size_t size;
  std::size_t alignment;
  // The stored form: by the default codec, or by the application's own. All of these are nullptr for a type without a codec: such
  // an event lives in memory only.
  detail::json_type const* json;
  void (*begin)(
      void* to); // with `json`: makes in raw memory what it reads into; may throw what the constructor throws
  result<void> (*encode_by)(void const* object, std::string& out);
  result<void> (*decode_by)(std::string_view data, function_ref<void(void const* object)> use);
  // Copies the object into raw memory of that size and alignment. May throw what the copy throws. nullptr: copy the bytes.
  void (*copy)(void* to, void const* from);
  // The same, but leaves `from` in any state that can be destroyed. nullptr: copy the bytes.
  void (*move)(void* to, void* from);
  // nullptr when there is nothing to do.
  void (*destroy)(void* object) noexcept;
  // The object's tags. nullptr for a type without tags.
  void (*tags)(void const* object, tag_list& out);
  // It is of an old version: readers get what it becomes.
  bool upcastable;
  std::string_view text;                     // its C++ name, for people
  std::atomic<std::uint32_t> const* channel; // detail::bus_channel

  bool has_codec() const noexcept { return json != nullptr || encode_by != nullptr; }
  // Appends the stored form. Only for a type with a codec; so is decode.
  result<void> encode(void const* object, std::string& out) const;
  // Calls use(object) with what the stored form says, or returns why it says nothing. Throws what `use` throws.
  result<void> decode(std::string_view data, function_ref<void(void const* object)> use) const;
};

namespace detail {

// Functions rather than lambdas: they cost the compiler half.
template <class E> struct event_functions {
  static void copy(void* to, void const* from) { new (to) E(*static_cast<E const*>(from)); }
  static void move(void* to, void* from) { new (to) E(static_cast<E&&>(*static_cast<E*>(from))); }
  static void destroy(void* object) noexcept { static_cast<E*>(object)->~E(); }
  static void begin(void* to) { new (to) E{}; }
  static result<void> encode(void const* object, std::string& out) {
    return codec<E>::encode(*static_cast<E const*>(object), out);
  }
  static result<void> decode(std::string_view data, function_ref<void(void const*)> use) {
    auto const decoded = codec<E>::decode(data);
    if (!decoded) return unexpected(decoded.error());
    use(&*decoded);
    return {};
  }
  static void tags(void const* object, tag_list& out) { out = tag_list(*static_cast<E const*>(object)); }
};

// Not by the concept or the trait of the standard library: they cost 2 and 0.7 ms for each event (GCC 12).
template <class E>
concept copies = requires(E const& event) { E(event); };

template <class E> consteval event_type describe_event() {
  static_assert(copies<E>,
                "cleave: an event must be copy-constructible: it is a fact that several readers keep");
  using functions = event_functions<E>;
  event_type type{.name = event_name_of<E>(),
                  .size = sizeof(E),
                  .alignment = alignof(E),
                  .json = nullptr,
                  .begin = nullptr,
                  .encode_by = nullptr,
                  .decode_by = nullptr,
                  .copy = nullptr,
                  .move = nullptr,
                  .destroy = nullptr,
                  .tags = nullptr,
                  .upcastable = cleave::upcastable<E>,
                  .text = type_text<E>,
                  .channel = &bus_channel<E>};
  if constexpr (!__is_trivially_copyable(E)) {
    type.copy = &functions::copy;
    type.move = &functions::move;
    type.destroy = &functions::destroy;
  }
  if constexpr (encodable<E>) {
    if constexpr (foreign<E>) {
      type.encode_by = &functions::encode;
      type.decode_by = &functions::decode;
    } else {
      type.json = &type_of<E>;
      type.begin = &functions::begin;
    }
  }
  if constexpr (tagged<E>) type.tags = &functions::tags;
  return type;
}

} // namespace detail

// The one constant of E. Its address identifies the type inside a process; where shared libraries keep copies of their own, the
// name decides.
template <class E> inline constexpr event_type event_type_of = detail::describe_event<E>();

namespace detail {

template <class E> bool is_type_of(event_type const& type) noexcept {
  return &type == &event_type_of<E> || (type.name == event_name_of<E>() && type.size == sizeof(E));
}

} // namespace detail

} // namespace cleave
