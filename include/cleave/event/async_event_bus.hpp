// SPDX-License-Identifier: BSL-1.0
// The event bus that delivers on other threads: a bounded ring of events, read in place by consumers with a thread each.
//
//   async_event_bus<order_placed> bus;                                         // or <event_set<order_placed, order_paid>>
//   auto const stored = bus.subscribe([](order_placed const& e) { ... });      // sees every event, in order
//   bus.subscribe([](std::span<order_placed const> batch) { ... }, {stored});  // each event when `stored` is done with it
//   bus.compete(4, [](order_placed const& e) { ... });                         // each event goes to one of four
//   bus.partition(4, [](order_placed const& e) { return e.customer; }, [](order_placed const& e) { ... }); // by key, in order
//   bus.start();
//   if (bus.publish(order_placed{...}) != publish_outcome::taken) ...
//   bus.close(closing::drain);
//
// How the ring works, and why it is right, is in detail/ring.hpp. For subscribers on the publishing thread see event_bus.hpp.
#pragma once

#include <cleave/base/step.hpp>
#include <cleave/event/async_options.hpp>
#include <cleave/event/detail/async_consumer.hpp>
#include <cleave/event/detail/async_pace.hpp>
#include <cleave/event/detail/ring.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>

namespace cleave {

// Consumers that were added together.
class consumers {
public:
  std::size_t first = 0; // numbers for step()
  std::size_t count = 0;

private:
  template <class, producers> friend class async_event_bus;
  consumers(std::size_t first_consumer, std::size_t number, std::size_t stage, std::size_t stages) noexcept
      : first(first_consumer), count(number), first_stage_(stage), stages_(stages) {}
  std::size_t first_stage_;
  std::size_t stages_;
};

// Add all consumers, then start(), then publish: from one thread at a time or from any (P). Or do not start, and call step() for
// every consumer, on one thread or on several.
//
// E is one event type, or an event_set: then handlers get those of its events that they are callable with. Events need a default
// constructor and a move assignment that does not throw. No event is allocated: it is copied or moved into its place over the one
// that was there before, and lives there until it is overwritten in turn.
//
// A publisher that finds the ring full does what async_event_bus_options::full says. It never waits inside a handler of any
// asynchronous bus: it gets publish_outcome::may_not_wait, so buses whose handlers publish on one another do not wait in a circle.
//
// An exception of a handler is caught, counted, and told to async_event_bus_options::failures. The handler gets the next event
// (or, if it takes batches, the next batch) all the same.
template <class E, producers P = producers::many> class async_event_bus {
  using slots = detail::async_slot<E>;
  using consumer = detail::async_consumer<E>;

public:
  using slot = typename slots::type; // what lies in the ring: E, or a std::variant of the events of a set

private:
  static_assert(
      std::is_default_constructible_v<slot> && std::is_nothrow_move_assignable_v<slot>,
      "cleave: an event of async_event_bus needs a default constructor and a move assignment that is noexcept");
  using ring = detail::ring<slot, P>;
  using stage = typename ring::stage;

public:
  static constexpr std::size_t capacity_max = ring::capacity_max; // 2^24
  static constexpr std::size_t consumers_max = 256;
  static constexpr std::size_t stages_max =
      stage::stages_max; // 64: a call of subscribe or compete adds one, partition its parts
  static constexpr std::size_t workers_max = ring::workers_max; // 64 that compete with one another

  // May throw std::bad_alloc and what an event's constructor throws.
  explicit async_event_bus(async_event_bus_options options = {})
      : options_(options), ring_(options.capacity, options.full) {
    CLEAVE_ASSERT(options.batch >= 1, "a batch has one event or more");
    CLEAVE_ASSERT(std::is_copy_assignable_v<slot> || options.full != when_full::drop_oldest,
                  "with when_full::drop_oldest consumers copy events, and these cannot be copied");
  }
  async_event_bus(async_event_bus const&) = delete;
  async_event_bus& operator=(async_event_bus const&) = delete;
  // close(closing::discard). Not inside a handler of this bus (asserted); nobody publishes or steps any more.
  ~async_event_bus() {
    CLEAVE_ASSERT(!threads_.includes_this_thread(), "an async_event_bus is destroyed by its own handler");
    close(closing::discard);
    for (std::size_t i = 0; i < consumer_count_; ++i) delete consumers_[i];
    while (handlers_ != nullptr) {
      auto* const gone = std::exchange(handlers_, handlers_->next);
      gone->destroy(gone);
    }
  }

  // --- consumers: before start() and the first event. May throw std::bad_alloc and what moving the functions throws. ---

  // One consumer that sees every event, in order. The handler is callable with (E const&), or with (std::span<slot const>): then
  // it gets events that lie side by side, up to options.batch at once. It gets an event when those of `after` are done with it
  // (not with when_full::drop_oldest).
  template <class F> consumers subscribe(F handler, std::initializer_list<consumers> after = {}) {
    return add(1, 1, std::move(handler), after);
  }
  // `workers` consumers that share the events: each goes to one of them, the order among them is lost. They call one handler,
  // several at once.
  template <class F>
  consumers compete(std::size_t workers, F handler, std::initializer_list<consumers> after = {}) {
    return add(1, workers, std::move(handler), after);
  }
  // `parts` consumers, each with the events of some keys: those of one key stay in order. key(E const&) gives an integer or an
  // enumeration (of a text, its hash). They call one handler and one key function, several at once.
  template <class Key, class F>
  consumers partition(std::size_t parts, Key key, F handler, std::initializer_list<consumers> after = {}) {
    return add(parts, 1, detail::keyed_handler<Key, F>{std::move(key), std::move(handler)}, after);
  }

  // A thread for each consumer. Once. May throw std::bad_alloc and std::system_error; the bus is closed then.
  void start() {
    bool const again = started_.exchange(true, std::memory_order_relaxed);
    CLEAVE_ASSERT(!again, "an async_event_bus is started twice");
    try {
      threads_.start(consumer_count_, this, [](void* bus, std::size_t number) noexcept {
        static_cast<async_event_bus*>(bus)->run(number);
      });
    } catch (...) {
      close(closing::discard);
      throw;
    }
  }

  // In the place of start(): one batch for consumer `number`. worked; or idle until something is published or, for consumers after
  // others, until these have worked. A consumer on one thread at a time, and not inside its own handler (asserted).
  cleave::step step(std::size_t number) noexcept {
    CLEAVE_ASSERT(!started_.load(std::memory_order_relaxed),
                  "an async_event_bus that was started is stepped");
    CLEAVE_ASSERT(number < consumer_count_, "an async_event_bus has no consumer of that number");
    consumer& c = *consumers_[number];
    CLEAVE_ASSERT(!c.stepped, "a consumer of an async_event_bus is stepped twice at once");
    c.stepped = true;
    bool const worked = handle_batch(c) != 0;
    c.stepped = false;
    return worked ? cleave::step::worked : cleave::step::idle;
  }
  // Whether the bus is closed and the consumer has nothing left to do.
  bool is_done(std::size_t number) const noexcept {
    return discarding_.load(std::memory_order_acquire) || ring_.is_at_end(*consumers_[number]->stage);
  }

  // --- publishing ---
  //
  // Publishers that meet (producers::many) take turns, always, also inside handlers and where a full ring is refused at once: one
  // waits some microseconds for another that publishes without pause, or for one that has just stopped doing so.

  // Copies or moves the event into the ring. What copying throws passes through; then nothing was published.
  template <class Event>
    requires(slots::template holds<std::remove_cvref_t<Event>>)
  publish_outcome publish(Event&& event) noexcept(std::is_nothrow_assignable_v<slot&, Event&&>) {
    if constexpr (std::is_nothrow_assignable_v<slot&, Event&&>) {
      return publish_by(1, [&](slot& place, std::size_t) { place = std::forward<Event>(event); });
    } else {
      return publish(std::remove_cvref_t<Event>(event)); // what can throw happens before a place is claimed
    }
  }
  // All of them side by side, or none. At most as many as the capacity.
  publish_outcome publish(std::span<slot const> events) noexcept
    requires std::is_nothrow_copy_assignable_v<slot>
  {
    CLEAVE_ASSERT(events.size() <= ring_.capacity(),
                  "more events are published at once than the ring can hold");
    if (events.empty()) return publish_outcome::taken;
    return publish_by(events.size(), [&](slot& place, std::size_t i) { place = events[i]; });
  }

  // Takes no more events, and waits until the threads are done. May be called again and by several threads: discarding cuts
  // draining short. Inside a handler of this bus, and when the bus was not started, it does not wait.
  void close(closing how) noexcept {
    if (how == closing::discard) discarding_.store(true, std::memory_order_release);
    ring_.close();
    if (!threads_.includes_this_thread()) threads_.join();
  }

  // --- what became of the events; from any thread ---

  // How many handler calls threw (or copies, with when_full::drop_oldest).
  std::uint64_t failed(consumers const& of) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < of.count; ++i) {
      sum += consumers_[of.first + i]->failed.load(std::memory_order_relaxed);
    }
    return sum;
  }
  // Events that gave way to newer ones before these could take them; of a partition, the sum over its parts.
  std::uint64_t dropped(consumers const& of) const noexcept {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < of.stages_; ++i) {
      sum += stages_[of.first_stage_ + i]->dropped.load(std::memory_order_relaxed);
    }
    return sum;
  }
  // Events that these have not taken yet, at this moment: the depth of their queue; of a partition, the most of any part.
  std::uint64_t waiting(consumers const& of) const noexcept {
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < of.stages_; ++i) {
      std::uint64_t const taken = stages_[of.first_stage_ + i]->reached(); // first: it grows
      std::uint64_t const all = ring_.size();
      if (all > taken && all - taken > most) most = all - taken;
    }
    return most;
  }
  // Events that these will not handle any more, after close(closing::discard); of a partition, the most of any part.
  std::uint64_t discarded(consumers const& of) const noexcept {
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < of.stages_; ++i) {
      std::uint64_t const left = ring_.end() - stages_[of.first_stage_ + i]->reached();
      if (left > most) most = left;
    }
    return most;
  }

private:
  // How long to poll, then to yield, before parking.
  static constexpr unsigned polls = 400;
  static constexpr unsigned yields = 100;

  template <class F>
  consumers add(std::size_t stages, std::size_t workers, F function, std::initializer_list<consumers> after) {
    CLEAVE_ASSERT(!started_.load(std::memory_order_relaxed),
                  "a consumer is added to an async_event_bus that was started");
    CLEAVE_ASSERT(stages >= 1 && workers >= 1 && workers <= workers_max &&
                      stages * workers <= consumers_max - consumer_count_,
                  "an async_event_bus has at most 256 consumers");
    stage* before[stages_max] = {};
    std::size_t before_count = 0;
    for (consumers const& group : after) {
      for (std::size_t i = 0; i < group.stages_; ++i) {
        CLEAVE_ASSERT(before_count < stages_max, "a consumer comes after more than 64 others");
        before[before_count++] = stages_[group.first_stage_ + i];
      }
    }
    auto* const handler = new detail::async_handler_of<F>(std::move(function));
    handler->next = std::exchange(handlers_, handler);
    consumers const added(consumer_count_, stages * workers, stage_count_, stages);
    for (std::size_t part = 0; part < stages; ++part) {
      stage& s = ring_.add_stage(workers, before, before_count);
      stages_[stage_count_++] = &s;
      for (std::size_t worker = 0; worker < workers; ++worker) {
        auto* const c = consumers_[consumer_count_++] = new consumer;
        c->stage = &s;
        c->worker = worker;
        c->part = part;
        c->parts = stages;
        c->handler = handler;
        c->hand_over_batch = &consumer::template hand_over<F>;
        c->failures = options_.failures;
        if (options_.full == when_full::drop_oldest) c->copies = new slot[options_.batch]{};
      }
    }
    return added;
  }

  std::size_t handle_batch(consumer& c) noexcept {
    if (discarding_.load(std::memory_order_acquire)) return 0;
    if constexpr (std::is_copy_assignable_v<slot>) {
      if (options_.full == when_full::drop_oldest) return handle_copies(c);
    }
    auto const taken = ring_.take(*c.stage, c.worker, options_.batch);
    if (taken.count == 0) return 0;
    {
      detail::in_async_handler const mark;
      // The places from `first` on to the end of the array, then those at its beginning.
      std::size_t const until_end = ring_.capacity() - (taken.first & (ring_.capacity() - 1));
      std::size_t const side_by_side = taken.count < until_end ? taken.count : until_end;
      c.hand_over_batch(c, &ring_[taken.first], side_by_side);
      if (taken.count > side_by_side) {
        c.hand_over_batch(c, &ring_[taken.first + side_by_side], taken.count - side_by_side);
      }
    }
    ring_.finish(*c.stage, c.worker, taken);
    return taken.count;
  }

  // What copying throws is reported afterwards: producers wait for the copying, and who hears the report might publish.
  std::size_t handle_copies(consumer& c) noexcept {
    std::size_t copied = 0;
    std::uint64_t lost = 0;
    std::exception_ptr why;
    std::size_t const count = ring_.copy_out(*c.stage, options_.batch, [&](slot const& event) {
      try {
        c.copies[copied] = event;
        ++copied;
      } catch (...) {
        why = std::current_exception();
        ++lost;
      }
    });
    detail::in_async_handler const mark;
    if (lost != 0) {
      c.failed.fetch_add(lost - 1, std::memory_order_relaxed);
      c.contain(detail::type_text<E>, [&] { std::rethrow_exception(why); });
    }
    if (copied != 0) c.hand_over_batch(c, c.copies, copied);
    return count;
  }

  void run(std::size_t number) noexcept {
    consumer& c = *consumers_[number];
    detail::async_pace pace;
    for (;;) {
      std::size_t const handled = handle_batch(c);
      unsigned const moment = pace.after(handled);
      if (handled == 0) {
        if (is_done(number)) return;
        wait(ring_.readers(),
             [&] { return discarding_.load(std::memory_order_acquire) || ring_.has_news(*c.stage); });
      } else if (options_.waits != waiting::park) {
        for (unsigned i = 0; i < moment; ++i) detail::native_machine::relax();
      }
    }
  }

  template <class Sleepers, class Ready> void wait(Sleepers& with, Ready ready) noexcept {
    if (options_.waits != waiting::park) {
      for (unsigned round = 0; round < polls; ++round) {
        if (ready()) return;
        detail::native_machine::relax();
      }
      for (unsigned round = 0; options_.waits == waiting::spin || round < yields; ++round) {
        if (ready()) return;
        detail::native_machine::yield(); // a thread that this one waits for may need this core
      }
    }
    with.park(ready);
  }

  template <class Fill> publish_outcome publish_by(std::size_t count, Fill fill) noexcept {
    std::uint64_t first = 0;
    publish_outcome claimed = ring_.claim(count, first);
    if (claimed != publish_outcome::taken) [[unlikely]] {
      claimed = claim_later(claimed, count, first);
      if (claimed != publish_outcome::taken) return claimed;
    }
    for (std::size_t i = 0; i < count; ++i) fill(ring_[first + i], i);
    ring_.publish(first, count);
    return publish_outcome::taken;
  }
  // Waits for room, where it may, and claims again. `claimed` is why there is none yet.
  [[gnu::noinline]] publish_outcome claim_later(publish_outcome claimed, std::size_t count,
                                                std::uint64_t& first) noexcept {
    while (claimed == publish_outcome::full && options_.full == when_full::wait) {
      if (!started_.load(std::memory_order_relaxed) || detail::in_async_handler::now()) {
        return publish_outcome::may_not_wait;
      }
      wait(ring_.writers(), [&] { return ring_.has_room(count) || ring_.is_closed(); });
      claimed = ring_.claim(count, first);
    }
    return claimed;
  }

  async_event_bus_options options_;
  ring ring_;
  stage* stages_[stages_max] = {};
  std::size_t stage_count_ = 0;
  consumer* consumers_[consumers_max] = {};
  std::size_t consumer_count_ = 0;
  detail::async_handler* handlers_ = nullptr;
  std::atomic<bool> started_{false};
  std::atomic<bool> discarding_{false};
  detail::consumer_threads threads_;
};

} // namespace cleave
