// SPDX-License-Identifier: BSL-1.0
// What is asked of a store in one append, and what it answers.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/id.hpp>
#include <cleave/base/limits.hpp>
#include <cleave/base/rejection.hpp>
#include <cleave/event/event_query.hpp>
#include <cleave/event/expectation.hpp>
#include <cleave/event/position.hpp>
#include <cleave/event/recorded_event.hpp>
#include <cleave/event/stream.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cleave {

// The events for one stream, in order.
struct stream_append {
  stream_name stream;
  expectation expected;
  std::span<new_event const> events;
};

// Holds when no event behind position `after` matches `query`: the reader has decided on all that matters (dynamic consistency
// boundary, dcb.events).
struct append_condition {
  event_query query;
  position after;
};

// Makes a command repeatable: its outcome is stored with its events, under its id. `fingerprint` tells one command from
// another that carries the same id by mistake.
struct command_record {
  command_id id;
  std::string_view command;           // the command's name, 1 to limits::command_name_bytes
  std::uint64_t fingerprint = 0;      // of its contents
  rejection const* refused = nullptr; // the outcome is a rejection (and there are no events), or nullptr
};

// All of it becomes visible, or none. Each stream may stand in it once; limits::streams_per_append, events_per_append and
// append_data_bytes bound it. Views: they need to live until append returns.
struct append_request {
  std::span<stream_append const> streams{};
  append_condition const* condition = nullptr;
  command_record const* command = nullptr;
};

struct appended {
  cleave::position position; // of the last event stored; the head of the log when there was none to store
  cleave::version
      version; // of the last stream in the request, behind its last event; 0 when the request names no stream
  bool repeated = false;   // nothing was stored now: this is the answer of the first time
  timestamp recorded_at{}; // what the new events carry; 0 when there was none to store
};

// What became of a command, kept under its id.
struct command_outcome {
  std::string command;
  std::uint64_t fingerprint = 0;
  cleave::position position; // 0 for a rejection
  cleave::version version;
  std::optional<rejection> refused;
  timestamp recorded_at;
};

// The checks that every store makes first: names, tags, headers, ids (not nil, none twice), counts, sizes, each stream once.
// Encoded sizes are checked where `data` is given; a store that encodes checks its own output by check_event_data.
result<void> check_append(append_request const& request);
// The same, but for the names of streams, events and commands: for a store that knows those that it has seen.
result<void> check_append_but_names(append_request const& request);
// Whether a request for this one event, without condition, passes check_append_but_names because there is nothing in it to look at.
inline bool is_plain(new_event const& event, command_record const* command) noexcept {
  return !event.id.nil() && event.tags.empty() && event.metadata.headers.empty() &&
         event.data.size() <= limits::event_data_bytes &&
         (command == nullptr || (!command->id.nil() && command->refused == nullptr));
}
result<void> check_event_data(std::string_view event, std::size_t bytes);
// errc::version_conflict for a condition that an event at `found` breaks.
error condition_conflict(append_condition const& condition, position found, std::string_view name);

} // namespace cleave
