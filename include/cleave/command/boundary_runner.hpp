// SPDX-License-Identifier: BSL-1.0
// Runs a boundary's commands.
//
// By a query, where the store lets one decide inside its commit, a command is decided there: on the state that a cache keeps of the
// same query, brought up to date by what has been appended since; so nothing is read twice, and no race is lost. Else: read all
// that the command depends on, fold it, decide, append what was decided if nothing of it has changed; and again,
// write_options::attempts times at the most, when something has. Commands of one process with the same query, or with a stream
// in common, take turns.
//
// What is compiled for each command and for each boundary is little, as for deciders; all the rest once for a store.
#pragma once

#include <cleave/command/boundary.hpp>
#include <cleave/command/detail/boundary_core.hpp>

#include <boost/mp11/algorithm.hpp>

#include <type_traits>
#include <utility>

namespace cleave {

// The state that `command` would be decided on now. errc::unknown_event for an event that the boundary does not list, and for an old
// one that becomes such an event.
template <class B, event_store Store, class C> result<B> load_boundary(Store& store, C const& command) {
  static_assert(detail::checked_boundary<B>::value);
  using scope = std::conditional_t<bounded_by_query<B, C>, detail::query_scope, detail::streams_scope>;
  try {
    B state{};
    auto good = scope(detail::boundary_command_of<B, C>, &command)
                    .load(store, detail::boundary_state<B>, &state);
    if (!good) return unexpected(std::move(good).error());
    return state;
  } catch (...) {
    return unexpected(detail::current_exception_error("boundary, streams, id or evolve"));
  }
}

// WriteSide: as for decider_runner.
template <class B, class WriteSide> class boundary_runner {
  static_assert(detail::checked_boundary<B>::value);
  static_assert(detail::storable<typename WriteSide::store_type, typename B::events>);

  static constexpr std::string_view category = [] {
    if constexpr (has_category<B>) return std::string_view(B::category);
    else return std::string_view();
  }();
  template <class C> using names_streams = std::bool_constant<!bounded_by_query<B, C>>;

public:
  using commands = typename B::commands;

  explicit boundary_runner(WriteSide& side)
      : core_(side, category, detail::boundary_state<B>,
              boost::mp11::mp_any_of<commands, names_streams>::value) {}

  // Inlined also where nothing else is: a function less for each command.
  template <class C>
  [[gnu::always_inline]] command_result execute(C const& command, command_context const& context) {
    return core_.execute(detail::boundary_command_of<B, C>, &command, context);
  }

private:
  detail::boundary_core<WriteSide> core_;
};

} // namespace cleave
