// SPDX-License-Identifier: BSL-1.0
// What the two forms of projectors share: their options, and the way from a stored event to the projection's `on`.
#pragma once

#include <cleave/base/step.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/query/progress.hpp>
#include <cleave/query/projection.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace cleave {

struct projector_options {
  std::uint64_t batch = 1000; // events of one step at the most, 1 or more
  unsigned attempts =
      3; // how often a failing event of a stored projection is tried before the projection stops
  std::int64_t poll_us = 50'000; // how long an idle projector sleeps at most
  bool threads =
      true; // a thread steps each projector; false: the application does, and a waiting query steps what it waits for
};

namespace detail {

// Waits until the projector's model reflects what is wanted; without threads it does the work that it waits for.
template <class Projector> result<void> wait_for(Projector& projector, at_least wanted, bool threads) {
  if (!threads) {
    while (projector.reached() < wanted.position && projector.step() == step::worked) {
    }
    wanted.timeout_us = 0;
  }
  return projector.progress().wait(wanted);
}

// The event at which a projection failed, on top of what failed.
error projection_failed(std::string_view projection, envelope const& at, error cause);

// Reads up to `limit` events of P behind `after` and calls apply(event, envelope) -> result<void> for each. Returns the position up to
// which the log is applied; an error names the event. What apply throws becomes errc::handler_failed.
template <class P, class Store, class Apply>
result<position> feed(Store& log, position after, std::uint64_t limit, Apply&& apply) {
  using events = typename P::events;
  query_item const item{.names = stored_names<events>};
  log_range const range{.after = after, .limit = limit, .filter = {{&item, 1}}};
  std::optional<error> failed;
  auto const sink = [&](recorded_event const& recorded) {
    try {
      result<void> applied;
      auto const known = visit_event<events>(recorded, [&](auto const& event, envelope const& at) {
        if (applied) applied = apply(event, at);
      });
      if (!known) failed = known.error();
      else if (!applied) failed = projection_failed(P::name, recorded.at, std::move(applied).error());
    } catch (...) {
      failed = projection_failed(P::name, recorded.at, current_exception_error("on"));
    }
    return !failed;
  };
  auto read = log.read_all(range, sink);
  if (failed) return unexpected(std::move(*failed));
  return read;
}

} // namespace detail

} // namespace cleave
