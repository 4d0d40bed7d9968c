// SPDX-License-Identifier: BSL-1.0
// Upcasting: an event of an old version, read back from the log, becomes events of the version that the code speaks today.
//
//   struct order_placed_v1 { std::string customer; order_placed upcast() const; };       // the old shape knows the way
//   struct order_placed { using supersedes = cleave::event_set<order_placed_v1>; ... };  // the new one names the old
//
// Readers list only order_placed; the stored old events reach them converted. What `upcast` may return: an event; void (it
// became nothing); std::optional, std::tuple, std::variant, or a range of them. The result may itself be upcastable: versions
// climb one step at a time, at most limits::upcast_steps. A reader that lists only a part of what an old event became gets that
// part; a decider must list all of it.
#pragma once

#include <cleave/base/error.hpp>
#include <cleave/event/envelope.hpp>

#include <boost/mp11/list.hpp>

#include <concepts>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>

namespace cleave {

// An event of an old version.
template <class E>
concept upcastable = requires(E const& event) { event.upcast(); };

namespace detail {

template <class E> struct superseded {
  using type = boost::mp11::mp_list<>;
};
template <class E>
  requires requires { typename E::supersedes; }
struct superseded<E> {
  using type = boost::mp11::mp_rename<typename E::supersedes, boost::mp11::mp_list>;
};
template <class E> using superseded_by = typename superseded<E>::type;

template <class T> inline constexpr bool is_optional = false;
template <class T> inline constexpr bool is_optional<std::optional<T>> = true;
template <class T> inline constexpr bool is_tuple = false;
template <class... Ts> inline constexpr bool is_tuple<std::tuple<Ts...>> = true;
template <class T> inline constexpr bool is_variant = false;
template <class... Ts> inline constexpr bool is_variant<std::variant<Ts...>> = true;

template <class R, class F> void each_event_of(R const& made, F& f) {
  if constexpr (is_optional<R>) {
    if (made) each_event_of(*made, f);
  } else if constexpr (is_tuple<R>) {
    std::apply([&](auto const&... parts) { (each_event_of(parts, f), ...); }, made);
  } else if constexpr (is_variant<R>) {
    std::visit([&](auto const& one) { each_event_of(one, f); }, made);
  } else if constexpr (requires {
                         made.begin();
                         made.end();
                       }) {
    for (auto const& one : made) each_event_of(one, f);
  } else {
    f(made);
  }
}

template <upcastable E, class F> void for_each_upcast(E const& event, F&& f) {
  if constexpr (std::is_void_v<decltype(event.upcast())>) event.upcast();
  else each_event_of(event.upcast(), f);
}

// errc::decode_failed: "event order-placed.v1 at position 12 (stream order-7, version 3) does not decode", with the cause.
error undecodable(envelope const& at, error cause);
error no_codec(envelope const& at);
// errc::unknown_event: the decider does not list this event, or not `became`, which upcasting made of it (empty: the event itself).
error unlisted_event(envelope const& at, std::string_view became, std::string_view decider);

} // namespace detail

} // namespace cleave
