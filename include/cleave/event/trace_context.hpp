// SPDX-License-Identifier: BSL-1.0
// The W3C trace context (https://www.w3.org/TR/trace-context/, "traceparent"): which trace an event belongs to, and which span
// caused it. It travels as a header of the event's metadata, from the command to every projection.
//
//   void on(order_placed const& e, cleave::envelope const& at) {
//     if (auto const caller = cleave::trace_of(at.metadata)) tracer.start("orders.v1", caller->trace, caller->parent);
//   }
#pragma once

#include <cleave/base/id.hpp>
#include <cleave/event/envelope.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cleave {

inline constexpr std::string_view traceparent_header = "traceparent";

// 55 characters of a traceparent, kept where the object is: a header's value is a view.
class traceparent_text {
public:
  static constexpr std::size_t size = 55;
  constexpr std::string_view view() const noexcept { return {text_.data(), size}; }

private:
  friend struct trace_context;
  std::array<char, size> text_{};
};

struct trace_context {
  using trace_id = std::array<std::uint8_t, 16>;
  using span_id = std::array<std::uint8_t, 8>;
  static constexpr std::uint8_t sampled_flag = 1;

  trace_id trace{};       // of the whole trace; not all zero
  span_id parent{};       // the span that caused what carries this; not all zero
  std::uint8_t flags = 0; // only sampled_flag has a meaning

  bool sampled() const noexcept { return (flags & sampled_flag) != 0; }

  // Nothing for a text that is no traceparent; who gets nothing starts a trace of its own. Of a version that is newer than 00
  // the part that version 00 knows is read, as the recommendation wants it. Of the flags only sampled_flag is kept.
  static std::optional<trace_context> parse(std::string_view text) noexcept;
  // A new trace: `id` names it, and names its first span. Any UUID of an id_source will do; not nil.
  static trace_context start(uuid const& id, bool sampled) noexcept;
  // The same trace, with a span of its own for the work that is done now: `id` names it. Not nil.
  trace_context child(uuid const& id) const noexcept;
  // As version 00.
  traceparent_text text() const noexcept;

  friend bool operator==(trace_context const&, trace_context const&) = default;
};

// The context in the header "traceparent"; nothing when there is none or it is none.
std::optional<trace_context> trace_of(metadata const& from) noexcept;

} // namespace cleave
