// SPDX-License-Identifier: BSL-1.0
// One consumer of an asynchronous bus, and how it hands events to its handler.
#pragma once

#include <cleave/event/detail/async_slot.hpp>
#include <cleave/event/detail/async_threads.hpp>
#include <cleave/event/detail/ring_stage.hpp>
#include <cleave/event/handler_failure.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cleave::detail {

// A handler in the heap, shared by the consumers that were added together.
struct async_handler {
  void (*destroy)(async_handler*) noexcept;
  async_handler* next = nullptr;
};
template <class F> struct async_handler_of : async_handler {
  explicit async_handler_of(F f)
      : async_handler{[](async_handler* h) noexcept { delete static_cast<async_handler_of*>(h); }},
        function(std::move(f)) {}
  F function;
};
template <class Key, class F> struct keyed_handler {
  Key key;
  F handler;
};

template <class E> struct async_consumer {
  using slots = async_slot<E>;
  using slot = typename slots::type;
  using hand_over_function = void(async_consumer&, slot const* events, std::size_t count) noexcept;

  async_consumer() = default;
  async_consumer(async_consumer const&) = delete;
  async_consumer& operator=(async_consumer const&) = delete;
  ~async_consumer() { delete[] copies; }

  // Calls and contains what the call throws: counts it, and tells it as the failure of a handler of `type`.
  template <class Call> void contain(std::string_view type, Call call) noexcept {
    try {
      call();
    } catch (...) {
      failed.fetch_add(1, std::memory_order_relaxed);
      report_async_failure(failures, type);
    }
  }

  template <class F> static void hand_over(async_consumer& to, slot const* events,
                                           std::size_t count) noexcept {
    to.deliver(static_cast<async_handler_of<F>*>(to.handler)->function, events, count);
  }

  ring_stage<native_machine>* stage = nullptr;
  std::size_t worker = 0;
  std::size_t part = 0; // of `parts`, where events are told apart by key
  std::size_t parts = 1;
  async_handler* handler = nullptr;
  hand_over_function* hand_over_batch = nullptr;
  event_bus* failures = nullptr;
  slot* copies = nullptr; // of one batch, with when_full::drop_oldest
  bool stepped = false;   // by a step() that is under way
  alignas(cache_line) std::atomic<std::uint64_t> failed{0};

private:
  template <class F> void deliver(F& function, slot const* events, std::size_t count) noexcept {
    constexpr bool takes_batch = std::is_invocable_v<F&, std::span<slot const>>;
    static_assert(
        slots::template handled_by<F> || takes_batch,
        "cleave: a handler of async_event_bus<E> must be callable with (E const&), for an event_set with "
        "one of its events, or with a std::span of what lies in the bus");
    if constexpr (slots::template handled_by<F>) {
      for (std::size_t i = 0; i < count; ++i) deliver_one(function, events[i]);
    } else {
      contain(type_text<E>, [&] { function(std::span<slot const>(events, count)); });
    }
  }
  template <class F> void deliver_one(F& function, slot const& event) noexcept {
    slots::visit(event, [&]<class Event>(Event const& one) {
      if constexpr (std::is_invocable_v<F&, Event const&>) contain(type_text<Event>, [&] { function(one); });
    });
  }

  template <class Key, class F>
  void deliver(keyed_handler<Key, F>& by_key, slot const* events, std::size_t count) noexcept {
    static_assert(
        slots::template handled_by<F>,
        "cleave: the handler of async_event_bus<E>::partition must be callable with (E const&), for an "
        "event_set with one of its events");
    for (std::size_t i = 0; i < count; ++i) {
      slots::visit(events[i], [&]<class Event>(Event const& event) {
        if constexpr (std::is_invocable_v<F&, Event const&>) {
          static_assert(
              std::is_invocable_v<Key&, Event const&>,
              "cleave: the key of async_event_bus<E>::partition must be callable with every event that "
              "the handler takes");
          contain(type_text<Event>, [&] {
            if (is_mine(static_cast<std::uint64_t>(by_key.key(event)))) by_key.handler(event);
          });
        }
      });
    }
  }
  // Fibonacci hashing: keys that follow one another, or lie in steps, spread evenly over all parts.
  bool is_mine(std::uint64_t key) const noexcept {
    std::uint64_t const fraction = (key * 0x9e3779b97f4a7c15U) >> 32; // of 2^32
    return (fraction * parts) >> 32 == part;
  }
};

} // namespace cleave::detail
