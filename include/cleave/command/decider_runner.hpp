// SPDX-License-Identifier: BSL-1.0
// Runs a decider's commands: load the stream, fold it, decide, append what was decided if nothing came between; and again, a
// bounded number of times, when something did.
#pragma once

#include <cleave/command/decider.hpp>
#include <cleave/command/write_side.hpp>
#include <cleave/event/event_store.hpp>

#include <concepts>
#include <utility>

namespace cleave {

// A decider's state as of a version of its stream.
template <class D> struct loaded {
  D state{};
  cleave::version version{};
};

// Folds the events behind `from.version` into `from.state`. errc::unknown_event for an event that the decider does not list, and
// for an old one that becomes such an event: a state that leaves one out would decide wrongly. `store` is an event store, or a transaction of one.
template <decider D, can_read_stream Store>
result<loaded<D>> load(Store& store, stream_name stream, loaded<D> from = {}) {
  std::optional<error> failed;
  auto const fold = [&](recorded_event const& recorded) {
    detail::evolver<D> into(from.state);
    auto known = visit_event<typename D::events>(recorded, into);
    if (known && *known && into.left_out().empty()) {
      from.version = recorded.at.version;
      return true;
    }
    failed = known ? detail::unlisted_event(recorded.at, into.left_out(), D::category)
                   : std::move(known).error();
    return false;
  };
  result<version> read;
  try {
    read = store.read_stream(stream, stream_range::after(from.version), fold);
  } catch (...) {
    return unexpected(detail::current_exception_error("evolve"));
  }
  if (failed) return unexpected(std::move(*failed));
  if (!read) return unexpected(std::move(read).error());
  return from;
}

// WriteSide: gives store(), options(), append(request) and published(decision, stream, appended).
template <decider D, class WriteSide> class decider_runner {
  static_assert(detail::checked_decider<D>::value);
  static_assert(detail::storable<typename WriteSide::store_type, typename D::events>);

public:
  using commands = typename D::commands;

  explicit decider_runner(WriteSide& side) noexcept : side_(side) {}

  template <class C> command_result execute(C const& command, command_context const& context) {
    try {
      return run(command, context);
    } catch (...) {
      // decide, evolve and handle are caught where they are called; what is left are the members that name and describe.
      return unexpected(command_failure(detail::current_exception_error("id, fingerprint or tags")));
    }
  }

private:
  template <class C> command_result run(C const& command, command_context const& context) {
    auto record = detail::command_record_of(command, context);
    if (!record) return unexpected(command_failure(std::move(record).error()));
    if (auto before = detail::recall(side_.store(), *record)) return std::move(*before);

    stream_buffer const stream(D::category, D::id(command));
    // The name is checked here once, so that a bad id fails even where decide rejects.
    if (auto good = detail::check_stream_of<C>(D::category, stream.name()); !good)
      return unexpected(command_failure(std::move(good).error()));
    for (unsigned attempt = 1;; ++attempt) {
      auto const outcome = try_once(command, context, *record, stream.name());
      bool const lost_race = !outcome && !outcome.error().is_rejection() &&
                             outcome.error().error().code() == errc::version_conflict;
      if (!lost_race || attempt >= side_.options().attempts) return outcome;
    }
  }

  template <class C>
  command_result try_once(C const& command, command_context const& context, command_record const& record,
                          stream_name stream) {
    auto state = load<D>(side_.store(), stream);
    if (!state) return unexpected(command_failure(std::move(state).error()));
    auto decided = decide(state->state, command);
    if (!decided) return unexpected(command_failure(std::move(decided).error()));
    if (auto const* refused = decided->refused()) return detail::refuse(side_.store(), *refused, record);

    detail::outgoing_events const events(*decided, side_.options(), context);
    stream_append const part{stream, expectation::exactly(state->version), events.view()};
    append_request const request{.streams = {&part, 1}, .command = record.id.nil() ? nullptr : &record};
    auto done = side_.append(request);
    if (done && !done->repeated) side_.published(*decided, request, *done);
    return detail::answer(side_.store(), std::move(done), record);
  }

  // A function of the application: what it throws stays here.
  template <class C>
  static auto decide(D const& state, C const& command)
      -> result<std::remove_cvref_t<decltype(state.decide(command))>> {
    try {
      return state.decide(command);
    } catch (...) {
      return unexpected(detail::current_exception_error("decide"));
    }
  }

  WriteSide& side_;
};

} // namespace cleave
