// SPDX-License-Identifier: BSL-1.0
// Runs a decider's commands.
//
// Where the store lets one decide inside its commit, a command is decided there: on the state that a cache keeps, brought up to
// date by what has been appended since, so that commands on one stream take turns without ever losing a race, and many share a
// commit. With other stores: load the stream, fold it, decide, append what was decided if nothing came between; and again, a
// bounded number of times, when something did. Commands of one process on one stream take turns (detail/key_turns.hpp), so that
// what came between is another process's.
//
// What is compiled for each command is how it is named and decided (detail/command_type.hpp), for each decider how its state takes
// events (detail/state_type.hpp); all the rest once for a store.
#pragma once

#include <cleave/command/aggregate_cache.hpp>
#include <cleave/command/decider.hpp>
#include <cleave/command/detail/decider_core.hpp>
#include <cleave/command/snapshots.hpp>
#include <cleave/command/write_side.hpp>
#include <cleave/event/event_store.hpp>

#include <utility>

namespace cleave {

// Folds the events behind `state.version` into `state.state`. errc::unknown_event for an event that the decider does not list, and
// for an old one that becomes such an event: a state that leaves one out would decide wrongly. After an error the state is
// half-way. `store` is an event store, or what gives the reads of one inside a commit.
template <decider D, can_read_stream Store>
result<void> catch_up(Store& store, stream_name stream, loaded<D>& state) {
  return detail::catch_up_stream(store, stream, detail::decider_state<D>, &state.state, state.version);
}

// The state of a stream, from `from` on.
template <decider D, can_read_stream Store>
result<loaded<D>> load(Store& store, stream_name stream, loaded<D> from = {}) {
  if (auto good = catch_up<D>(store, stream, from); !good) return unexpected(std::move(good).error());
  return from;
}

// The state of a stream, from its snapshot on where there is one that can be used: of this decider's present state and fold_version.
template <decider D, keeps_snapshots Store>
  requires takes_snapshots<D>
result<loaded<D>> load_by_snapshot(Store& store, stream_name stream) {
  static_assert(detail::checked_snapshots<D>::value);
  loaded<D> from;
  auto const kept = detail::use_snapshot(store, stream, detail::snapshot_type_of<D>, &from.state);
  if (!kept) return unexpected(kept.error());
  from.version = kept->upto;
  if (kept->whole) return from;
  return load<D>(store, stream, std::move(from));
}

// WriteSide: gives store(), options(), append(request), in_commit(work) where the store decides in its commits, and
// published(request, appended).
template <decider D, class WriteSide> class decider_runner {
  static_assert(detail::checked_decider<D>::value);
  using store_type = typename WriteSide::store_type;
  static_assert(detail::storable<store_type, typename D::events>);
  static constexpr bool checked_snapshots = [] {
    if constexpr (takes_snapshots<D> && keeps_snapshots<store_type>)
      return detail::checked_snapshots<D>::value;
    else return true;
  }();
  static_assert(checked_snapshots);

public:
  using commands = typename D::commands;

  explicit decider_runner(WriteSide& side) : core_(side, D::category, detail::decider_state<D>) {}

  // Inlined also where nothing else is: a function less for each command.
  template <class C>
  [[gnu::always_inline]] command_result execute(C const& command, command_context const& context) {
    return core_.execute(detail::decider_command_of<D, C>, &command, context);
  }

private:
  detail::decider_core<WriteSide> core_;
};

} // namespace cleave
