// SPDX-License-Identifier: BSL-1.0
// Tracing: every event of a command carries where in the way of a request it was made.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/limits.hpp>
#include <cleave/command/outcome.hpp>
#include <cleave/event/trace_context.hpp>
#include <cleave/middleware/chain.hpp>

#include <array>
#include <cstddef>
#include <span>

namespace cleave {

// For commands. The header "traceparent" of the command's events names a new span in the trace of the context's header "traceparent";
// without one, or with one that says nothing, in a new trace that is not sampled.
struct tracing {
  id_source_ref ids{};
  clock_ref clock{};

  template <class C, class Next>
  command_result around(C const&, command_context const& context, Next&& next) const {
    uuid const fresh = ids.next(clock.now());
    trace_context here = trace_context::start(fresh, false);
    std::array<header, limits::headers_per_event + 1> headers; // one too many is the store's to refuse
    std::size_t count = 0;
    for (header const& one : context.headers) {
      if (one.name == traceparent_header) {
        if (auto const from = trace_context::parse(one.value)) here = from->child(fresh);
      } else if (count < limits::headers_per_event) {
        headers[count++] = one;
      }
    }
    traceparent_text const text = here.text();
    headers[count++] = {traceparent_header, text.view()};
    command_context traced = context;
    traced.headers = std::span<header const>(headers.data(), count);
    return next(traced);
  }
};

} // namespace cleave
