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

template <class P>
concept has_key = requires(P const& projection, envelope const& at) { std::string_view(projection.key(at)); };
// The key of an event: what `key` says (text or anything that converts to it), or else its stream.
template <class P> decltype(auto) key_of(P const& projection, envelope const& at) {
  if constexpr (has_key<P>) return projection.key(at);
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
  std::uint64_t passed = 0; // of these: events of other parts of the projection
  position last;            // of them
  bool failed = false;      // the last one
  bool touched = false;     // `apply` had succeeded with a part of what the failed one became by upcasting
  bool diverting = false;   // `divert` failed, not the event
};

// Diverts nothing, and costs nothing.
struct take_all {};

// What stands between the log and `apply`: a sink.
template <class P, class Divert, class Apply> class feeder {
  using events = typename P::events;
  static constexpr bool diverts = !std::is_same_v<std::remove_cvref_t<Divert>, take_all>;

public:
  feeder(position before, Divert& divert, Apply& apply) noexcept
      : before_(before), divert_(divert), apply_(apply) {}

  bool operator()(recorded_event const& found) {
    ended_ = found.at.position >= before_;
    return !ended_ && take_one(found);
  }

  bool ended() const noexcept { return ended_; }
  fed const& done() const noexcept { return done_; }
  std::optional<error>& failed() noexcept { return failed_; }

private:
  bool take_one(recorded_event const& found) {
    ++done_.events;
    done_.last = found.at.position;
    done_.touched = false;
    try {
      if constexpr (diverts) {
        done_.diverting = true;
        result<bool> const diverted = divert_(found.at);
        if (!diverted) return stop(diverted.error());
        done_.diverting = false;
        if (*diverted) return true;
      }
      result<void> applied;
      auto const known = visit_event<events>(found, [&](auto const& event, envelope const& at) {
        if constexpr (std::is_void_v<decltype(apply_(event, at))>) {
          apply_(event, at);
          done_.touched = true;
        } else if (applied) {
          applied = apply_(event, at);
          if (applied) done_.touched = true;
        }
      });
      if (!known) return stop(known.error());
      return applied ? true : stop(projection_failed(P::name, found.at, std::move(applied).error()));
    } catch (...) {
      return thrown(found.at);
    }
  }

  bool thrown(envelope const& at) {
    return stop(projection_failed(P::name, at, current_exception_error("on")));
  }
  // There is nothing more to take.
  bool stop(error why) {
    failed_ = std::move(why);
    done_.failed = !done_.diverting;
    return false;
  }

  position before_;
  Divert& divert_;
  Apply& apply_;
  fed done_;
  std::optional<error> failed_;
  bool ended_ = false;
};

// Reads events of P and calls, for each, divert(envelope) -> result<bool>, and unless that says that the event is dealt with,
// apply(event, envelope) -> result<void> or void. Returns the position up to which the log is applied; an error names the event. What they
// throw becomes errc::handler_failed.
template <class P, class Store, class Divert, class Apply>
result<position> feed(Store& log, feed_range const& wanted, fed& seen, Divert&& divert, Apply&& apply) {
  query_item const item{.names = stored_names<typename P::events>};
  log_range const range{.after = wanted.after, .limit = wanted.limit, .filter = {{&item, 1}}};
  feeder<P, Divert, Apply> sink(wanted.before, divert, apply);
  auto read = log.read_all(range, sink);
  seen = sink.done();
  if (sink.failed()) return unexpected(*std::move(sink.failed()));
  if (read && sink.ended()) return position(wanted.before.value() - 1);
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
