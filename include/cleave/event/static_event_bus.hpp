// SPDX-License-Identifier: BSL-1.0
// The event bus for subscribers that are known at compile time: publishing is the sequence of their calls, inlined.
//
//   static_event_bus bus{[&](order_placed const& e) { ... }, audit};   // audit is a named object: the bus refers to it
//   bus.publish(order_placed{...});
//
// For subscribers that come and go at run time see event_bus.hpp.
#pragma once

#include <cleave/event/envelope.hpp>
#include <cleave/event/handler_failure.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace cleave {

namespace detail {

template <std::size_t, class Subscriber> struct static_subscriber {
  [[no_unique_address]] Subscriber subscriber;
};

template <class Indices, class... Subscribers> struct static_subscribers;
template <std::size_t... I, class... Subscribers>
struct static_subscribers<std::index_sequence<I...>, Subscribers...> : static_subscriber<I, Subscribers>... {
};

} // namespace detail

// A subscriber is anything that can be called with (E const&) or (E const&, envelope const&) for one or several event types
// E: a lambda, or an object with overloads of operator(). Where it takes both forms, the one with the envelope is called.
// Temporaries are kept in the bus (nothing is stored for a lambda without captures), named objects are referred to and must
// outlive it.
//
// The bus itself has no state: it may be used from any thread at once if its subscribers may. A subscriber that throws does
// not keep the event from the others: the exception is caught, counted, and told as an event handler_failure to the
// subscribers that take it; what these throw is only counted.
template <class... Subscribers> class static_event_bus {
public:
  constexpr explicit static_event_bus(Subscribers... subscribers)
      : subscribers_{{std::forward<Subscribers>(subscribers)}...} {}

  // Calls every subscriber that takes E, in the order of construction, on this thread. Returns how many of them threw.
  template <class E> constexpr std::size_t publish(E const& event, envelope const& at) {
    return publish_to_all<true>(event, at, std::index_sequence_for<Subscribers...>());
  }
  // The same for an event that is not from a log: subscribers that want an envelope get an empty one.
  template <class E> constexpr std::size_t publish(E const& event) {
    return publish_to_all<true>(event, envelope{}, std::index_sequence_for<Subscribers...>());
  }

private:
  template <bool ReportFailures, class E, std::size_t... I>
  constexpr std::size_t publish_to_all(E const& event, envelope const& at, std::index_sequence<I...>) {
    return (std::size_t{0} + ... + call<ReportFailures, I, Subscribers>(event, at));
  }

  template <bool ReportFailures, std::size_t I, class Subscriber, class E>
  constexpr std::size_t call([[maybe_unused]] E const& event, [[maybe_unused]] envelope const& at) {
    auto& subscriber = static_cast<detail::static_subscriber<I, Subscriber>&>(subscribers_).subscriber;
    if constexpr (std::is_invocable_v<decltype(subscriber), E const&, envelope const&>) {
      return contained<ReportFailures, E>([&] { subscriber(event, at); });
    } else if constexpr (std::is_invocable_v<decltype(subscriber), E const&>) {
      return contained<ReportFailures, E>([&] { subscriber(event); });
    } else {
      return 0;
    }
  }

  template <bool ReportFailures, class E, class Call> constexpr std::size_t contained(Call call_subscriber) {
    try {
      call_subscriber();
      return 0;
    } catch (...) {
      if constexpr (ReportFailures) report(detail::type_text<E>);
      return 1;
    }
  }

  [[gnu::noinline, gnu::cold]] void report(std::string_view event) noexcept {
    publish_to_all<false>(detail::current_failure(event), envelope{},
                          std::index_sequence_for<Subscribers...>());
  }

  [[no_unique_address]] detail::static_subscribers<std::index_sequence_for<Subscribers...>, Subscribers...>
      subscribers_;
};

// A named object is referred to, a temporary kept.
template <class... Subscribers> static_event_bus(Subscribers&&...) -> static_event_bus<Subscribers...>;

} // namespace cleave
