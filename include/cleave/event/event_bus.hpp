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
// which is changed once, to a function that does nothing. In a word of its own thread (`walking`) a publisher announces that it
// is about to read where the list is, then which entry it is about to read and call. Who changes something (puts a new list in
// the place of the old one, or a call that does nothing in the place of a handler's) does so first and reads the words of all
// threads afterwards. Between its two steps each side needs a full barrier, or both could miss each other. The publisher's is
// free, it only stops the compiler, because the other side's is one in every running thread of the process (membarrier(2)):
//   either the publisher announced before it: then the other side sees the announcement, and waits, or leaves the memory alone;
//   or the publisher announced after it: then it reads the new list, and the call that does nothing.
// The other way round, what a handler did happens before its destruction: a publisher announces the next entry, and the end,
// with release, and the other side reads the words with acquire. This is the hazard pointer (Michael, "Hazard Pointers", 2004)
// with the asymmetric barrier (Dice, Huang, Yang, "Asymmetric Dekker Synchronization", 2001; P1202). Where there is no
// membarrier(2), publishers announce with a sequentially consistent store instead, in publish_unusual. The parts that run
// rarely are in src/event/event_bus*.cpp.
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

// A handler in the heap.
struct bus_object {
  void (*destroy)(bus_object*) noexcept;
  bus_object* next = nullptr;
};
template <class F> struct bus_object_of : bus_object {
  F handler;
};

using handler_call = void(void* context, void const* event, envelope const& at);
struct bus_entry {
  std::atomic<handler_call*> call;
  void* context;
  std::atomic<bool> last; // a list has at least one entry, if only one that does nothing
};
using bus_list = std::atomic<bus_entry const*>;

// The entry that this thread's outermost publish is at; nullptr: no publish. A thread begins with another value, and keeps that
// where this kind of announcement would not do, so that publish() has one test for everything unusual.
// Only its thread changes it, and may therefore read it plainly; everything else is atomic.
extern constinit thread_local bus_entry const* walking [[gnu::tls_model("initial-exec")]];
using announcement = std::atomic_ref<bus_entry const*>;
// What `walking` says between the decision to publish and the first entry. No entry has this address.
inline bus_entry const* entering() noexcept {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): never followed
  return reinterpret_cast<bus_entry const*>(std::uintptr_t{1});
}

inline constexpr envelope empty_envelope{};

struct bus_state;
std::size_t publish_unusual(bus_state& bus, bus_list& list, void const* event, envelope const& at,
                            std::string_view type) noexcept;

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
    using object = detail::bus_object_of<stored>;
    constexpr bool takes_envelope = std::is_invocable_v<stored&, E const&, envelope const&>;
    static_assert(std::is_same_v<E, std::remove_cvref_t<E>>,
                  "cleave: subscribe<E> wants the plain event type, without const or &");
    static_assert(
        takes_envelope || std::is_invocable_v<stored&, E const&>,
        "cleave: the handler of subscribe<E> must be callable with (E const&) or (E const&, envelope const&)");
    return add(detail::bus_channel<E>,
               new object{{[](detail::bus_object* o) noexcept { delete static_cast<object*>(o); }},
                          std::forward<F>(handler)},
               [](void* context, void const* event, [[maybe_unused]] envelope const& at) {
                 auto& h = static_cast<object*>(static_cast<detail::bus_object*>(context))->handler;
                 if constexpr (takes_envelope) h(*static_cast<E const*>(event), at);
                 else h(*static_cast<E const*>(event));
               });
  }

  // Calls the handlers of E on this thread; `at` is what those that take an envelope get. A handler that throws does not keep
  // the event from the others: the exception is caught and told as an event handler_failure (what the handlers of that one
  // throw is only counted). Returns how many handlers threw. Never allocates, takes no lock.
  template <class E>
  std::size_t publish(E const& event, envelope const& at = detail::empty_envelope) noexcept {
    return publish_any(detail::bus_channel<E>, &event, at, detail::type_text<E>);
  }
  // The same for each event of an append, in the order of the log, with the envelope that it has there. The events are objects;
  // where the request names several streams, all but the last expect an exact version.
  void publish(append_request const& request, appended const& done) noexcept;

private:
  [[gnu::always_inline]] std::size_t publish_any(std::atomic<std::uint32_t> const& number, void const* event,
                                                 envelope const& at, std::string_view type) noexcept {
    if (detail::walking != nullptr) [[unlikely]]
      return publish_unusual(number, event, at, type);
    announce(detail::entering());
    // In this order: every table is large enough for a number before the number can be seen.
    std::uint32_t const channel = number.load(std::memory_order_acquire);
    detail::bus_entry const* entry = lists_.load(std::memory_order_acquire)[channel].load(
        std::memory_order_acquire);
    announce(entry);
    std::size_t failed = 0;
    for (;;) {
      try {
        entry->call.load(std::memory_order_acquire)(entry->context, event, at);
      } catch (...) {
        ++failed;
        report_failure(type);
      }
      if (entry->last.load(std::memory_order_relaxed)) [[likely]]
        break;
      announce(++entry);
    }
    detail::announcement(detail::walking).store(nullptr, std::memory_order_release);
    return failed;
  }
  static void announce(detail::bus_entry const* entry) noexcept {
    detail::announcement(detail::walking).store(entry, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst); // the free half of the asymmetric barrier
  }
  subscription add(std::atomic<std::uint32_t>& channel, detail::bus_object* object,
                   detail::handler_call* call);
  std::size_t publish_unusual(std::atomic<std::uint32_t> const& number, void const* event, envelope const& at,
                              std::string_view type) noexcept;
  void report_failure(std::string_view type) noexcept; // inside a catch block

  std::atomic<detail::bus_list*> lists_{
      nullptr}; // by channel; every table is large enough for every number given out
  detail::bus_state* state_ = nullptr;
  friend struct detail::bus_state;
};

} // namespace cleave
