// SPDX-License-Identifier: BSL-1.0
// event_set: the events that a decider, a projection or a subscriber deals with; and visit_event, which turns a stored event
// into the C++ event that its reader wants, through its codec and its upcasters. All routing is fixed at compile time.
#pragma once

#include <cleave/base/route_table.hpp>
#include <cleave/event/recorded_event.hpp>
#include <cleave/event/upcast.hpp>

#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>
#include <boost/mp11/set.hpp>

#include <array>
#include <cstddef>
#include <span>
#include <string_view>
#include <type_traits>

namespace cleave {

namespace detail {

// From the end, where names of one set differ, and without the functions of string_view: the compiler runs it for each pair.
consteval bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  char const* const one = a.data();
  char const* const other = b.data();
  for (std::size_t i = a.size(); i != 0; --i) {
    if (one[i - 1] != other[i - 1]) return false;
  }
  return true;
}
template <std::size_t N> consteval bool names_differ(std::array<std::string_view, N> const& names) {
  for (std::size_t i = 0; i < N; ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (same_name(names[i], names[k])) return false;
    }
  }
  return true;
}

} // namespace detail

// A list of event types. Each stands in it once, and each has a stored name of its own.
template <class... Es> struct event_set {
  static_assert(detail::type_set<Es...>::is_unique, "cleave: an event stands twice in one event_set");
  static_assert(detail::names_differ<sizeof...(Es)>({event_name_of<Es>()...}),
                "cleave: two events of one event_set have the same stored name");
  static constexpr std::size_t size = sizeof...(Es);
  template <class E> static constexpr bool contains = detail::type_set<Es...>::template contains<E>;
};

namespace detail {

template <class T> inline constexpr bool is_event_set = false;
template <class... Es> inline constexpr bool is_event_set<event_set<Es...>> = true;

// The events of a set and, behind them, everything that they supersede, over as many versions as there are.
template <class Done, class Open> struct stored_closure {
  using type = Done;
};
template <class Done, class First, class... Rest>
struct stored_closure<Done, boost::mp11::mp_list<First, Rest...>> {
  using next =
      std::conditional_t<boost::mp11::mp_contains<Done, First>::value, boost::mp11::mp_list<Rest...>,
                         boost::mp11::mp_append<boost::mp11::mp_list<Rest...>, superseded_by<First>>>;
  using type = typename stored_closure<boost::mp11::mp_set_push_back<Done, First>, next>::type;
};
template <class E>
concept supersedes_others = requires { typename E::supersedes; };
template <class Set> struct stored_events_of;
template <class... Es> struct stored_events_of<event_set<Es...>> {
  using type = typename stored_closure<boost::mp11::mp_list<>, boost::mp11::mp_list<Es...>>::type;
};
template <class... Es>
  requires(!supersedes_others<Es> && ...)
struct stored_events_of<event_set<Es...>> {
  using type = boost::mp11::mp_list<Es...>;
};
template <class Set> using stored_events = typename stored_events_of<Set>::type;

template <class List> struct names_of_list;
template <class... Es> struct names_of_list<boost::mp11::mp_list<Es...>> {
  static constexpr std::array<std::string_view, sizeof...(Es)> value{event_name_of<Es>()...};
  static_assert(names_differ<sizeof...(Es)>(value),
                "cleave: an event and one that it supersedes have the same stored name");
};

// Hands `event` to the function, or what it becomes in the newest version.
template <class Set, std::size_t Steps, class E, class At, class F>
[[gnu::always_inline]] inline void deliver(E const& event, At const& at, F& f) {
  static_assert(Steps <= limits::upcast_steps,
                "cleave: upcasting does not end: do two events upcast to one another?");
  if constexpr (upcastable<E>) {
    for_each_upcast(event, [&]<class Next>(Next const& next) {
      if constexpr (boost::mp11::mp_contains<stored_events<Set>, Next>::value)
        deliver<Set, Steps + 1>(next, at, f);
      else if constexpr (requires { f.template leave_out<Next>(); }) f.template leave_out<Next>();
    });
  } else {
    f(event, at);
  }
}

template <class Set, class F, class... Es>
bool visit_object(unopened_event auto const& found, F& f, boost::mp11::mp_list<Es...>) {
  [[maybe_unused]] event_type const* const type = found.type();
  return ((type == &event_type_of<Es>
               ? (deliver<Set, 0>(*static_cast<Es const*>(found.object()), found, f), true)
               : false) ||
          ...);
}

// What a reader does with a stored event of one type.
struct reader_row {
  event_type const* type;
  void (*deliver)(void const* object, envelope const& at, void* reader);
};

template <class Set, class F, class List> struct reader_rows_of;
template <class Set, class F, class... Es> struct reader_rows_of<Set, F, boost::mp11::mp_list<Es...>> {
  template <class E> static void deliver_to(void const* object, envelope const& at, void* reader) {
    if constexpr (upcastable<E>)
      deliver<Set, 0>(*static_cast<E const*>(object), at, *static_cast<F*>(reader));
    else (*static_cast<F*>(reader))(*static_cast<E const*>(object), at);
  }
  static constexpr std::array<reader_row, sizeof...(Es)> value{{{&event_type_of<Es>, &deliver_to<Es>}...}};
};

// Finds the row, and decodes what is held as bytes. False: there is none.
result<bool> visit_stored(recorded_event const& recorded, std::span<reader_row const> rows, void* reader);
// The same for an object that is in no log yet, and a reader that does not look at the envelope. False also for an event of an old
// version: it will be others when it is read.
bool visit_new(event_type const& type, void const* object, std::span<reader_row const> rows, void* reader);

} // namespace detail

// The stored names that a reader of `Set` wants, those of superseded versions included: the filter for its reads.
template <class Set>
inline constexpr auto const& stored_names = detail::names_of_list<detail::stored_events<Set>>::value;

// Calls f(event, at) with the event of `Set` that `recorded` holds, or with each that it becomes by upcasting (one, several or
// none). What an old event became and the set does not list is left out; a function object with a member leave_out<E>() is told.
// True when the name belongs to the set or to something that the set supersedes; false, and f is not called, otherwise.
// errc::decode_failed names event, field and position. What f throws passes through.
template <class Set, class F> result<bool> visit_event(recorded_event const& recorded, F&& f) {
  static_assert(detail::is_event_set<Set>, "cleave: visit_event needs an event_set");
  using reader = std::remove_reference_t<F>;
  return detail::visit_stored(recorded,
                              detail::reader_rows_of<Set, reader, detail::stored_events<Set>>::value,
                              const_cast<std::remove_const_t<reader>*>(&f));
}

} // namespace cleave
