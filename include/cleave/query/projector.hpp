// SPDX-License-Identifier: BSL-1.0
// What the two forms of projectors share: the way from a stored event to the projection's `on`.
#pragma once

#include <cleave/base/step.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/query/object_visitor.hpp>
#include <cleave/query/progress.hpp>
#include <cleave/query/projection.hpp>
#include <cleave/query/projector_options.hpp>

#include <algorithm>
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

// Whether an event becomes several, or none, so that a part of them can have been applied.
template <class List> struct any_upcastable;
template <class... Es> struct any_upcastable<boost::mp11::mp_list<Es...>> {
  static constexpr bool value = (upcastable<Es> || ...);
};

// What stands between the log and `apply`: a sink. A run of objects is one flat loop as long as nothing unusual happens.
template <class P, class Divert, class Apply> class feeder {
  using events = typename P::events;
  static constexpr bool diverts = !std::is_same_v<std::remove_cvref_t<Divert>, take_all>;
  template <class> struct returns_void;
  template <class... Es> struct returns_void<event_set<Es...>> {
    static constexpr bool value = (std::is_void_v<std::invoke_result_t<Apply&, Es const&, envelope const&>> &&
                                   ...);
  };

public:
  feeder(position before, Divert& divert, Apply& apply) noexcept
      : before_(before), divert_(divert), apply_(apply) {}

  bool operator()(recorded_event const& found) {
    ended_ = found.at.position >= before_;
    return !ended_ && take_one(found);
  }
  template <class Run> run_taken take(Run const& run) {
    run_taken taken{0, 0, true};
    while (taken.more && taken.seen < run.size()) {
      if constexpr (!diverts && returns_void<events>::value) take_objects(run, taken);
      if (!taken.more || taken.seen == run.size()) break;
      if (run.wanted(taken.seen)) {
        taken.more = (*this)(run[taken.seen].open());
        ++taken.handed_out;
      }
      ++taken.seen;
    }
    return taken;
  }

  bool ended() const noexcept { return ended_; }
  fed const& done() const noexcept { return done_; }
  std::optional<error>& failed() noexcept { return failed_; }

private:
  // Goes on while it meets objects of the projection's events, and events that are not wanted.
  template <class Run> void take_objects(Run const& run, run_taken& taken) {
    std::uint64_t const ours = before_.value() -
                               run[0].position().value(); // a multiple of 2^64 more where it is less
    std::uint64_t const size = run[0].position() < before_ ? std::min(run.size(), ours) : 0;
    std::uint64_t i = taken.seen;
    std::uint64_t others = 0;
    std::uint64_t others_from = 0; // the last of them stand at [others_from, others_to)
    std::uint64_t others_to = 0;
    bool touched = false;
    auto const one = [&, apply = apply_](auto const& event, auto const& at) { // a copy, to stay in registers
      apply(event, at);
      if constexpr (any_upcastable<stored_events<events>>::value) touched = true;
    };
    std::uint64_t end = 0; // behind the last one that was handed out
    Run const own = run;   // nobody else sees it: it stays in registers
    object_visitor<events, stored_events<events>> visit;
    try {
      // Nothing is noted of an event that goes well: the loop is as short as one that is written by hand.
      while (i < size) {
        if constexpr (any_upcastable<stored_events<events>>::value) touched = false;
        if (visit(own[i], one)) [[likely]] {
          ++i;
          continue;
        }
        if (visit.learn(own[i])) continue;
        if (wanted(run, i)) break;
        ++others;
        if (others_to != i) others_from = i;
        others_to = ++i;
      }
      end = others != 0 && others_to == i ? others_from : i;
    } catch (...) {
      taken.more = thrown_in(run, i);
      end = ++i;
    }
    if (end != taken.seen) {
      std::uint64_t const handed_out = i - taken.seen - others;
      done_.events += handed_out;
      done_.last = run[end - 1].position();
      done_.touched = touched;
      taken.handed_out += handed_out;
    }
    taken.seen = i;
  }

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

  // Functions of their own, so that the loop keeps nothing for them.
  template <class Run> [[gnu::noinline]] static bool wanted(Run const& run, std::uint64_t i) {
    return run.wanted(i);
  }
  template <class Run> [[gnu::noinline, gnu::cold]] bool thrown_in(Run const& run, std::uint64_t i) {
    return thrown(run[i].open().at);
  }
  [[gnu::noinline, gnu::cold]] bool thrown(envelope const& at) {
    return stop(projection_failed(P::name, at, current_exception_error("on")));
  }
  // There is nothing more to take.
  [[gnu::noinline, gnu::cold]] bool stop(error why) {
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
// throw becomes errc::handler_failed. `apply` may take an unopened_event in place of the envelope.
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
