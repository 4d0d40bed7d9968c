// SPDX-License-Identifier: BSL-1.0
// What lies in a place of an asynchronous bus: the event itself, or for an event_set a variant of its events.
#pragma once

#include <cleave/event/fwd.hpp>

#include <type_traits>
#include <variant>

namespace cleave::detail {

template <class E> struct async_slot {
  using type = E;
  template <class F> static constexpr bool handled_by = std::is_invocable_v<F&, E const&>;
  template <class Event> static constexpr bool holds = std::is_same_v<Event, E>;
  template <class F> static void visit(type const& slot, F f) { f(slot); }
};

template <class... Es> struct async_slot<event_set<Es...>> {
  using type = std::variant<Es...>;
  template <class F> static constexpr bool handled_by = (std::is_invocable_v<F&, Es const&> || ...);
  template <class Event> static constexpr bool holds = (std::is_same_v<Event, Es> || ...);
  template <class F> static void visit(type const& slot, F f) { std::visit(f, slot); }
};

} // namespace cleave::detail
