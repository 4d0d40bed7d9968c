// SPDX-License-Identifier: BSL-1.0
// What boundary_runner does for every boundary: compiled once for each write side.
#pragma once

#include <cleave/command/aggregate_cache.hpp>
#include <cleave/command/detail/boundary_scope.hpp>
#include <cleave/command/detail/key_turns.hpp>
#include <cleave/command/detail/pending_command.hpp>
#include <cleave/command/detail/state_type.hpp>
#include <cleave/command/write_side.hpp>
#include <cleave/event/event_store.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cleave::detail {

template <class WriteSide> class boundary_core {
  using store_type = typename WriteSide::store_type;
  using cache_type = aggregate_cache<any_state>;
  using pending_type = pending_command<WriteSide>;

public:
  // `category`: of the streams that decided events enter; empty for a boundary by streams. `names_streams`: some of the commands are by
  // streams. `type` must outlive it.
  boundary_core(WriteSide& side, std::string_view category, state_type const& type, bool names_streams)
      : side_(side),
        category_(category),
        type_(type),
        cache_(decides_in_commit<store_type> ? side.options().cached_boundaries : 0),
        asked_(decides_in_commit<store_type> ? side.options().cached_boundaries : 0),
        turns_(!decides_in_commit<store_type> || names_streams) {}

  command_result execute(boundary_command const& type, void const* command, command_context const& context) {
    try {
      return run(type, command, context);
    } catch (...) {
      // evolve and decide are caught where they are called; what is left are the members that name and describe.
      return unexpected(
          command_failure(current_exception_error("boundary, streams, stream, id, fingerprint or tags")));
    }
  }

private:
  // Others wait for what is read inside a commit: a state that more events make is read before.
  static constexpr std::uint64_t events_inside = 256;

  command_result run(boundary_command const& type, void const* command, command_context const& context) {
    auto record = command_record_of(*type.type, command, context);
    if (!record) return unexpected(command_failure(std::move(record).error()));
    if (auto before = recall(side_.store(), *record)) return std::move(*before);

    pending_type pending(side_, *record, context);
    if (type.query == nullptr) {
      streams_scope scope(type, command);
      return checked(scope, type, [&] { return in_turns(scope, type, command, pending, *record); });
    }
    query_scope scope(type, command);
    return checked(scope, type, [&] {
      if constexpr (decides_in_commit<store_type>) return in_commit(scope, type.decide, command, pending);
      else return in_turns(scope, type, command, pending, *record);
    });
  }
  // The names are checked here once, so that a bad one fails even where decide rejects.
  template <class Scope, class Go>
  command_result checked(Scope const& scope, boundary_command const& type, Go const& go) {
    if (auto good = scope.check(*type.type, category_); !good)
      return unexpected(command_failure(std::move(good).error()));
    return go();
  }

  command_result in_commit(query_scope& scope, decide_type const& decide, void const* command,
                           pending_type& pending) {
    std::string const name = scope.key();
    std::uint64_t const key = cache_type::key_of(name);
    any_state own;
    std::optional<std::uint64_t> read_inside; // the number of rollbacks then
    std::uint64_t most = store_type::keeps_objects ? UINT64_MAX : events_inside;
    bool whole = false;
    auto const work = [&](typename WriteSide::commit& in) -> result<void> {
      any_state* const cached = cache_.find(name, key, in.rollbacks());
      if (cached == nullptr && (!own || (read_inside && *read_inside != in.rollbacks())))
        own = any_state(type_);
      any_state& state = cached != nullptr ? *cached : own;
      read_inside = in.rollbacks();
      auto caught_up = catch_up(scope, in, state, cached != nullptr ? UINT64_MAX : most);
      if (!caught_up) {
        cache_.drop(name, key);
        own = any_state();
        return unexpected(std::move(caught_up).error());
      }
      whole = *caught_up;
      if (!whole) return {};
      auto good = pending.decide(decide, state.get(), command);
      if (good) good = pending.append_in(in, scope.streams_inside(pending.events(in)));
      if (good && cached == nullptr && asked_before(key))
        cache_.put(name, key, in.rollbacks(), std::move(own));
      return good;
    };
    for (;;) {
      if (auto good = side_.in_commit(work); !good)
        return unexpected(command_failure(std::move(good).error()));
      if (whole) break;
      // What is committed stays, whatever is rolled back.
      own = any_state(type_);
      read_inside.reset();
      if (auto good = catch_up(scope, side_.store(), own, UINT64_MAX); !good)
        return unexpected(command_failure(std::move(good).error()));
      most = UINT64_MAX;
    }
    return pending.finish();
  }

  // Whether the query is worth a place in the cache: most are asked once (has this student this course?), and their states would
  // only drive out those that are asked again. Inside the commit.
  bool asked_before(std::uint64_t key) noexcept {
    if (asked_.empty()) return false;
    return std::exchange(asked_[(key >> 1) % asked_.size()], key) == key;
  }

  template <class Reader>
  result<bool> catch_up(query_scope& scope, Reader& from, any_state& state, std::uint64_t most) {
    try {
      return scope.catch_up(from, type_, state.get(), state.upto, most);
    } catch (...) {
      return unexpected(current_exception_error("evolve"));
    }
  }

  template <class Scope>
  command_result in_turns(Scope& scope, boundary_command const& type, void const* command,
                          pending_type& pending, command_record const& record) {
    for (unsigned attempt = 1;; ++attempt) {
      auto outcome = try_once(scope, type, command, pending, record);
      if (!lost_race(outcome) || attempt >= side_.options().attempts) return outcome;
    }
  }

  template <class Scope>
  command_result try_once(Scope& scope, boundary_command const& type, void const* command,
                          pending_type& pending, command_record const& record) {
    key_turns::turn turn(turns_, scope.places());
    any_state state(type_);
    auto good = load(scope, state.get());
    if (good) good = pending.decide(type.decide, state.get(), command);
    if (!good) return unexpected(command_failure(std::move(good).error()));
    if (auto const* refused = pending.refused()) return scope.refuse(side_.store(), *refused, record);
    auto request = scope.request(type, command, pending.decision(), pending.events(side_.store()));
    if (!request) return unexpected(command_failure(std::move(request).error()));
    return pending.append(*request, turn);
  }

  template <class Scope> result<void> load(Scope& scope, void* state) {
    try {
      return scope.load(side_.store(), type_, state);
    } catch (...) {
      return unexpected(current_exception_error("evolve"));
    }
  }

  WriteSide& side_;
  std::string_view category_;
  state_type const& type_;
  cache_type cache_;
  std::vector<std::uint64_t> asked_; // keys of queries, each in the place of one that was asked before it
  key_turns turns_;
};

} // namespace cleave::detail
