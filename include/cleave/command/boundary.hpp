// SPDX-License-Identifier: BSL-1.0
// The boundary: a decider for rules that span more than one stream. A plain struct, in one of two forms.
//
// By a query (dynamic consistency boundary, dcb.events). It is folded from all events that the query matches, wherever they are
// stored, and its decision is committed only if no further one has come:
//
//   struct course_enrolment {
//     using commands = cleave::command_set<enrol>;
//     using events = cleave::event_set<course_defined, student_registered, student_enrolled>;
//     static constexpr std::string_view category = "course";                          // what it decides enters "course-<id>"
//     static std::string const& id(enrol const& c) { return c.course; }
//     static cleave::boundary_query boundary(enrol const& c) {
//       return cleave::events_with<course_defined, student_enrolled>("course:" + c.course)
//            | cleave::events_with<student_registered, student_enrolled>("student:" + c.student);
//     }
//     void evolve(student_enrolled const&);                                           // one for each event; or with the envelope
//     cleave::decision<student_enrolled> decide(enrol const&) const;                  // one for each command
//   };
//
// What must be seen by the next decision has to match its query: the events carry those tags (event/tags.hpp).
//
// By streams. It is folded from the streams that the command names, one after another, and its events are committed only if each of
// them is where it was when it was read:
//
//   struct transfer_desk {
//     using commands = cleave::command_set<transfer>;
//     using events = cleave::event_set<account_opened, money_deposited, money_withdrawn>;
//     static std::array<std::string, 2> streams(transfer const& c) { return {"account-" + c.from, "account-" + c.to}; }
//     void evolve(money_deposited const& e, cleave::envelope const& at);              // at.stream tells them apart
//     cleave::decision<money_withdrawn, money_deposited> decide(transfer const&) const;
//     static std::string stream(transfer const& c, money_withdrawn const&) { return "account-" + c.from; }   // one of `streams`
//     static std::string stream(transfer const& c, money_deposited const&) { return "account-" + c.to; }
//   };
//
// A default-constructed boundary is the state before the first event.
#pragma once

#include <cleave/command/boundary_query.hpp>
#include <cleave/command/decider.hpp>
#include <cleave/event/handler_failure.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>

namespace cleave {

template <class B, class E>
concept can_evolve_in_place = requires(B& state, E const& event, envelope const& at) {
  state.evolve(event, at);
};
template <class B, class C>
concept bounded_by_query = requires(C const& command) {
  { B::boundary(command) } -> std::convertible_to<boundary_query>;
};
template <class B, class C>
concept bounded_by_streams = requires(C const& command) {
  { *B::streams(command).begin() } -> std::convertible_to<std::string_view>;
  B::streams(command).end();
};
template <class B, class C, class E>
concept can_place = requires(C const& command, E const& event) {
  { B::stream(command, event) } -> std::convertible_to<std::string_view>;
};

namespace detail {

template <class B, class E> struct checked_boundary_evolve {
  static_assert(
      upcastable<E> || can_evolve<B, E> || can_evolve_in_place<B, E>,
      "cleave: the boundary lists an event that it cannot evolve: add `void evolve(Event const&)`, or with a "
      "second parameter `cleave::envelope const&`");
};

template <class B, class C, class Decision> inline constexpr bool places_all = false;
template <class B, class C, class... Es>
inline constexpr bool places_all<B, C, decision<Es...>> = (can_place<B, C, Es> && ...);

template <class B, class C> struct checked_boundary_decide {
  static constexpr bool by_query = bounded_by_query<B, C>;
  static constexpr bool by_streams = bounded_by_streams<B, C>;
  static_assert(
      by_query || by_streams,
      "cleave: the boundary does not say what a command depends on: add `static cleave::boundary_query "
      "boundary(Command const&)`, or `static auto streams(Command const&)` that returns a range of texts");
  static_assert(
      !(by_query && by_streams),
      "cleave: the boundary has two ways to say what a command depends on: a query and streams; keep one");
  static_assert(
      !by_query || (has_category<B> && can_identify<B, C>),
      "cleave: a boundary by a query says which stream its events enter: add `static constexpr std::string_view "
      "category` and `static auto id(Command const&)` that returns a text or an integer");
  static_assert(can_decide<B, C>, "cleave: the boundary lists a command that it cannot decide: add "
                                  "`cleave::decision<Events...> decide(Command const&) const`");
  template <class T> static consteval bool within() {
    if constexpr (can_decide<T, C>) return decides_within<typename T::events, decision_of<T, C>>;
    else return true;
  }
  static_assert(within<B>(), "cleave: a decision holds an event that is not in the boundary's event_set");
  template <class T> static consteval bool placed() {
    if constexpr (can_decide<T, C> && by_streams) return places_all<T, C, decision_of<T, C>>;
    else return true;
  }
  static_assert(
      placed<B>(),
      "cleave: a boundary by streams says where a decided event goes: add `static auto stream(Command const&, Event "
      "const&)` that returns the name of one of its streams");
};

template <class B, class Events, class Commands> struct checked_boundary_members;
template <class B, class... Es, class... Cs>
struct checked_boundary_members<B, event_set<Es...>, command_set<Cs...>>
    : checked_boundary_evolve<B, Es>..., checked_boundary_decide<B, Cs>... {};

// The front door: instantiate it to get the sentences.
template <class B> struct checked_boundary {
  static_assert(
      std::default_initializable<B> && std::movable<B>,
      "cleave: a boundary is default-constructible and movable: it begins as the state before the first event");
  static_assert(lists_commands<B>,
                "cleave: a boundary says what it takes: add `using commands = cleave::command_set<...>`");
  static_assert(lists_events<B>,
                "cleave: a boundary says what it is made of: add `using events = cleave::event_set<...>`");
  static consteval bool members() {
    if constexpr (lists_commands<B> && lists_events<B>) {
      return sizeof(checked_boundary_members<B, typename B::events, typename B::commands>) != 0;
    } else {
      return false;
    }
  }
  static constexpr bool value = members();
};

// As `evolver`, for a state that may also look at where an event stands.
template <class B> class boundary_evolver {
public:
  explicit boundary_evolver(B& state) noexcept : state_(state) {}
  template <class E> void operator()(E const& event, envelope const& at) {
    if constexpr (can_evolve_in_place<B, E>) state_.evolve(event, at);
    else state_.evolve(event);
  }
  template <class E> void leave_out() noexcept {
    if (left_out_.empty()) left_out_ = event_name_of<E>();
  }
  std::string_view left_out() const noexcept { return left_out_; }

private:
  B& state_;
  std::string_view left_out_;
};

} // namespace detail

} // namespace cleave
