// SPDX-License-Identifier: BSL-1.0
// Runs a boundary's commands: read all that the command depends on, fold it, decide, append what was decided if nothing of it has
// changed; and again, write_options::attempts times at the most, when something has.
#pragma once

#include <cleave/command/boundary_scope.hpp>

#include <utility>

namespace cleave {

// The state that `command` would be decided on now. errc::unknown_event for an event that the boundary does not list, and for an old
// one that becomes such an event.
template <class B, event_store Store, class C> result<B> load_boundary(Store& store, C const& command) {
  static_assert(detail::checked_boundary<B>::value);
  try {
    return detail::boundary_scope<B, C>(command).load(store);
  } catch (...) {
    return unexpected(detail::current_exception_error("boundary, streams, id or evolve"));
  }
}

// WriteSide: as for decider_runner.
template <class B, class WriteSide> class boundary_runner {
  static_assert(detail::checked_boundary<B>::value);
  static_assert(detail::storable<typename WriteSide::store_type, typename B::events>);

public:
  using commands = typename B::commands;

  explicit boundary_runner(WriteSide& side) noexcept : side_(side) {}

  template <class C> command_result execute(C const& command, command_context const& context) {
    try {
      return run(command, context);
    } catch (...) {
      // evolve and decide are caught where they are called; what is left are the members that name and describe.
      return unexpected(command_failure(
          detail::current_exception_error("boundary, streams, stream, id, fingerprint or tags")));
    }
  }

private:
  template <class C> command_result run(C const& command, command_context const& context) {
    auto record = detail::command_record_of(command, context);
    if (!record) return unexpected(command_failure(std::move(record).error()));
    if (auto before = detail::recall(side_.store(), *record)) return std::move(*before);

    detail::boundary_scope<B, C> scope(command);
    // The names are checked here once, so that a bad one fails even where decide rejects.
    if (auto good = scope.template check<C>(); !good)
      return unexpected(command_failure(std::move(good).error()));
    for (unsigned attempt = 1;; ++attempt) {
      auto outcome = try_once(scope, command, context, *record);
      if (!detail::lost_race(outcome) || attempt >= side_.options().attempts) return outcome;
    }
  }

  template <class Scope, class C>
  command_result try_once(Scope& scope, C const& command, command_context const& context,
                          command_record const& record) {
    auto state = load(scope);
    if (!state) return unexpected(command_failure(std::move(state).error()));
    auto decided = detail::decide_safely(*state, command);
    if (!decided) return unexpected(command_failure(std::move(decided).error()));
    if (auto const* refused = decided->refused()) return scope.refuse(side_.store(), *refused, record);

    detail::outgoing_events const events(*decided, side_.options(), context);
    auto request = scope.request(command, *decided, events.view());
    if (!request) return unexpected(command_failure(std::move(request).error()));
    if (!record.id.nil()) request->command = &record;
    auto done = side_.append(*request);
    if (done && !done->repeated) side_.published(*decided, *request, *done);
    return detail::answer(side_.store(), std::move(done), record);
  }

  template <class Scope> result<B> load(Scope& scope) {
    try {
      return scope.load(side_.store());
    } catch (...) {
      return unexpected(detail::current_exception_error("evolve"));
    }
  }
  WriteSide& side_;
};

} // namespace cleave
