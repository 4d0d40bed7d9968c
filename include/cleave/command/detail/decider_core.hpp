// SPDX-License-Identifier: BSL-1.0
// What decider_runner does for every decider: compiled once for each write side.
#pragma once

#include <cleave/command/aggregate_cache.hpp>
#include <cleave/command/detail/key_turns.hpp>
#include <cleave/command/detail/pending_command.hpp>
#include <cleave/command/detail/state_type.hpp>
#include <cleave/command/snapshots.hpp>
#include <cleave/command/write_side.hpp>
#include <cleave/event/event_store.hpp>

#include <string_view>
#include <utility>

namespace cleave::detail {

// What a decider keeps of a stream: its state, and where the store has it, if it says so.
template <class Commit> struct kept_stream {
  using place_type = std::nullptr_t;
  any_state state;
};
template <shows_streams Commit> struct kept_stream<Commit> {
  using place_type = typename Commit::stream_place;
  any_state state;
  place_type place = nullptr;
};

template <class WriteSide> class decider_core {
  using store_type = typename WriteSide::store_type;
  using commit_type = typename WriteSide::commit;
  using kept_type = kept_stream<commit_type>;
  using cache_type = aggregate_cache<kept_type>;

public:
  // `type` must outlive it.
  decider_core(WriteSide& side, std::string_view category, state_type const& type)
      : side_(side),
        category_(category),
        type_(type),
        cache_(decides_in_commit<store_type> ? side.options().cached_streams : 0) {}

  command_result execute(decider_command const& type, void const* command, command_context const& context) {
    try {
      return run(type, command, context);
    } catch (...) {
      // decide and evolve are caught where they are called; what is left are the members that name and describe.
      return unexpected(command_failure(current_exception_error("id, fingerprint or tags")));
    }
  }

private:
  command_result run(decider_command const& type, void const* command, command_context const& context) {
    if (context.id.nil()) return run_as(no_command_record, type, command, context);
    auto const record = make_command_record(*type.type, command, context);
    if (!record) return unexpected(command_failure(record.error()));
    if (auto before = recall(side_.store(), *record)) return std::move(*before);
    return run_as(*record, type, command, context);
  }

  command_result run_as(command_record const& record, decider_command const& type, void const* command,
                        command_context const& context) {
    stream_buffer const stream = type.stream(command);
    pending_command<WriteSide> pending(side_, record, context);
    if constexpr (decides_in_commit<store_type>) return in_commit(type, command, pending, stream);
    else return in_turns(type, command, pending, stream.name(), record);
  }

  command_result in_commit(decider_command const& type, void const* command,
                           pending_command<WriteSide>& pending, stream_buffer const& stream) {
    std::uint64_t const key = cache_type::key_of(stream.key());
    kept_type own; // where the cache holds none
    bool snapshot_due = false;
    // What has to be read from a file is read before the commit, since others wait for that.
    if constexpr (!store_type::keeps_objects) {
      if (!cache_.may_hold(key)) {
        auto good = check_stream_of(*type.type, category_, stream.name());
        if (good) good = load(stream.name(), own.state, snapshot_due);
        if (!good) return unexpected(command_failure(std::move(good).error()));
      }
    }
    bool called = false;
    stream_append part{{}, expectation::any(), {}};
    auto const work = [&](commit_type& in) -> result<void> {
      kept_type* const cached = cache_.find(stream.key(), key, in.rollbacks());
      if (cached == nullptr) {
        if (auto good = check_stream_of(*type.type, category_, stream.name()); !good) return good;
        // What an undone call has made of it is void.
        if (!own.state || called) own = kept_type{any_state(type_)};
      }
      called = true;
      kept_type& kept = cached != nullptr ? *cached : own;
      if (auto good = catch_up_in(in, stream, kept, part.stream); !good) {
        cache_.drop(stream.key(), key);
        return good;
      }
      if (auto good = pending.decide(type.decide, kept.state.get(), command); !good) return good;
      part.expected = expectation::exactly(version(kept.state.upto));
      part.events = pending.events(in);
      if (auto good = pending.append_in(in, {&part, 1}); !good) return good;
      // Where it cannot be kept, the next command reads the stream, and says what is wrong with it.
      if (!keep(in, stream, key, cached != nullptr, kept, part, pending, snapshot_due))
        cache_.drop(stream.key(), key);
      return {};
    };
    if (auto good = side_.in_commit(work); !good) [[unlikely]]
      return unexpected(command_failure(std::move(good).error()));
    return pending.finish();
  }

  // Inside the commit: what came since, and the name of the stream.
  result<void> catch_up_in(commit_type& in, stream_buffer const& stream, kept_type& kept, stream_name& name) {
    if constexpr (shows_streams<commit_type>) {
      if (kept.place == nullptr) kept.place = in.find_stream(stream.name());
      name = kept.place != nullptr ? in.name_of(kept.place) : stream.name();
      version const last = kept.place != nullptr ? in.version_of(kept.place) : version();
      if (last == version(kept.state.upto)) return {};
    } else {
      name = stream.name();
    }
    return catch_up(in, name, kept.state);
  }

  template <class Reader> result<void> catch_up(Reader& from, stream_name stream, any_state& state) {
    version upto(state.upto);
    auto good = catch_up_stream(from, stream, type_, state.get(), upto);
    state.upto = upto.value();
    return good;
  }

  // Behind the append, inside the commit: what was decided becomes part of the state, for the next command and for the snapshot. False:
  // the state is not to be had without reading the stream. Nothing may come out of here, because the events are appended.
  bool keep(commit_type& in, stream_buffer const& stream, std::uint64_t key, bool cached, kept_type& kept,
            stream_append const& part, pending_command<WriteSide> const& pending,
            bool snapshot_due) noexcept {
    if (pending.repeated()) return false;
    try {
      any_state& state = kept.state;
      version const from(state.upto);
      for (new_event const& event : part.events) {
        if (!type_.evolve_own(state.get(), *event.type, event.object)) return false;
      }
      if (!part.events.empty()) state.upto = pending.done().version.value();
      keep_snapshot(in, part.stream, from, state, snapshot_due);
      if (!cached) cache_.put(stream.key(), key, in.rollbacks(), std::move(kept));
      return true;
    } catch (...) {
      return false;
    }
  }

  // From the snapshot on, if there is one.
  result<void> load(stream_name stream, any_state& state, bool& snapshot_due) {
    state = any_state(type_);
    if constexpr (keeps_snapshots<store_type>) {
      if (type_.snapshots != nullptr) return load_by_snapshot(stream, state, snapshot_due);
    }
    return catch_up(side_.store(), stream, state);
  }
  result<void> load_by_snapshot(stream_name stream, any_state& state, bool& snapshot_due)
    requires keeps_snapshots<store_type>
  {
    snapshot_policy const policy = type_.snapshots->policy;
    auto const begin = side_.options().clock.now();
    auto const from = use_snapshot(side_.store(), stream, *type_.snapshots, state.get());
    if (!from) return unexpected(from.error());
    state.upto = from->upto.value();
    if (!from->whole) {
      if (auto good = catch_up(side_.store(), stream, state); !good) return good;
    }
    auto const us = side_.options().clock.now().microseconds() - begin.microseconds();
    snapshot_due = (policy.every != 0 && state.upto - from->upto.value() >= policy.every) ||
                   (policy.load_us != 0 && us > policy.load_us);
    if (side_.options().verify_snapshots && from->upto != version()) return verify(stream, state);
    return {};
  }

  // Whether the events make the same state. One that has grown in between is compared the next time.
  result<void> verify(stream_name stream, any_state const& from_snapshot) {
    any_state whole(type_);
    if (auto good = catch_up(side_.store(), stream, whole); !good) return good;
    std::string ours;
    std::string theirs;
    if (whole.upto != from_snapshot.upto || !type_.snapshots->encode(from_snapshot.get(), ours) ||
        !type_.snapshots->encode(whole.get(), theirs) || ours == theirs) {
      return {};
    }
    return unexpected(make_error(
        errc::corrupt,
        "the snapshot of {} has become {} at version {}, its events make {}: raise the decider's fold_version",
        stream.text(), ours, whole.upto, theirs));
  }

  // Inside the commit, behind the append of what took the stream from `from` to the state.
  void keep_snapshot([[maybe_unused]] typename WriteSide::commit& in, [[maybe_unused]] stream_name stream,
                     [[maybe_unused]] version from, [[maybe_unused]] any_state const& state,
                     [[maybe_unused]] bool due) {
    if constexpr (keeps_snapshots<store_type>) {
      snapshot_type const* const kept = type_.snapshots;
      version const upto(state.upto);
      if (kept == nullptr || upto == from || !(due || crosses(kept->policy, from, upto))) return;
      std::string data;
      // A state without a stored form (a text that is not UTF-8) gets no snapshot; its events are enough.
      if (kept->encode(state.get(), data)) in.keep_snapshot(stream, upto, kept->fingerprint, data);
    }
  }

  command_result in_turns(decider_command const& type, void const* command,
                          pending_command<WriteSide>& pending, stream_name stream,
                          command_record const& record) {
    // Checked here once, so that a bad id fails even where decide rejects.
    if (auto good = check_stream_of(*type.type, category_, stream); !good)
      return unexpected(command_failure(std::move(good).error()));
    for (unsigned attempt = 1;; ++attempt) {
      auto const outcome = try_once(type.decide, command, pending, stream, record);
      if (!lost_race(outcome) || attempt >= side_.options().attempts) return outcome;
    }
  }

  command_result try_once(decide_type const& decide, void const* command, pending_command<WriteSide>& pending,
                          stream_name stream, command_record const& record) {
    key_turns::place const place = key_turns::place_of(stream.text());
    key_turns::turn turn(turns_, {&place, 1});
    any_state state(type_);
    auto good = catch_up(side_.store(), stream, state);
    if (good) good = pending.decide(decide, state.get(), command);
    if (!good) return unexpected(command_failure(std::move(good).error()));
    if (auto const* refused = pending.refused()) return refuse(side_.store(), *refused, record);
    stream_append const part{stream, expectation::exactly(version(state.upto)),
                             pending.events(side_.store())};
    return pending.append(append_request{.streams = {&part, 1}}, turn);
  }

  WriteSide& side_;
  std::string_view category_;
  state_type const& type_;
  cache_type cache_;
  key_turns turns_{!decides_in_commit<store_type>};
};

} // namespace cleave::detail
