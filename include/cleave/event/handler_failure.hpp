// SPDX-License-Identifier: BSL-1.0
// What a bus says about a handler that threw. The buses contain the exception, count it for the publisher, and deliver this
// as an event of its own to who wants to hear of it:
//   auto log = bus.subscribe<handler_failure>([](handler_failure const& f) { complain(f.reason.message()); });
#pragma once

#include <cleave/base/error.hpp>

#include <string_view>

namespace cleave {

struct handler_failure {
  error
      reason; // errc::handler_failed with what was thrown, or errc::limit_exceeded: nested too deep, not delivered
  std::string_view event; // the C++ name of the event's type; for people, it differs between compilers
};

namespace detail {

template <class E> constexpr std::string_view find_type_text() noexcept {
  std::string_view const text =
      __PRETTY_FUNCTION__; // "... [with E = name; ...]" (GCC) or "... [E = name]" (Clang)
  auto const begin = text.find("E = ") + 4;
  return text.substr(begin, text.find_first_of(";]", begin) - begin);
}
template <class E> inline constexpr std::string_view type_text = find_type_text<E>();

// The failure of a handler of `event`, made of the exception that is being handled now. Call it only inside a catch block.
handler_failure current_failure(std::string_view event);

} // namespace detail

} // namespace cleave
