// SPDX-License-Identifier: BSL-1.0
// The event store in memory: the reference for the contract in event/event_store.hpp, the store of tests, and the fast path
// of applications whose log need not outlive the process.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/function_ref.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/memory/detail/log.hpp>
#include <cleave/memory/detail/log_filter.hpp>

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <optional>

namespace cleave::memory {

struct event_store_options {
  clock_ref clock{}; // gives recorded_at, read once for each append that stores something
  std::uint64_t max_bytes =
      UINT64_MAX; // of memory for events and indexes; beyond: errc::limit_exceeded, nothing is stored
};

namespace detail {

// What a commit has looked up before it appends.
struct beforehand {
  stream_entry* near = nullptr;   // read last: the append is for it, as a rule
  std::optional<timestamp> now{}; // by the store's clock
};

// What an append may call for its events.
template <class Hook>
concept takes_unopened = requires(Hook& hook, unopened const& found) {
  { hook(found) } -> std::same_as<result<void>>;
};
template <class Hook>
concept append_hook = takes_unopened<Hook> || requires(Hook& hook, recorded_event const& recorded) {
  { hook(recorded) } -> std::same_as<result<void>>;
};
template <class Hook> class opening_hook {
public:
  explicit opening_hook(Hook& hook) noexcept : hook_(hook) {}
  result<void> operator()(unopened const& found) const {
    if constexpr (takes_unopened<Hook>) return hook_(found);
    else return hook_(static_cast<recorded_event const&>(found.open()));
  }

private:
  Hook& hook_;
};

} // namespace detail

// Keeps the event objects themselves, or the bytes of a new_event without a type. Every function may be called from any
// thread. Appends take turns on one mutex; reads take no lock at all: they see the log up to the head that they found when
// they began, and events never move. Nothing is ever freed before the store is destroyed, which must come after every call.
//
// The library's own exceptions stay inside: a copy of an event or a clock that throws is errc::handler_failed, memory that
// runs out is errc::limit_exceeded; nothing is stored then. What a sink throws passes through the read.
class event_store {
public:
  using options = event_store_options;
  // What read_all hands out to sinks that take runs (event/recorded_event.hpp).
  using run = detail::run;
  static constexpr bool keeps_objects = true;

  explicit event_store(options const& chosen = {});
  event_store(event_store const&) = delete;
  event_store& operator=(event_store const&) = delete;
  ~event_store();

  result<appended> append(append_request const& request) { return append_with(request, nullptr); }

  // The same with an inline projection: hook(recorded_event const&) -> result<void>, or hook(found) with an unopened_event (see
  // event/recorded_event.hpp), is called once for each event that is about to be committed, in order of position, under the
  // writer's lock, before the head moves. If it fails, or throws (errc::handler_failed), nothing is stored and the error is
  // returned; once the last call has succeeded, the commit succeeds. It is not called for a repeat. The hook may read the store,
  // which does not show the new events yet; it must not append (asserted).
  template <class Hook>
    requires detail::append_hook<Hook>
  result<appended> append(append_request const& request, Hook&& hook) {
    detail::opening_hook<Hook> opening(hook);
    hook_ref const erased(opening);
    return append_with(request, &erased);
  }

  // See decides_in_commit. `work` runs on the calling thread, under the writers' mutex.
  class commit_scope;
  result<void> decide_in_commit(function_ref<result<void>(commit_scope&)> work);

  template <event_sink Sink> result<version> read_stream(stream_name stream, stream_range range,
                                                         Sink&& sink) const {
    std::uint64_t const head = log_.head();
    return read_found(head, find_stream(stream), stream, range, sink);
  }

  template <event_sink Sink> result<position> read_all(log_range range, Sink&& sink) const {
    std::uint64_t const head = log_.head();
    std::uint64_t const after = range.after.value();
    if (range.limit == 0) return range.after;
    if (after >= head && range.filter.matches_all()) return position(head);
    auto const resolved = resolve(range.filter);
    if (!resolved) return unexpected(resolved.error());
    if (after >= head) return position(head);
    detail::log_filter const& filter = *resolved;
    std::uint64_t left = range.limit;
    std::uint64_t reached = head;
    auto const hand_out = [&](detail::unopened found) {
      if (sink(static_cast<recorded_event const&>(found.open())) && --left != 0) return true;
      reached = found.position().value();
      return false;
    };
    if (filter.how() == detail::log_filter::way::by_tag) {
      detail::tag_walk walk(filter, log_, after, head);
      for (std::uint64_t at = walk.next(); at != 0 && hand_out(log_.entry(at)); at = walk.next()) {
      }
    } else if (filter.how() != detail::log_filter::way::nothing) {
      auto const* const asked = filter.how() == detail::log_filter::way::everything ? nullptr : &filter;
      auto const& kinds = log_.kinds();
      log_.walk(after + 1, head, left, [&](detail::segment const& from, auto at, auto size) {
        detail::run const events(from, kinds, at, size, asked);
        if constexpr (cleave::detail::takes_runs<Sink, detail::run>) {
          auto const taken = sink.take(events);
          left -= taken.handed_out;
          if (taken.more && left != 0) return true;
          reached = events[taken.seen - 1].position().value();
          return false;
        } else {
          for (std::uint64_t i = 0; i < size; ++i) {
            if (events.wanted(i) && !hand_out(events[i])) return false;
          }
          return true;
        }
      });
    }
    return position(reached);
  }

  result<position> head() const { return position(log_.head()); }
  result<std::optional<command_outcome>> find_command(command_id id) const;
  // See forgets_outcomes (command/outcome_retention.hpp). The oldest are those that were stored first; one that waits for an older
  // one, because the clock was set back, goes later. Their memory stays taken, as that of the log does.
  result<std::uint64_t> forget_outcomes(timestamp before, std::uint64_t keep, std::uint64_t most);
  cleave::durability durability() const noexcept { return cleave::durability::process; }
  commit_signal& commits() noexcept;
  // Memory taken for events and indexes, in bytes.
  std::uint64_t bytes_used() const;

private:
  using hook_ref = function_ref<result<void>(detail::unopened const&)>;
  struct state;

  result<appended> append_with(append_request const& request, hook_ref const* hook);
  // nullptr for a stream without events, and for a name that no stream can have.
  detail::stream_entry* find_stream(stream_name stream) const noexcept;
  template <class Sink>
  result<version> read_found(std::uint64_t head, detail::stream_entry const* found, stream_name stream,
                             stream_range range, Sink& sink) const {
    if (found == nullptr) {
      if (auto good = check_stream_name(stream); !good) return unexpected(std::move(good).error());
      return version();
    }
    detail::position_list const& events = found->events;
    std::uint64_t const last = events.count_up_to(head);
    if (range.order == direction::forward) {
      std::uint64_t const from = std::max<std::uint64_t>(range.from.value(), 1);
      std::uint64_t left = range.limit;
      for (std::uint64_t v = from; v <= last && left > 0; ++v, --left) {
        if (!sink(static_cast<recorded_event const&>(log_.show(events[v - 1])))) break;
      }
    } else {
      std::uint64_t left = range.limit;
      for (std::uint64_t v = std::min(range.from.value(), last); v > 0 && left > 0; --v, --left) {
        if (!sink(static_cast<recorded_event const&>(log_.show(events[v - 1])))) break;
      }
    }
    return version(last);
  }
  result<detail::log_filter> resolve(event_query const& query) const;

  detail::log log_;
  state* state_;
};

// Inside the commit: the log does not grow but by this scope's append. Valid while `work` runs.
class event_store::commit_scope {
public:
  commit_scope(commit_scope const&) = delete;
  commit_scope& operator=(commit_scope const&) = delete;

  template <event_sink Sink> result<version> read_stream(stream_name stream, stream_range range,
                                                         Sink&& sink) const {
    std::uint64_t const head = store_.log_.head();
    known_.near = store_.find_stream(stream);
    return store_.read_found(head, known_.near, stream, range, sink);
  }
  template <event_sink Sink> result<position> read_all(log_range const& range, Sink&& sink) const {
    return store_.read_all(range, sink);
  }
  // See shows_streams.
  using stream_place = detail::stream_entry*;
  stream_place find_stream(stream_name stream) const noexcept {
    return known_.near = store_.find_stream(stream);
  }
  stream_name name_of(stream_place place) const noexcept {
    known_.near = place;
    return stream_name(place->text);
  }
  version version_of(stream_place place) const noexcept { return version(place->events.staged()); }
  // See tells_time. Throws what the clock throws.
  timestamp now(clock_ref const& clock);
  // Nothing is ever undone that could have been read.
  std::uint64_t rollbacks() const noexcept { return 0; }
  // Asserts that it is called once. What has succeeded here is committed, whatever `work` returns.
  result<appended> append(append_request const& request) { return append_with(request, nullptr); }
  // The same with an inline projection, as event_store::append has it.
  template <class Hook>
    requires detail::append_hook<Hook>
  result<appended> append(append_request const& request, Hook&& hook) {
    detail::opening_hook<Hook> opening(hook);
    hook_ref const erased(opening);
    return append_with(request, &erased);
  }

private:
  friend class event_store;
  explicit commit_scope(event_store& store) noexcept : store_(store) {}
  result<appended> append_with(append_request const& request, hook_ref const* hook);

  event_store& store_;
  bool appended_ = false;
  mutable detail::beforehand known_;
};

} // namespace cleave::memory
