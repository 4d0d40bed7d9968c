// SPDX-License-Identifier: BSL-1.0
// What a user of async_event_bus chooses, and what publishing on it comes to.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cleave {

class event_bus;

enum class producers : std::uint8_t {
  one,  // one thread at a time publishes
  many, // any thread may publish at any time
};

// Back-pressure: what happens to an event that finds the ring full.
enum class when_full : std::uint8_t {
  wait,        // publishing waits for room, where it may (see publish_outcome::may_not_wait)
  fail,        // publishing says so at once: publish_outcome::full
  drop_oldest, // the oldest events that a consumer has not taken yet give way to it, and are counted
};

enum class [[nodiscard]] publish_outcome : std::uint8_t {
  taken, // it is in the ring
  full,  // not taken: no room (when_full::fail)
  may_not_wait, // not taken: no room, and this thread must not wait for it (when_full::wait). It is in a handler of an
  // asynchronous bus, perhaps of the consumer that would have to make room; or the bus was not started
  closed, // not taken: the bus is closed
};

// How a consumer without events, and a publisher without room, waits.
enum class waiting : std::uint8_t {
  spin,     // polls all the time: the shortest delay, a core for each thread
  adaptive, // polls for some ten microseconds, then lets other threads run in between, then parks: idle threads cost nothing
  park,     // parks at once: the least work for the machine; waking costs tens of microseconds
};

enum class closing : std::uint8_t {
  drain,   // consumers handle everything that was published
  discard, // consumers stop after the batch that they are at
};

struct async_event_bus_options {
  std::size_t capacity =
      1024; // events that the ring holds: a power of two, 1 to async_event_bus::capacity_max
  when_full full = when_full::wait;
  waiting waits = waiting::adaptive;
  std::size_t batch = 64; // events that a consumer takes at once at the most, 1 or more
  event_bus* failures =
      nullptr; // hears a handler_failure, on the consumer's thread; must outlive the asynchronous bus
};

} // namespace cleave
