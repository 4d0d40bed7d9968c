// SPDX-License-Identifier: BSL-1.0
// What a bus says about a handler that threw. The buses contain the exception, count it for the publisher, and deliver this
// as an event of its own to who wants to hear of it:
//   auto log = bus.subscribe<handler_failure>([](handler_failure const& f) { complain(f.reason.message()); });
#pragma once

#include <cleave/base/error.hpp>

#include <cstddef>
#include <string_view>

namespace cleave {

struct handler_failure {
  error
      reason; // errc::handler_failed with what was thrown, or errc::limit_exceeded: nested too deep, not delivered
  std::string_view event; // the C++ name of the event's type; for people, it differs between compilers
};

namespace detail {

// "... [with E = name; ...]" (GCC) or "... [E = name]" (Clang)
template <class E> consteval char const* text_with_type() noexcept { return __PRETTY_FUNCTION__; }
inline constexpr std::size_t type_text_begin = std::string_view(text_with_type<int>()).find("E = ") + 4;
// By hand: the functions of string_view cost the compiler 0.5 ms for each type.
template <class E> consteval std::string_view find_type_text() noexcept {
  char const* const begin = text_with_type<E>() + type_text_begin;
  std::size_t size = 0;
  while (begin[size] != ';' && begin[size] != ']') ++size;
  return {begin, size};
}
template <class E> inline constexpr std::string_view type_text = find_type_text<E>();

// The failure of a handler of `event`, made of the exception that is being handled now. Call it only inside a catch block.
handler_failure current_failure(std::string_view event);

} // namespace detail

} // namespace cleave
