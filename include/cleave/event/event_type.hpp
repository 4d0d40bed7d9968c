// SPDX-License-Identifier: BSL-1.0
// What a store has to know of an event type in order to keep the object itself or its bytes: one constant per type.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/event/codec.hpp>
#include <cleave/event/event_name.hpp>

#include <concepts>
#include <cstddef>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>

namespace cleave {

struct event_type {
  std::string_view name;
  std::size_t size;
  std::size_t alignment;
  // Copies the object into raw memory of that size and alignment. May throw what the copy throws. nullptr: copy the bytes.
  void (*copy)(void* to, void const* from);
  // nullptr when there is nothing to do.
  void (*destroy)(void* object) noexcept;
  // Appends the stored form. nullptr for a type without a codec: such an event lives in memory only.
  result<void> (*encode)(void const* object, std::string& out);
};

namespace detail {

template <class E> constexpr event_type describe_event() {
  static_assert(std::copy_constructible<E>,
                "cleave: an event must be copy-constructible: it is a fact that several readers keep");
  event_type type{event_name_of<E>(), sizeof(E), alignof(E), nullptr, nullptr, nullptr};
  if constexpr (!std::is_trivially_copyable_v<E>) {
    type.copy = [](void* to, void const* from) { new (to) E(*static_cast<E const*>(from)); };
  }
  if constexpr (!std::is_trivially_destructible_v<E>) {
    type.destroy = [](void* object) noexcept { static_cast<E*>(object)->~E(); };
  }
  if constexpr (encodable<E>) {
    type.encode = [](void const* object, std::string& out) {
      return codec<E>::encode(*static_cast<E const*>(object), out);
    };
  }
  return type;
}

} // namespace detail

// The one constant of E. Its address identifies the type inside a process; where shared libraries keep copies of their own, the
// name decides.
template <class E> inline constexpr event_type event_type_of = detail::describe_event<E>();

} // namespace cleave
