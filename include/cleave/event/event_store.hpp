// SPDX-License-Identifier: BSL-1.0
// The event store: the log, and the only place where a change is committed. A concept; adapters have no base class.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/event/append.hpp>
#include <cleave/event/commit_signal.hpp>
#include <cleave/event/recorded_event.hpp>

#include <concepts>
#include <cstdint>
#include <optional>

namespace cleave {

// What an acknowledged append survives.
enum class durability : std::uint8_t {
  process, // nothing but the process's own life: memory
  relaxed, // the process's end, however it ends; a power loss can take the last appends, in order and without a hole
  full, // a power loss, as far as the disk keeps what it confirmed
};

enum class direction : std::uint8_t { forward, backward };

// Forward: from version `from` upwards (0 and 1: the beginning). Backward: from `from` downwards (the default: the end).
struct stream_range {
  static constexpr version end = version(UINT64_MAX);
  version from{};
  direction order = direction::forward;
  std::uint64_t limit = UINT64_MAX; // events at the most; 0 hands out none

  static constexpr stream_range all() noexcept { return {}; }
  static constexpr stream_range after(version v) noexcept { return {.from = v.next()}; }
  static constexpr stream_range backward(version from = end) noexcept { return {from, direction::backward}; }
  constexpr stream_range up_to(std::uint64_t events) const noexcept { return {from, order, events}; }
};

// Forward, behind position `after`; only events that match `filter`.
struct log_range {
  position after{};
  std::uint64_t limit = UINT64_MAX; // events at the most; 0 hands out none
  event_query filter{};
};

namespace detail {
struct sink_probe {
  bool operator()(recorded_event const&) { return true; }
};

// What a sink looks at of the envelope beside position, stream, version and name: all, or nothing. One with `static constexpr bool
// place_only = true` tells a store that it may leave the rest empty, and so need not read it.
enum class envelope_part : std::uint8_t { whole, place };
template <class Sink> inline constexpr envelope_part part_for = envelope_part::whole;
template <class Sink>
  requires(std::remove_cvref_t<Sink>::place_only)
inline constexpr envelope_part part_for<Sink> = envelope_part::place;
} // namespace detail

// append(request): checks everything (in the order: form and limits, repeat of a command id, repeat of event ids, expectations,
// condition), then stores all or nothing. Returns after the commit is as durable as durability() says.
// - A failed expectation or condition: errc::version_conflict; nothing is stored; the text says what was expected and found.
// - A request without events (and without a command record) stores nothing and returns the head; its expectations are checked.
// - Repeats: if every event id of the request is in the log already, in the same streams, in the same order, without gaps, and
//   each stream's expectation was true just before them, then nothing is stored and the first answer comes back, `repeated`.
//   If they are there but the expectation is another one: errc::version_conflict. If only some are, or elsewhere:
//   errc::duplicate_event.
// - A command id that has an outcome: nothing is stored, `repeated` with the position and version of the outcome (ask
//   find_command for a rejection); errc::command_id_reused if name or fingerprint differ.
// Any thread. Two appends never both succeed on one expectation.
template <class S>
concept can_append = requires(S& store, append_request const& request) {
  { store.append(request) } -> std::same_as<result<appended>>;
};

// read_stream(stream, range, sink): hands the stream's events to the sink in the range's order, until it returns false.
// Returns the stream's last version in the snapshot that was read; 0 for a stream without events. Any thread; never blocks
// a writer. The sink may call the store. Errors: of the name (errc::invalid_argument), of the machine.
template <class S>
concept can_read_stream = requires(S& store, stream_name stream, stream_range range,
                                   detail::sink_probe sink) {
  { store.read_stream(stream, range, sink) } -> std::same_as<result<version>>;
};

// read_all(range, sink): hands out the log in order of position, as of one snapshot, until the sink returns false. Returns the
// position up to which the log was looked at: that of the last event handed out when the sink or the limit ended the read, the
// snapshot's head otherwise. A reader goes on from there: what it has passed never changes. Any thread; never blocks a writer.
template <class S>
concept can_read_all = requires(S& store, log_range range, detail::sink_probe sink) {
  { store.read_all(range, sink) } -> std::same_as<result<position>>;
};

// head(): the position of the last committed event, 0 for an empty log. Any thread.
template <class S>
concept tells_head = requires(S& store) {
  { store.head() } -> std::same_as<result<position>>;
};

// find_command(id): the stored outcome of a command, if there is one. Any thread.
template <class S>
concept recalls_commands = requires(S& store, command_id id) {
  { store.find_command(id) } -> std::same_as<result<std::optional<command_outcome>>>;
};

// durability(): the level in force.
template <class S>
concept tells_durability = requires(S const& store) {
  { store.durability() } -> std::same_as<durability>;
};

// commits(): signals each growth of the log, at the latest when a later read shows it. A hint: it may be late, never the truth.
template <class S>
concept signals_commits = requires(S& store) {
  { store.commits() } -> std::same_as<commit_signal&>;
};

// keeps_objects: true when the store holds the events themselves, so that they need no codec.
template <class S>
concept tells_form = requires {
  { S::keeps_objects } -> std::convertible_to<bool>;
};

// decide_in_commit(work): calls work(commit_scope&) -> result<void> in the order of commits, never two at a time, on any thread, and
// commits what it appends before it returns. The scope reads a stream, and the log, as the append will find them: with all that was appended
// before, also what waits for the same commit. `work` may append once, as the last that can fail: its error, or an exception
// (errc::handler_failed), means that nothing was appended. It is called again when the store has to repeat a commit; when the commit fails, so does
// the call. rollbacks() of the scope counts what was undone after it could be read: what `work` has kept of an earlier call is void
// when the number has grown since. Other writers wait for it, so it should be short, and it must not call the store.
template <class S>
concept decides_in_commit = requires(S& store, typename S::commit_scope& scope, append_request const& request,
                                     function_ref<result<void>(typename S::commit_scope&)> work) {
  requires can_read_stream<typename S::commit_scope>;
  requires can_read_all<typename S::commit_scope>;
  { scope.append(request) } -> std::same_as<result<appended>>;
  { scope.rollbacks() } -> std::same_as<std::uint64_t>;
  { store.decide_in_commit(work) } -> std::same_as<result<void>>;
};

// The scope of a store that keeps each stream in one place tells where: find_stream(name) gives the place, nullptr while the stream has no
// event (or the name is none), and it stays there as long as the store does, so that a stream that is asked for again and again has
// its name looked up once. name_of(place) is the name, from which the scope's append knows the place again; version_of(place) is the version
// of its last event as the append will find it.
template <class Scope>
concept shows_streams = requires(Scope& scope, typename Scope::stream_place place, stream_name name) {
  { scope.find_stream(name) } -> std::same_as<typename Scope::stream_place>;
  { scope.name_of(place) } -> std::same_as<stream_name>;
  { scope.version_of(place) } -> std::same_as<version>;
  { place == nullptr } -> std::convertible_to<bool>;
};

// now(clock) of the scope: the time by `clock`. Where the store itself goes by the same clock, it is read once for the commit.
template <class Scope>
concept tells_time = requires(Scope& scope, clock_ref const& clock) {
  { scope.now(clock) } -> std::same_as<timestamp>;
};

template <class S>
concept event_store = can_append<S> && can_read_stream<S> && can_read_all<S> && tells_head<S> &&
                      recalls_commands<S> && tells_durability<S> && signals_commits<S> && tells_form<S>;

} // namespace cleave
