// SPDX-License-Identifier: BSL-1.0
// Runs a boundary's commands.
//
// By a query, where the store lets one decide inside its commit, a command is decided there: on the state that a cache keeps of the
// same query, brought up to date by what has been appended since; so nothing is read twice, and no race is lost. Else: read all
// that the command depends on, fold it, decide, append what was decided if nothing of it has changed; and again,
// write_options::attempts times at the most, when something has.
#pragma once

#include <cleave/command/aggregate_cache.hpp>
#include <cleave/command/boundary_scope.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
  using store_type = typename WriteSide::store_type;
  static_assert(detail::storable<store_type, typename B::events>);

public:
  using commands = typename B::commands;

  explicit boundary_runner(WriteSide& side)
      : side_(side),
        cache_(decides_in_commit<store_type> ? side.options().cached_boundaries : 0),
        asked_(decides_in_commit<store_type> ? side.options().cached_boundaries : 0) {}

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
  // Others wait for what is read inside a commit: a state that more events make is read before.
  static constexpr std::uint64_t events_inside = 256;

  template <class C> command_result run(C const& command, command_context const& context) {
    auto record = detail::command_record_of(command, context);
    if (!record) return unexpected(command_failure(std::move(record).error()));
    if (auto before = detail::recall(side_.store(), *record)) return std::move(*before);

    detail::boundary_scope<B, C> scope(command);
    // The names are checked here once, so that a bad one fails even where decide rejects.
    if (auto good = scope.template check<C>(); !good)
      return unexpected(command_failure(std::move(good).error()));
    if constexpr (bounded_by_query<B, C> && decides_in_commit<store_type>)
      return in_commit(scope, command, context, *record);
    else return in_turns(scope, command, context, *record);
  }

  template <class C>
  command_result in_commit(detail::query_scope<B>& scope, C const& command, command_context const& context,
                           command_record const& record) {
    std::string const name = scope.key();
    std::uint64_t const key = cache_.key_of(name);
    folded<B> read;
    std::optional<std::uint64_t> read_inside; // the number of rollbacks then
    std::uint64_t most = store_type::keeps_objects ? UINT64_MAX : events_inside;
    bool whole = false;
    std::optional<detail::decision_of<B, C>> decided;
    std::optional<detail::outgoing_events> events;
    command_record answer = record;
    append_request request;
    appended done;
    auto const work = [&](typename WriteSide::commit& in) -> result<void> {
      // The store may have called before: nothing of that may be left.
      decided.reset();
      done = {};
      if (read_inside && *read_inside != in.rollbacks()) read = {};
      folded<B>* const cached = cache_.find(name, key, in.rollbacks());
      folded<B>& state = cached != nullptr ? *cached : read;
      read_inside = in.rollbacks();
      auto caught_up = catch_up(scope, in, state, cached != nullptr ? UINT64_MAX : most);
      if (!caught_up) {
        cache_.drop(name, key);
        read = {};
        return unexpected(std::move(caught_up).error());
      }
      whole = *caught_up;
      if (!whole) return {};
      auto decided_now = detail::decide_safely(state.state, command);
      if (!decided_now) return unexpected(std::move(decided_now).error());
      decided.emplace(std::move(*decided_now));
      answer.refused = decided->refused();
      request = {};
      if (answer.refused == nullptr) {
        events.emplace(*decided, side_.options(), context);
        request = scope.request_inside(events->view());
      }
      request.command = record.id.nil() ? nullptr : &answer;
      if (answer.refused == nullptr || request.command != nullptr) {
        auto appended_now = in.append(request);
        if (!appended_now) return unexpected(std::move(appended_now).error());
        done = *appended_now;
      }
      if (cached == nullptr && asked_before(key))
        cache_.put(name, key, in.rollbacks(), std::exchange(read, {}));
      return {};
    };
    for (;;) {
      if (auto good = side_.in_commit(work); !good)
        return unexpected(command_failure(std::move(good).error()));
      if (whole) break;
      // What is committed stays, whatever is rolled back.
      read = {};
      read_inside.reset();
      if (auto good = catch_up(scope, side_.store(), read, UINT64_MAX); !good)
        return unexpected(command_failure(std::move(good).error()));
      most = UINT64_MAX;
    }
    if (done.repeated) return detail::answer(side_.store(), done, record);
    if (auto const* refused = decided->refused()) return unexpected(command_failure(*refused));
    side_.published(*decided, request, done);
    return committed{done.position, done.version, false};
  }

  // Whether the query is worth a place in the cache: most are asked once (has this student this course?), and their states would
  // only drive out those that are asked again. Inside the commit.
  bool asked_before(std::uint64_t key) noexcept {
    if (asked_.empty()) return false;
    return std::exchange(asked_[(key >> 1) % asked_.size()], key) == key;
  }

  template <class Reader>
  static result<bool> catch_up(detail::query_scope<B>& scope, Reader& from, folded<B>& state,
                               std::uint64_t most) {
    try {
      return scope.catch_up(from, state, most);
    } catch (...) {
      return unexpected(detail::current_exception_error("evolve"));
    }
  }

  template <class Scope, class C>
  command_result in_turns(Scope& scope, C const& command, command_context const& context,
                          command_record const& record) {
    for (unsigned attempt = 1;; ++attempt) {
      auto outcome = try_once(scope, command, context, record);
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
  aggregate_cache<folded<B>> cache_;
  std::vector<std::uint64_t> asked_; // keys of queries, each in the place of one that was asked before it
};

} // namespace cleave
