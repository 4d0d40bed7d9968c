// SPDX-License-Identifier: BSL-1.0
// Runs a decider's commands.
//
// Where the store lets one decide inside its commit, a command is decided there: on the state that a cache keeps, brought up to
// date by what has been appended since, so that commands on one stream take turns without ever losing a race, and many share a
// commit. With other stores: load the stream, fold it, decide, append what was decided if nothing came between; and again, a
// bounded number of times, when something did.
#pragma once

#include <cleave/command/aggregate_cache.hpp>
#include <cleave/command/decider.hpp>
#include <cleave/command/snapshots.hpp>
#include <cleave/command/write_side.hpp>
#include <cleave/event/event_store.hpp>

#include <concepts>
#include <utility>

namespace cleave {

// Folds the events behind `state.version` into `state.state`. errc::unknown_event for an event that the decider does not list, and
// for an old one that becomes such an event: a state that leaves one out would decide wrongly. After an error the state is
// half-way. `store` is an event store, or what gives the reads of one inside a commit.
template <decider D, can_read_stream Store>
result<void> catch_up(Store& store, stream_name stream, loaded<D>& state) {
  std::optional<error> failed;
  auto const fold = [&](recorded_event const& recorded) {
    detail::evolver<D> into(state.state);
    auto known = visit_event<typename D::events>(recorded, into);
    if (known && *known && into.left_out().empty()) {
      state.version = recorded.at.version;
      return true;
    }
    failed = known ? detail::unlisted_event(recorded.at, into.left_out(), D::category)
                   : std::move(known).error();
    return false;
  };
  result<version> read;
  try {
    read = store.read_stream(stream, stream_range::after(state.version), fold);
  } catch (...) {
    return unexpected(detail::current_exception_error("evolve"));
  }
  if (failed) return unexpected(std::move(*failed));
  if (!read) return unexpected(std::move(read).error());
  return {};
}

// The state of a stream, from `from` on.
template <decider D, can_read_stream Store>
result<loaded<D>> load(Store& store, stream_name stream, loaded<D> from = {}) {
  if (auto good = catch_up<D>(store, stream, from); !good) return unexpected(std::move(good).error());
  return from;
}

namespace detail {

// What the store keeps of the stream, where it is of this decider's present state and fold_version; else the beginning.
template <class D, class Store> result<loaded<D>> usable_snapshot(Store& store, stream_name stream) {
  auto kept = store.find_snapshot(stream, snapshot_fingerprint<D>());
  if (!kept) return unexpected(std::move(kept).error());
  if (*kept) {
    // One that does not decode is of no use; the events are there.
    if (auto state = codec<D>::decode((*kept)->data)) return loaded<D>{std::move(*state), (*kept)->version};
  }
  return loaded<D>();
}

} // namespace detail

// The state of a stream, from its snapshot on where there is one that can be used.
template <decider D, keeps_snapshots Store>
  requires takes_snapshots<D>
result<loaded<D>> load_by_snapshot(Store& store, stream_name stream) {
  auto from = detail::usable_snapshot<D>(store, stream);
  if (!from) return from;
  return load<D>(store, stream, std::move(*from));
}

// WriteSide: gives store(), options(), append(request), in_commit(work) where the store decides in its commits, and
// published(decision, request, appended).
template <decider D, class WriteSide> class decider_runner {
  static_assert(detail::checked_decider<D>::value);
  using store_type = typename WriteSide::store_type;
  static_assert(detail::storable<store_type, typename D::events>);

public:
  using commands = typename D::commands;

  explicit decider_runner(WriteSide& side)
      : side_(side), cache_(decides_in_commit<store_type> ? side.options().cached_streams : 0) {}

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
    if constexpr (decides_in_commit<store_type>) return in_commit(command, context, *record, stream.name());
    else return in_turns(command, context, *record, stream.name());
  }

  template <class C> using decision_on =
      std::remove_cvref_t<decltype(std::declval<D const&>().decide(std::declval<C const&>()))>;

  template <class C>
  command_result in_commit(C const& command, command_context const& context, command_record const& record,
                           stream_name stream) {
    std::uint64_t const key = cache_.key_of(stream.text());
    loaded<D> before;
    bool snapshot_due = false;
    // What has to be read from a file is read before the commit, since others wait for that.
    if constexpr (!store_type::keeps_objects) {
      if (!cache_.may_hold(key)) {
        auto read = load_before(stream, snapshot_due);
        if (!read) return unexpected(command_failure(std::move(read).error()));
        before = std::move(*read);
      }
    }
    std::optional<decision_on<C>> decided;
    std::optional<detail::outgoing_events> events;
    stream_append part{stream, expectation::any(), {}};
    command_record answer = record;
    append_request request;
    appended done;
    auto const work = [&](typename WriteSide::commit& in) -> result<void> {
      // The store may have called before: nothing of that may be left.
      decided.reset();
      done = {};
      std::optional<loaded<D>> fresh;
      loaded<D>* const cached = cache_.find(stream.text(), key, in.rollbacks());
      loaded<D>& state = cached != nullptr ? *cached : fresh.emplace(before);
      if (auto good = catch_up<D>(in, stream, state); !good) return dropped(stream, key, std::move(good));
      auto decided_now = detail::decide_safely(state.state, command);
      if (!decided_now) return unexpected(std::move(decided_now).error());
      decided.emplace(std::move(*decided_now));
      answer.refused = decided->refused();
      request = append_request{.command = record.id.nil() ? nullptr : &answer};
      if (answer.refused == nullptr) {
        events.emplace(*decided, side_.options(), context);
        part = stream_append{stream, expectation::exactly(state.version), events->view()};
        request.streams = {&part, 1};
      }
      if (answer.refused == nullptr || request.command != nullptr) {
        auto appended_now = in.append(request);
        if (!appended_now) return unexpected(std::move(appended_now).error());
        done = *appended_now;
      }
      if (!keep(in, stream, key, state, cached != nullptr, *decided, done, snapshot_due))
        cache_.drop(stream.text(), key); // the next command reads the stream, and says what is wrong with it
      return {};
    };
    if (auto good = side_.in_commit(work); !good) return unexpected(command_failure(std::move(good).error()));
    if (done.repeated) return detail::answer(side_.store(), done, record);
    if (auto const* refused = decided->refused()) return unexpected(command_failure(*refused));
    side_.published(*decided, request, done);
    return committed{done.position, done.version, false};
  }

  result<void> dropped(stream_name stream, std::uint64_t key, result<void>&& why) noexcept {
    cache_.drop(stream.text(), key);
    return std::move(why);
  }

  // Behind the append, inside the commit: what was decided becomes part of the state, for the next command and for the snapshot. False:
  // the state is not to be had without reading the stream. Nothing may come out of here, because the events are appended.
  template <class Decision>
  bool keep(typename WriteSide::commit& in, stream_name stream, std::uint64_t key, loaded<D>& state,
            bool cached, Decision const& decided, appended const& done, bool snapshot_due) noexcept {
    if (done.repeated) return false;
    try {
      version const from = state.version;
      bool whole = true;
      if (decided.size() != 0) {
        decided.for_each([&]<class E>(E const& event) {
          if constexpr (upcastable<E>) whole = false; // it is other events when it is read
          else state.state.evolve(event);
        });
        state.version = done.version;
      }
      if (!whole) return false;
      keep_snapshot(in, stream, from, state, snapshot_due);
      if (!cached) cache_.put(stream.text(), key, in.rollbacks(), std::move(state));
      return true;
    } catch (...) {
      return false;
    }
  }

  static constexpr bool uses_snapshots = [] {
    if constexpr (takes_snapshots<D> && keeps_snapshots<store_type>)
      return detail::checked_snapshots<D>::value;
    else return false;
  }();

  result<loaded<D>> load_before(stream_name stream, bool& snapshot_due) {
    if constexpr (uses_snapshots) {
      constexpr snapshot_policy policy = D::snapshots;
      auto const begin = side_.options().clock.now();
      auto state = detail::usable_snapshot<D>(side_.store(), stream);
      if (!state) return state;
      version const from = state->version;
      if (auto good = catch_up<D>(side_.store(), stream, *state); !good)
        return unexpected(std::move(good).error());
      auto const us = side_.options().clock.now().microseconds() - begin.microseconds();
      snapshot_due = (policy.every != 0 && state->version.value() - from.value() >= policy.every) ||
                     (policy.load_us != 0 && us > policy.load_us);
      if (side_.options().verify_snapshots && from != version()) {
        if (auto good = verify(stream, *state); !good) return unexpected(std::move(good).error());
      }
      return state;
    } else {
      return load<D>(side_.store(), stream);
    }
  }

  // Whether the events make the same state. One that has grown in between is compared the next time.
  result<void> verify(stream_name stream, loaded<D> const& from_snapshot) {
    auto const whole = load<D>(side_.store(), stream);
    if (!whole) return unexpected(whole.error());
    std::string ours;
    std::string theirs;
    if (whole->version != from_snapshot.version || !codec<D>::encode(from_snapshot.state, ours) ||
        !codec<D>::encode(whole->state, theirs) || ours == theirs) {
      return {};
    }
    return unexpected(make_error(
        errc::corrupt,
        "the snapshot of {} has become {} at version {}, its events make {}: raise the decider's fold_version",
        stream.text(), ours, whole->version.value(), theirs));
  }

  // Inside the commit, behind the append of what took the stream from `from` to `state`.
  static void keep_snapshot(typename WriteSide::commit& in, stream_name stream, version from,
                            loaded<D> const& state, bool due) {
    if constexpr (uses_snapshots) {
      if (state.version == from || !(due || detail::crosses(D::snapshots, from, state.version))) return;
      std::string data;
      // A state without a stored form (a text that is not UTF-8) gets no snapshot; its events are enough.
      if (codec<D>::encode(state.state, data))
        in.keep_snapshot(stream, state.version, detail::snapshot_fingerprint<D>(), data);
    }
  }

  template <class C>
  command_result in_turns(C const& command, command_context const& context, command_record const& record,
                          stream_name stream) {
    for (unsigned attempt = 1;; ++attempt) {
      auto const outcome = try_once(command, context, record, stream);
      if (!detail::lost_race(outcome) || attempt >= side_.options().attempts) return outcome;
    }
  }

  template <class C>
  command_result try_once(C const& command, command_context const& context, command_record const& record,
                          stream_name stream) {
    auto state = load<D>(side_.store(), stream);
    if (!state) return unexpected(command_failure(std::move(state).error()));
    auto decided = detail::decide_safely(state->state, command);
    if (!decided) return unexpected(command_failure(std::move(decided).error()));
    if (auto const* refused = decided->refused()) return detail::refuse(side_.store(), *refused, record);

    detail::outgoing_events const events(*decided, side_.options(), context);
    stream_append const part{stream, expectation::exactly(state->version), events.view()};
    append_request const request{.streams = {&part, 1}, .command = record.id.nil() ? nullptr : &record};
    auto done = side_.append(request);
    if (done && !done->repeated) side_.published(*decided, request, *done);
    return detail::answer(side_.store(), std::move(done), record);
  }

  WriteSide& side_;
  aggregate_cache<loaded<D>> cache_;
};

} // namespace cleave
