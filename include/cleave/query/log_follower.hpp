// SPDX-License-Identifier: BSL-1.0
// Follows the log for any consumer that is no projection: a mailer, an export, a bridge to another system.
//
//   struct mailer {
//     using events = cleave::event_set<order_placed>;                         // left out: every event, as the log holds it
//     static constexpr std::string_view name = "mailer.v1";
//     cleave::result<void> on(order_placed const& e, cleave::envelope const& at);       // or void; `at` may be left out
//     void on_live(cleave::position reached);                                 // optional: it has caught up with the log
//   };
//   cleave::log_follower mails(store, mailer{}, {.from = cleave::log_start::now()}, read_store);
//   cleave::step_thread const runs(mails, store.commits(), 50'000);
//
// It reads the log by position, and takes in no more than it can hand out: a consumer that is slow is behind, and nothing piles up
// on the way. Catch-up and live are the same reads, so that nothing is lost or told twice where one goes over into the other.
#pragma once

#include <cleave/base/step.hpp>
#include <cleave/event/event_set.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/query/progress.hpp>
#include <cleave/query/read_store.hpp>

#include <mutex>
#include <optional>
#include <utility>

namespace cleave {

// Where a consumer begins that has no acknowledged position yet.
class log_start {
public:
  static constexpr log_start beginning() noexcept { return log_start(position()); }
  static constexpr log_start after(position p) noexcept { return log_start(p); }
  // Behind the event that is the last one when the follower is made. A log without events has no such place: whoever began there
  // and has heard nothing begins at the "now" of its next life.
  static constexpr log_start now() noexcept { return log_start(std::nullopt); }

  constexpr std::optional<position> const& place() const noexcept { return place_; }

private:
  constexpr explicit log_start(std::optional<position> place) noexcept : place_(place) {}
  std::optional<position> place_;
};

struct follow_options {
  log_start from = log_start::beginning();
  // Events of one step at the most, 1 or more. They are read in one snapshot of the log, which a store keeps as long as the
  // consumer takes for them, and acknowledged together: so many come again after a crash.
  std::uint64_t batch = 100;
};

namespace detail {

template <class C>
concept typed_consumer = requires { requires is_event_set<typename C::events>; };

// Where a consumer's acknowledged position is stored, if it is stored here.
struct acknowledgements {
  void* rows = nullptr;
  result<position> (*load)(void* rows, std::string_view name) = nullptr;
  result<void> (*save)(void* rows, std::string_view name, position from, position to) = nullptr;

  template <class R> static acknowledgements in(R& rows) noexcept {
    return {.rows = &rows,
            .load = [](void* r, std::string_view name) { return static_cast<R*>(r)->checkpoint(name); },
            .save =
                [](void* r, std::string_view name, position from, position to) {
                  return static_cast<R*>(r)->apply(
                      name, from, [&](typename R::session&) -> result<position> { return to; });
                }};
  }
};

// "consumer mailer.v1 failed at event ..."
error consumer_failed(std::string_view consumer, envelope const& at, error cause);

} // namespace detail

// Owns one consumer. Any thread, all functions: steps take turns, and the consumer is called by one at a time, in order of position.
// The log, and the read store, must outlive it.
template <class Consumer, class Store> class log_follower {
  static_assert(
      requires { std::string_view(Consumer::name); },
      "cleave: a consumer of the log has a name: add `static constexpr std::string_view name = \"...v1\"`");

public:
  // The consumer acknowledges for itself: it knows what it has had, and says so by log_start::after.
  log_follower(Store& log, Consumer consumer, follow_options const& options)
      : log_follower(log, std::move(consumer), options, detail::acknowledgements{}) {}
  // The position is kept in the read store, as the checkpoint of the consumer's name, behind each batch: after a crash the events of
  // the last batch are handed out again. When one is there, options.from does not count.
  template <read_store ReadStore>
  log_follower(Store& log, Consumer consumer, follow_options const& options, ReadStore& rows)
      : log_follower(log, std::move(consumer), options, detail::acknowledgements::in(rows)) {}

  projection_progress& progress() noexcept { return progress_; }
  // Everything up to here has been handed to the consumer.
  position reached() const noexcept { return progress_.reached(); }

  // Hands out one batch. When the consumer fails, or throws, or the log or the read store does, the follower stops: what came
  // before the event that failed is acknowledged, and progress().status() tells why. To go on, make a new one.
  cleave::step step() noexcept {
    std::scoped_lock const lock(stepping_);
    if (progress_.failed()) return step::failed;
    try {
      auto const before = reached();
      auto done = begin();
      if (done) done = hand_out();
      if (done) {
        if (reached() > before || *done > before) return step::worked;
        if (!live_) tell_live();
        return step::idle;
      }
      progress_.fail(std::move(done).error());
    } catch (...) {
      progress_.fail(detail::current_exception_error("on_live"));
    }
    return step::failed;
  }

private:
  log_follower(Store& log, Consumer consumer, follow_options const& options, detail::acknowledgements kept)
      : log_(log),
        consumer_(std::move(consumer)),
        batch_(options.batch),
        kept_(kept),
        progress_(Consumer::name) {
    CLEAVE_ASSERT(options.batch >= 1, "follow_options::batch is at least 1");
    // At once, not in the first step: what is appended from now on is to be seen.
    start_ = options.from.place() ? result<position>(*options.from.place()) : log_.head();
  }

  // Where to go on. The first step stores it, whether there is an event or not, so that the next life does not begin elsewhere.
  result<position> begin() {
    if (begun_) return reached();
    if (!start_) return start_;
    position at = *start_;
    if (kept_.load != nullptr) {
      auto found = kept_.load(kept_.rows, Consumer::name);
      if (!found) return found;
      saved_ = *found;
      if (*found > position()) at = *found;
    }
    begun_ = true;
    progress_.advance(at);
    return at;
  }

  result<position> hand_out() {
    position last = reached();
    std::optional<error> failed;
    auto const sink = [&](recorded_event const& recorded) {
      live_ = false;
      try {
        auto good = hand_to_consumer(recorded);
        if (!good) failed = detail::consumer_failed(Consumer::name, recorded.at, std::move(good).error());
      } catch (...) {
        failed = detail::consumer_failed(Consumer::name, recorded.at, detail::current_exception_error("on"));
      }
      if (failed) return false;
      last = recorded.at.position;
      progress_.advance(last);
      return true;
    };
    log_range range{.after = last, .limit = batch_};
    auto read = [&] {
      if constexpr (detail::typed_consumer<Consumer>) {
        query_item const item{.names = stored_names<typename Consumer::events>};
        range.filter = {{&item, 1}};
        return log_.read_all(range, sink);
      } else {
        return log_.read_all(range, sink);
      }
    }();
    if (!read) failed = std::move(read).error();
    else if (!failed) last = *read;
    if (auto saved = save(last); !saved) return unexpected(std::move(saved).error());
    if (failed) return unexpected(std::move(*failed));
    progress_.advance(last);
    return last;
  }

  result<void> hand_to_consumer(recorded_event const& recorded) {
    result<void> good;
    auto const call = [&](auto const&... arguments) {
      if (!good) return;
      if constexpr (std::is_void_v<decltype(consumer_.on(arguments...))>) consumer_.on(arguments...);
      else good = consumer_.on(arguments...);
    };
    if constexpr (detail::typed_consumer<Consumer>) {
      auto known = visit_event<typename Consumer::events>(
          recorded, [&](auto const& event, envelope const& at) {
            if constexpr (requires { consumer_.on(event, at); }) call(event, at);
            else call(event);
          });
      if (!known) return unexpected(std::move(known).error());
    } else {
      call(recorded);
    }
    return good;
  }

  result<void> save(position to) {
    if (kept_.save == nullptr || to <= saved_) return {};
    auto saved = kept_.save(kept_.rows, Consumer::name, saved_, to);
    if (saved) saved_ = to;
    return saved;
  }

  void tell_live() {
    live_ = true;
    if constexpr (requires { consumer_.on_live(reached()); }) consumer_.on_live(reached());
  }

  Store& log_;
  Consumer consumer_;
  std::uint64_t batch_;
  detail::acknowledgements kept_;
  projection_progress progress_;
  result<position> start_ = position();
  std::mutex stepping_; // guards what follows, and the consumer
  position saved_;      // the acknowledged position as it is stored
  bool begun_ = false;
  bool live_ = false;
};

} // namespace cleave
