// SPDX-License-Identifier: BSL-1.0
// The threads that publish on an event bus, as those see them who change its subscriptions.
#pragma once

#include <cleave/event/event_bus.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>

namespace cleave::detail {

struct bus_handler;
struct bus_publisher;

// Guards what is rare on all buses of the process. Never held while code of the application runs.
extern constinit std::mutex bus_mutex;
extern constinit bus_publisher* bus_publishers;              // under bus_mutex
extern constinit thread_local bus_publisher* this_publisher; // nullptr where the thread has not published yet

// A thread that publishes, as the others see it.
struct bus_publisher {
  bus_entry const** outermost; // its `walking`
  // The entries that its nested publishes are at, or all its publishes where there is no process barrier; nullptr from `depth`
  // on. One more than may nest, for the report that they nest too deep.
  mutable std::array<bus_entry const*, event_bus::nesting_max + 1>
      inner{};                              // others only read, but by atomic_ref
  std::size_t depth = 0;                    // for the thread itself
  bool reporting = false;                   // for the thread itself: it delivers a handler_failure
  bus_handler const* waiting_for = nullptr; // in end_subscription
  bus_publisher* next = nullptr;

  bus_publisher() noexcept;
  bus_publisher(bus_publisher const&) = delete;
  bus_publisher& operator=(bus_publisher const&) = delete;
  ~bus_publisher();

  // Whether one of the entries that it announces fulfils the condition. Announcements are taken back innermost first, so
  // nothing that has to be seen stands behind an empty word.
  template <class F> bool announces(F condition) const noexcept {
    bus_entry const* const first = announcement(*outermost).load(std::memory_order_seq_cst);
    if (first != nullptr && condition(first)) return true;
    for (bus_entry const*& word : inner) {
      bus_entry const* const at = announcement(word).load(std::memory_order_seq_cst);
      if (at == nullptr) return false;
      if (condition(at)) return true;
    }
    return false;
  }
};

// Whether one of the threads fulfils the condition; under bus_mutex.
template <class F> bool any_publisher(F condition) noexcept {
  for (bus_publisher const* thread = bus_publishers; thread != nullptr; thread = thread->next) {
    if (condition(*thread)) return true;
  }
  return false;
}

} // namespace cleave::detail
