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
  // Copies the object into raw memory of that size and alignment. May throw what the copy throws. nullptr: copy the bytes.
  void (*copy)(void* to, void const* from);
  // The same, but leaves `from` in any state that can be destroyed. nullptr: copy the bytes.
  void (*move)(void* to, void* from);
  // nullptr when there is nothing to do.
  void (*destroy)(void* object) noexcept;
  // Appends the stored form. nullptr for a type without a codec: such an event lives in memory only.
  result<void> (*encode)(void const* object, std::string& out);
  // Calls use(object) with what the stored form says, or returns why it says nothing. Throws what `use` throws. nullptr: as above.
  result<void> (*decode)(std::string_view data, function_ref<void(void const* object)> use);
  // The object's tags. nullptr for a type without tags.
  void (*tags)(void const* object, tag_list& out);
  // It is of an old version: readers get what it becomes.
  bool upcastable;
  std::string_view text;                     // its C++ name, for people
  std::atomic<std::uint32_t> const* channel; // detail::bus_channel
};

namespace detail {

// Functions rather than lambdas: they cost the compiler half.
template <class E> struct event_functions {
  static void copy(void* to, void const* from) { new (to) E(*static_cast<E const*>(from)); }
  static void move(void* to, void* from) { new (to) E(static_cast<E&&>(*static_cast<E*>(from))); }
  static void destroy(void* object) noexcept { static_cast<E*>(object)->~E(); }
  static result<void> encode(void const* object, std::string& out) {
    if constexpr (!foreign<E>) return encode_json(object, out, &write_any<E>);
    else return codec<E>::encode(*static_cast<E const*>(object), out);
  }
  static result<void> decode(std::string_view data, function_ref<void(void const*)> use) {
    if constexpr (!foreign<E>) {
      check_form<E>();
      E object{};
      auto good = decode_json(data, &object, &read_any<E>);
      if (good) use(&object);
      return good;
    } else {
      auto const decoded = codec<E>::decode(data);
      if (!decoded) return unexpected(decoded.error());
      use(&*decoded);
      return {};
    }
  }
  static void tags(void const* object, tag_list& out) { out = tag_list(*static_cast<E const*>(object)); }
};

template <class E> consteval event_type describe_event() {
  static_assert(std::copy_constructible<E>,
                "cleave: an event must be copy-constructible: it is a fact that several readers keep");
  using functions = event_functions<E>;
  event_type type{.name = event_name_of<E>(),
                  .size = sizeof(E),
                  .alignment = alignof(E),
                  .copy = nullptr,
                  .move = nullptr,
                  .destroy = nullptr,
                  .encode = nullptr,
                  .decode = nullptr,
                  .tags = nullptr,
                  .upcastable = cleave::upcastable<E>,
                  .text = type_text<E>,
                  .channel = &bus_channel<E>};
  if constexpr (!std::is_trivially_copyable_v<E>) {
    type.copy = &functions::copy;
    type.move = &functions::move;
  }
  if constexpr (!std::is_trivially_destructible_v<E>) type.destroy = &functions::destroy;
  if constexpr (encodable<E>) {
    type.encode = &functions::encode;
    type.decode = &functions::decode;
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
