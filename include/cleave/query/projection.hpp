// SPDX-License-Identifier: BSL-1.0
// The projection: a function of events that fills a read model. A plain struct, in one of two forms.
//
// In memory, the struct is the read model; it is built anew from the log when the application starts:
//   struct balances {
//     using events = cleave::event_set<money_deposited>;
//     using queries = cleave::query_set<balance_of>;                              // optional: what it answers
//     static constexpr std::string_view name = "balances.v1";
//     void on(money_deposited const& e, cleave::envelope const& at);              // `at` may be left out
//     std::int64_t answer(balance_of const& q) const;                             // or result<...>
//   };
//
// Stored, the rows are the read model, and the struct writes and reads them through a session of its read store:
//     void create(cleave::sqlite::database&);                                     // optional: its tables; runs at every start
//     void on(money_deposited const&, cleave::envelope const&, cleave::sqlite::database&);   // or result<void>
//     std::int64_t answer(balance_of const&, cleave::sqlite::database&) const;    // or result<...>
//
// `name` carries a version: another name is another read model with a checkpoint of its own.
//
// Optional, in both forms: what becomes of an event that keeps failing (query/dead_letter.hpp), and which events must stay in order:
//     static constexpr auto on_failure = cleave::failure_policy::park;            // stop, where nothing says otherwise
//     std::string_view key(cleave::envelope const& at) const;                     // else the stream; or std::string
// A projection in memory that declares `park` promises that an `on` that throws has changed nothing: nobody can undo it. Where an
// old event became several and not the first of them fails, it stops all the same. The key decides from the envelope alone,
// because an event that does not decode has one too.
#pragma once

#include <cleave/base/limits.hpp>
#include <cleave/event/event_set.hpp>
#include <cleave/query/query_set.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cleave {

template <class P, class E>
concept applies_with_envelope = requires(P& p, E const& event, envelope const& at) { p.on(event, at); };
template <class P, class E>
concept applies_in_memory = applies_with_envelope<P, E> || requires(P& p, E const& event) { p.on(event); };
template <class P, class E, class Session>
concept applies_to_session = requires(P& p, E const& event, envelope const& at, Session& session) {
  p.on(event, at, session);
};
template <class P, class Q>
concept answers_in_memory = requires(P const& p, Q const& q) { p.answer(q); };
template <class P, class Q, class Session>
concept answers_from_session = requires(P const& p, Q const& q, Session& session) { p.answer(q, session); };

namespace detail {

template <class P> struct checked_projection {
  static_assert(
      requires { requires is_event_set<typename P::events>; },
      "cleave: a projection says what it follows: add `using events = cleave::event_set<...>`");
  static_assert(
      requires { std::string_view(P::name); },
      "cleave: a projection has a name with a version: add `static constexpr std::string_view name = \"...v1\"`");
  static_assert(is_query_set<queries_of<P>>, "cleave: a projection's `queries` is a cleave::query_set<...>");
  static constexpr bool value = true;
};

template <class P, class E> struct checked_on {
  static_assert(
      upcastable<E> || applies_in_memory<P, E>,
      "cleave: the projection follows an event that it cannot apply: add `void on(Event const&, cleave::envelope const&)`");
};
template <class P, class E, class Session> struct checked_on_session {
  static_assert(
      upcastable<E> || applies_to_session<P, E, Session>,
      "cleave: the stored projection follows an event that it cannot apply: add `void on(Event const&, cleave::envelope "
      "const&, Session&)` with the session of its read store");
};
template <class Answer, class R>
inline constexpr bool answer_fits = std::convertible_to<Answer, R> || std::convertible_to<Answer, result<R>>;
template <class P, class Q> struct checked_answer {
  template <class T> static consteval bool fits() {
    if constexpr (answers_in_memory<T, Q>) {
      return answer_fits<decltype(std::declval<T const&>().answer(std::declval<Q const&>())),
                         typename Q::result_type>;
    } else {
      return false;
    }
  }
  static_assert(
      fits<P>(),
      "cleave: the projection lists a query that it does not answer: add `Query::result_type answer(Query const&) const`");
};
template <class P, class Q, class Session> struct checked_answer_session {
  template <class T> static consteval bool fits() {
    if constexpr (answers_from_session<T, Q, Session>) {
      return answer_fits<decltype(std::declval<T const&>().answer(std::declval<Q const&>(),
                                                                  std::declval<Session&>())),
                         typename Q::result_type>;
    } else {
      return false;
    }
  }
  static_assert(
      fits<P>(),
      "cleave: the stored projection lists a query that it does not answer: add `Query::result_type "
      "answer(Query const&, Session&) const` with the session of its read store");
};

template <class P, class Events, class Queries> struct checked_memory_members;
template <class P, class... Es, class... Qs>
struct checked_memory_members<P, event_set<Es...>, query_set<Qs...>> : checked_on<P, Es>...,
                                                                       checked_answer<P, Qs>... {};
template <class P, class Session, class Events, class Queries> struct checked_stored_members;
template <class P, class Session, class... Es, class... Qs>
struct checked_stored_members<P, Session, event_set<Es...>, query_set<Qs...>>
    : checked_on_session<P, Es, Session>..., checked_answer_session<P, Qs, Session>... {};

// The front doors of the two forms.
template <class P> inline constexpr bool checked_memory_projection =
    checked_projection<P>::value && sizeof(checked_memory_members<P, typename P::events, queries_of<P>>) != 0;
template <class P, class Session> inline constexpr bool checked_stored_projection =
    checked_projection<P>::value &&
    sizeof(checked_stored_members<P, Session, typename P::events, queries_of<P>>) != 0;

} // namespace detail

} // namespace cleave
