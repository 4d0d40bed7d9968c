// SPDX-License-Identifier: BSL-1.0
// What the two forms of projectors share: the way from a stored event to the projection's `on`.
#pragma once

#include <cleave/base/step.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/query/progress.hpp>
#include <cleave/query/projection.hpp>
#include <cleave/query/projector_options.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cleave::detail {

// Waits until the projector's model reflects what is wanted; without threads it does the work that it waits for.
template <class Projector> result<void> wait_for(Projector& projector, at_least wanted, bool threads) {
  if (!threads) {
    while (projector.reached() < wanted.position && projector.step() == step::worked) {
    }
    wanted.timeout_us = 0;
  }
  return projector.progress().wait(wanted);
}

// What the projection declares, or else `otherwise`.
template <class P> constexpr failure_policy policy_of(failure_policy otherwise) noexcept {
  if constexpr (requires { failure_policy(P::on_failure); }) return P::on_failure;
  else return otherwise;
}

// The key of an event: what `key` says (text or anything that converts to it), or else its stream.
template <class P> decltype(auto) key_of(P const& projection, envelope const& at) {
  if constexpr (requires { std::string_view(projection.key(at)); }) return projection.key(at);
  else return at.stream.text();
}

// The event at which a projection failed, on top of what failed.
error projection_failed(std::string_view projection, envelope const& at, error cause);
// The same where its dead letter could not be stored.
error parking_failed(std::string_view projection, position at, error cause);
// The text of a follower: it waits behind an earlier event of its key.
std::string_view waits_behind() noexcept;
// errc::not_found: the log does not show the event of a dead letter.
error letter_without_event(std::string_view projection, position at);

// What a feed is to hand out, and what it did.
struct feed_range {
  position after;
  std::uint64_t limit;
  position before = position(UINT64_MAX); // the first event that is left alone
};
struct fed {
  std::uint64_t events = 0; // handed out, the one that failed too
  position last;            // of them
  bool failed = false;      // the last one
  bool touched = false;     // `apply` had succeeded with a part of what the failed one became by upcasting
  bool diverting = false;   // `divert` failed, not the event
};

// Diverts nothing, and costs nothing.
struct take_all {};

// Reads events of P and calls, for each, divert(envelope) -> result<bool>, and unless that says that the event is dealt with,
// apply(event, envelope) -> result<void> or void. Returns the position up to which the log is applied; an error names the event. What they
// throw becomes errc::handler_failed.
template <class P, class Store, class Divert, class Apply>
result<position> feed(Store& log, feed_range const& wanted, fed& seen, Divert&& divert, Apply&& apply) {
  using events = typename P::events;
  query_item const item{.names = stored_names<events>};
  log_range const range{.after = wanted.after, .limit = wanted.limit, .filter = {{&item, 1}}};
  std::optional<error> failed;
  bool ended = false;
  auto const sink = [&](recorded_event const& recorded) {
    if (recorded.at.position >= wanted.before) {
      ended = true;
      return false;
    }
    ++seen.events;
    seen.last = recorded.at.position;
    try {
      if constexpr (!std::is_same_v<std::remove_cvref_t<Divert>, take_all>) {
        seen.diverting = true;
        result<bool> const diverted = divert(recorded.at);
        if (!diverted) {
          failed = diverted.error();
          return false;
        }
        seen.diverting = false;
        if (*diverted) return true;
      }
      seen.touched = false;
      result<void> applied;
      auto const known = visit_event<events>(recorded, [&](auto const& event, envelope const& at) {
        if constexpr (std::is_void_v<decltype(apply(event, at))>) {
          apply(event, at);
          seen.touched = true;
        } else if (applied) {
          applied = apply(event, at);
          if (applied) seen.touched = true;
        }
      });
      if (!known) failed = known.error();
      else if (!applied) failed = projection_failed(P::name, recorded.at, std::move(applied).error());
    } catch (...) {
      failed = projection_failed(P::name, recorded.at, current_exception_error("on"));
    }
    seen.failed = failed && !seen.diverting;
    return !failed;
  };
  auto read = log.read_all(range, sink);
  if (failed) return unexpected(std::move(*failed));
  if (read && ended) return position(wanted.before.value() - 1);
  return read;
}

// The same for who takes every event.
template <class P, class Store, class Apply>
result<position> feed(Store& log, position after, std::uint64_t limit, Apply&& apply) {
  fed seen;
  return feed<P>(
      log, {.after = after, .limit = limit}, seen, [](envelope const&) -> result<bool> { return false; },
      apply);
}

} // namespace cleave::detail
