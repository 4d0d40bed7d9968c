// SPDX-License-Identifier: BSL-1.0
// The stored name of an event type: explicit, versioned, never derived from a C++ name.
#pragma once

#include <cleave/base/limits.hpp>

#include <string_view>

namespace cleave {

namespace detail {

template <class E> constexpr std::string_view member_event_name() {
  if constexpr (requires { std::string_view(E::event_name); }) return std::string_view(E::event_name);
  else return {};
}

// kebab-case and a version: [a-z][a-z0-9]*(-[a-z0-9]+)*.v[1-9][0-9]*
constexpr bool is_event_name(std::string_view name) {
  // One loop over plain characters: the compiler runs it for every event.
  char const* const text = name.data();
  std::size_t const size = name.size();
  if (size > limits::event_name_bytes) return false;
  std::size_t i = 0;
  bool word = false; // begun
  for (; i < size && text[i] != '.'; ++i) {
    char const c = text[i];
    if (c >= 'a' && c <= 'z') word = true;
    else if (c >= '0' && c <= '9' && i != 0) word = true;
    else if (c == '-' && word) word = false;
    else return false;
  }
  if (!word || size - i < 3 || text[i + 1] != 'v' || text[i + 2] == '0') return false;
  for (i += 2; i < size; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

} // namespace detail

// Specialise it, or give the event a static member `event_name`:
//   template <> inline constexpr auto cleave::event_name<order_placed> = "order-placed.v1";
// kebab-case, then ".v" and the version of its fields; at most limits::event_name_bytes. Stored for ever: a renamed C++ type keeps it.
template <class E> inline constexpr auto event_name = detail::member_event_name<E>();

// The checked name, as the library reads it.
template <class E> consteval std::string_view event_name_of() {
  constexpr std::string_view name = event_name<E>;
  static_assert(!name.empty(), "cleave: this event has no stored name: specialise cleave::event_name for it");
  static_assert(name.empty() || detail::is_event_name(name),
                "cleave: a stored event name is kebab-case with a version, such as \"order-placed.v1\"");
  return name;
}

} // namespace cleave
