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
  auto const letter = [](char c) { return c >= 'a' && c <= 'z'; };
  auto const digit = [](char c) { return c >= '0' && c <= '9'; };
  auto const dot = name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || name.size() > limits::event_name_bytes || !letter(name[0]))
    return false;
  for (std::size_t i = 1; i < dot; ++i) {
    if (letter(name[i]) || digit(name[i])) continue;
    if (name[i] != '-' || name[i - 1] == '-' || i + 1 == dot) return false;
  }
  auto const version = name.substr(dot + 1);
  if (version.size() < 2 || version[0] != 'v' || version[1] == '0') return false;
  for (char c : version.substr(1)) {
    if (!digit(c)) return false;
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
