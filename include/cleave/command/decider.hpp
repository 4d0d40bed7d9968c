// SPDX-License-Identifier: BSL-1.0
// The decider: state, and the two pure functions decide(state, command) -> events and evolve(state, event) -> state
// (Chassaing, Functional Event Sourcing Decider). A plain struct:
//
//   struct account {
//     using commands = cleave::command_set<open_account, deposit>;
//     using events = cleave::event_set<account_opened, money_deposited>;
//     static constexpr std::string_view category = "account";                     // streams are "account-<id>"
//     static std::string const& id(auto const& command) { return command.account; }  // text or integer
//     void evolve(account_opened const&);                                         // one for each event
//     cleave::decision<money_deposited> decide(deposit const&) const;             // one for each command
//   };
//
// A default-constructed decider is the state of a stream without events.
#pragma once

#include <cleave/command/command_set.hpp>
#include <cleave/command/decision.hpp>
#include <cleave/event/event_set.hpp>

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cleave {

template <class D>
concept lists_commands = detail::is_command_set<typename D::commands>;
template <class D>
concept lists_events = detail::is_event_set<typename D::events>;
template <class D>
concept has_category = requires { std::string_view(D::category); };
template <class D, class C>
concept can_identify = requires(C const& command) {
  requires std::convertible_to<decltype(D::id(command)), std::string_view> ||
               std::integral<std::remove_cvref_t<decltype(D::id(command))>>;
};
template <class D, class E>
concept can_evolve = requires(D& state, E const& event) { state.evolve(event); };

namespace detail {

// What decide returns for the command. A struct, so that the overloads of `decide` are gone through once.
template <class S, class C> struct decision_type {
  using type = void;
};
template <class S, class C>
  requires requires(S const& state, C const& command) { state.decide(command); }
struct decision_type<S, C> {
  using type = std::remove_cvref_t<decltype(std::declval<S const&>().decide(std::declval<C const&>()))>;
};
template <class S, class C> using decision_of = typename decision_type<S, C>::type;

} // namespace detail

template <class D, class C>
concept can_decide = detail::is_decision<detail::decision_of<D, C>>;

namespace detail {

template <class Events, class Decision> inline constexpr bool decides_within = false;
template <class Events, class... Es>
inline constexpr bool decides_within<Events, decision<Es...>> = (Events::template contains<Es> && ...);

// One struct for each pair, so that the compiler's "required from" names the decider and the event or command.
template <class D, class E> struct checked_evolve {
  static_assert(upcastable<E> || can_evolve<D, E>,
                "cleave: the decider lists an event that it cannot evolve: add `void evolve(Event const&)`");
};
template <class D, class C> struct checked_decide {
  static_assert(can_identify<D, C>,
                "cleave: the decider does not say which stream a command is for: add `static auto "
                "id(Command const&)` that returns a text or an integer");
  static_assert(can_decide<D, C>, "cleave: the decider lists a command that it cannot decide: add "
                                  "`cleave::decision<Events...> decide(Command const&) const`");
  static_assert(!can_decide<D, C> || decides_within<typename D::events, decision_of<D, C>>,
                "cleave: a decision holds an event that is not in the decider's event_set");
};

template <class D, class Events, class Commands> struct checked_decider_members;
template <class D, class... Es, class... Cs>
struct checked_decider_members<D, event_set<Es...>, command_set<Cs...>> : checked_evolve<D, Es>...,
                                                                          checked_decide<D, Cs>... {};

// The front door: instantiate it to get the sentences.
template <class D> struct checked_decider {
  static_assert(std::default_initializable<D>,
                "cleave: a decider is default-constructible: that is the state before the first event");
  static_assert(std::copyable<D>, "cleave: a decider is a copyable value");
  static_assert(lists_commands<D>,
                "cleave: a decider says what it takes: add `using commands = cleave::command_set<...>`");
  static_assert(lists_events<D>,
                "cleave: a decider says what it is made of: add `using events = cleave::event_set<...>`");
  static_assert(has_category<D>,
                "cleave: a decider names its streams: add `static constexpr std::string_view category`");
  static consteval bool members() {
    if constexpr (lists_commands<D> && lists_events<D>) {
      return sizeof(checked_decider_members<D, typename D::events, typename D::commands>) != 0;
    } else {
      return false;
    }
  }
  static constexpr bool value = members();
};

// Hands stored events to a decider's state, and remembers the first one that an old event became and the decider does not list.
template <class D> class evolver {
public:
  explicit evolver(D& state) noexcept : state_(state) {}
  template <class E> [[gnu::always_inline]] void operator()(E const& event, envelope const&) {
    state_.evolve(event);
  }
  template <class E> void leave_out() noexcept {
    if (left_out_.empty()) left_out_ = event_name_of<E>();
  }
  // Its stored name; empty when there is none.
  std::string_view left_out() const noexcept { return left_out_; }

private:
  D& state_;
  std::string_view left_out_;
};

} // namespace detail

// Calls decide's sentences at compile time; a readable requirement for one's own templates.
template <class D>
concept decider = lists_commands<D> && lists_events<D> && has_category<D> && std::default_initializable<D> &&
                  std::copyable<D>;

} // namespace cleave
