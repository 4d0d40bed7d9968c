// SPDX-License-Identifier: BSL-1.0
// The in-process event bus whose subscribers come and go at run time. Publishing calls them on the publishing thread.
//
//   event_bus bus;
//   auto sub = bus.subscribe<order_placed>([&](order_placed const& e) { ... });   // until sub is destroyed
//   bus.publish(order_placed{...});
//
// For subscribers that are known at compile time see static_event_bus.hpp, for delivery on other threads async_event_bus.hpp.
//
// How publishing does without a lock. The handlers of one event type are a list that does not change, but for a handler's call,
// which is changed once, to one that does nothing. In a word of its own thread (`walking`) a publisher announces which entry of
// the list it is about to look at and to call, reads afterwards what is to be called there, and for the first entry also whether
// the list is still the current one; if not, it begins again. Who changes something (puts a new list in the place of the old
// one, or a call that does nothing in the place of a handler's) does so first and reads the words of all threads afterwards.
// Between its two steps each side needs a full barrier, or both could miss each other. The publisher's is free, it only stops
// the compiler, because the other side's is one in every running thread of the process (membarrier(2)):
//   either the publisher announced before it: then the other side sees the announcement, and waits, or leaves the memory alone;
//   or the publisher announced after it: then it reads the new list, and the call that does nothing.
// The other way round, what a handler did happens before its destruction: a publisher announces the next entry, and the end,
// with release, and the other side reads the words with acquire. This is the hazard pointer (Michael, "Hazard Pointers", 2004)
// with the asymmetric barrier (Dice, Huang, Yang, "Asymmetric Dekker Synchronization", 2001; P1202). Where there is no
// membarrier(2), publishers announce with a sequentially consistent store instead, in publish_unusual.
//
// Objects of one class often subscribe in a row. Their entries have the same call, and that goes on by itself from entry to
// entry for as long as it finds itself there, so that the compiler can inline the handler. It announces each entry and reads its
// call afterwards like everybody else; so to those that end subscriptions it is the same whether a call came from this loop.
// The parts that run rarely are in src/event/event_bus*.cpp.
#pragma once

#include <cleave/event/detail/bus_channel.hpp>
#include <cleave/event/envelope.hpp>
#include <cleave/event/fwd.hpp>
#include <cleave/event/handler_failure.hpp>
#include <cleave/event/subscription.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cleave {

namespace detail {

struct bus_entry;
struct bus_step;
// Calls the handler of `entry`, which `word` announces, and those behind it that have the same call.
using handler_call = bus_step(bus_entry const* entry, void const* event, envelope const& at,
                              bus_entry const*& word);
struct bus_entry {
  std::atomic<handler_call*> call; // nullptr: the end of the list
  void* context;
};
// Where a walk is: an announced entry, and what was read there afterwards.
struct bus_step {
  bus_entry const* entry;
  handler_call* call;
};
using bus_list = std::atomic<bus_entry const*>;

// The entry that this thread's outermost publish is at; nullptr: no publish. A thread begins with another value, and keeps that
// where this kind of announcement would not do, so that publish() has one test for everything unusual.
// Only its thread changes it, and may therefore read it plainly; everything else is atomic.
extern constinit thread_local bus_entry const* walking [[gnu::tls_model("initial-exec")]];
using announcement = std::atomic_ref<bus_entry const*>;

// Whose barrier stands between a publisher's announcement and what it reads next: the one that the other side makes in the whole
// process (membarrier(2)), or its own.
enum class bus_barrier : std::uint8_t { process, own };

template <bus_barrier Barrier> void announce(bus_entry const*& word, bus_entry const* entry) noexcept {
  if constexpr (Barrier == bus_barrier::process) {
    announcement(word).store(entry, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst); // the free half of the asymmetric barrier
  } else {
    announcement(word).store(entry, std::memory_order_seq_cst);
  }
}

template <bus_barrier Barrier>
bus_step step_to(bus_entry const*& word, bus_entry const* entry) noexcept {
  announce<Barrier>(word, entry);
  return {entry, entry->call.load(std::memory_order_seq_cst)};
}

// The list was replaced while its first entry was announced: announces that of the one that stays, and returns it.
template <bus_barrier Barrier>
[[gnu::noinline, gnu::cold]] bus_entry const* announce_first(bus_entry const*& word,
                                                             bus_list const& list) noexcept {
  for (;;) {
    bus_entry const* const entry = list.load(std::memory_order_acquire);
    announce<Barrier>(word, entry);
    if (list.load(std::memory_order_seq_cst) == entry) return entry;
  }
}

template <bus_barrier Barrier> bus_step first_step(bus_entry const*& word, bus_list const& list) noexcept {
  bus_entry const* entry = list.load(std::memory_order_acquire);
  announce<Barrier>(word, entry);
  if (list.load(std::memory_order_seq_cst) != entry) [[unlikely]]
    entry = announce_first<Barrier>(word, list);
  return {entry, entry->call.load(std::memory_order_seq_cst)};
}

// A handler in the heap.
struct bus_object {
  void (*destroy)(bus_object*) noexcept;
  bus_object* next = nullptr;
};
template <class E, class F> struct bus_object_of : bus_object {
  F handler;

  static void destroy_this(bus_object* object) noexcept { delete static_cast<bus_object_of*>(object); }

  template <bus_barrier Barrier>
  static bus_step call(bus_entry const* entry, void const* event, [[maybe_unused]] envelope const& at,
                       bus_entry const*& word) {
    for (;;) {
      auto& h = static_cast<bus_object_of*>(static_cast<bus_object*>(entry->context))->handler;
      auto const& e = *static_cast<E const*>(event);
      if constexpr (std::is_invocable_v<F&, E const&, envelope const&>) h(e, at);
      else h(e);
      bus_step const next = step_to<Barrier>(word, entry + 1);
      if (next.call != &call<Barrier>) return next;
      entry = next.entry;
    }
  }
};

inline constexpr envelope empty_envelope{};

struct bus_state;

} // namespace detail

// Any function may be called from any thread at once, also inside handlers; only construction and destruction must not overlap
// with other calls (a bus that is destroyed while it publishes is found out and stops the program).
class event_bus {
public:
  // How deep publishes may nest in handlers of a thread (all its buses together). A deeper one is not delivered and counts as
  // one failure, told as errc::limit_exceeded.
  static constexpr std::size_t nesting_max = 64;

  event_bus(); // may throw std::bad_alloc
  event_bus(event_bus const&) = delete;
  event_bus& operator=(event_bus const&) = delete;
  ~event_bus();

  // `handler` is called with (E const&) or (E const&, envelope const&) for each event of type E that is published afterwards,
  // in the order of subscription. It is called by every publishing thread, so by several at once if there are several. A
  // publish that is under way does not call it. May throw std::bad_alloc and what moving the handler throws.
  template <class E, class F> [[nodiscard]] subscription subscribe(F&& handler) {
    using stored = std::decay_t<F>;
    using object = detail::bus_object_of<E, stored>;
    static_assert(std::is_same_v<E, std::remove_cvref_t<E>>,
                  "cleave: subscribe<E> wants the plain event type, without const or &");
    static_assert(
        (std::is_invocable_v<stored&, E const&, envelope const&> || std::is_invocable_v<stored&, E const&>),
        "cleave: the handler of subscribe<E> must be callable with (E const&) or (E const&, envelope const&)");
    return add(detail::bus_channel<E>, new object{{&object::destroy_this}, std::forward<F>(handler)},
               &object::template call<detail::bus_barrier::process>,
               &object::template call<detail::bus_barrier::own>);
  }

  // Calls the handlers of E on this thread; `at` is what those that take an envelope get. A handler that throws does not keep
  // the event from the others: the exception is caught and told as an event handler_failure (what the handlers of that one
  // throw is only counted). Returns how many handlers threw. Never allocates, takes no lock.
  // Always inlined, because that halves what an event with one subscriber costs; it is some forty instructions.
  template <class E>
  [[gnu::always_inline]] std::size_t publish(E const& event,
                                             envelope const& at = detail::empty_envelope) noexcept {
    return publish_any(detail::bus_channel<E>, &event, at, detail::type_text<E>);
  }
  // The same for each event of an append, in the order of the log, with the envelope that it has there. The events are objects;
  // where the request names several streams, all but the last expect an exact version.
  void publish(append_request const& request, appended const& done) noexcept;

private:
  void publish_heard(append_request const& request, appended const& done) noexcept;
  [[gnu::always_inline]] std::size_t publish_any(std::atomic<std::uint32_t> const& number, void const* event,
                                                 envelope const& at, std::string_view type) noexcept {
    detail::bus_entry const*& word = detail::walking;
    if (word != nullptr) [[unlikely]]
      return publish_unusual(number, event, at, type);
    return walk<detail::bus_barrier::process>(word, list_of(number), event, at, type);
  }
  // In this order: every table is large enough for a number before the number can be seen.
  detail::bus_list const& list_of(std::atomic<std::uint32_t> const& number) const noexcept {
    std::uint32_t const channel = number.load(std::memory_order_acquire);
    return lists_.load(std::memory_order_acquire)[channel];
  }
  // Calls all handlers of the list. Returns how many threw. The first call stands apart from the loop: where it is the only one,
  // nothing has to be kept for a next one.
  template <detail::bus_barrier Barrier>
  [[gnu::always_inline]] std::size_t walk(detail::bus_entry const*& word, detail::bus_list const& list,
                                          void const* event, envelope const& at,
                                          std::string_view type) noexcept {
    detail::bus_step step = detail::first_step<Barrier>(word, list);
    std::size_t failed = 0;
    if (step.call != nullptr) {
      failed = call_run<Barrier>(word, step, event, at, type);
      if (step.call != nullptr) [[unlikely]] {
        do failed += call_run<Barrier>(word, step, event, at, type);
        while (step.call != nullptr);
      }
    }
    detail::announcement(word).store(nullptr, std::memory_order_release);
    return failed;
  }
  // Calls the handlers from `step` on that have the same call, up to one that throws, and takes the step behind them. Returns
  // how many threw.
  template <detail::bus_barrier Barrier>
  [[gnu::always_inline]] std::size_t call_run(detail::bus_entry const*& word, detail::bus_step& step,
                                              void const* event, envelope const& at,
                                              std::string_view type) noexcept {
    try {
      step = step.call(step.entry, event, at, word);
      return 0;
    } catch (...) {
      report_failure(type);
    }
    step = detail::step_to<Barrier>(word, word + 1); // behind the one that threw
    return 1;
  }
  // Which of the two calls is used depends on the system.
  subscription add(std::atomic<std::uint32_t>& channel, detail::bus_object* object,
                   detail::handler_call* with_process_barrier, detail::handler_call* with_own_barrier);
  std::size_t publish_unusual(std::atomic<std::uint32_t> const& number, void const* event, envelope const& at,
                              std::string_view type) noexcept;
  void report_failure(std::string_view type) noexcept; // inside a catch block

  std::atomic<detail::bus_list*> lists_{
      nullptr}; // by channel; every table is large enough for every number given out
  detail::bus_state* state_ = nullptr;
  friend struct detail::bus_state;
};

} // namespace cleave
