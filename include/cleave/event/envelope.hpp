// SPDX-License-Identifier: BSL-1.0
// What stands around an event: where it is in the log, when and why it came to be.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/id.hpp>
#include <cleave/event/position.hpp>
#include <cleave/event/stream.hpp>

#include <span>
#include <string_view>

namespace cleave {

// One named value of the application's own: UTF-8, limits::header_name_bytes and limits::header_value_bytes. Views.
struct header {
  std::string_view name;
  std::string_view value;
  friend bool operator==(header const&, header const&) = default;
};

// Why an event came to be. Views: what they show must outlive the use. At most limits::headers_per_event headers, each
// name once. The header "traceparent" carries a W3C trace context.
struct metadata {
  correlation_id correlation{}; // nil: none
  causation_id causation{};     // nil: none
  std::span<header const> headers{};
};

// Everything about a stored event but the event itself. The views in it are valid as long as the call that handed it out.
struct envelope {
  cleave::position position;
  cleave::stream_name stream;
  cleave::version version;
  std::string_view name; // the stored event name, e.g. "order-placed.v1"
  event_id id;
  timestamp recorded_at; // when the store took it
  std::span<std::string_view const> tags;
  cleave::metadata metadata;
};

} // namespace cleave
