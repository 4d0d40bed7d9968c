// SPDX-License-Identifier: BSL-1.0
// What the ring (ring.hpp) needs of the machine: atomics, a process barrier, and ways to wait. The ring is a template over it,
// so that the model checker of the tests can put a simulated machine in its place.
#pragma once

#include <cleave/base/process_barrier.hpp>
#include <cleave/base/relax.hpp>

#include <atomic>

namespace cleave::detail {

// Where threads wait for each other when polling is not worth it: a mutex and a condition variable.
class parking_lot {
public:
  parking_lot(); // may throw std::bad_alloc
  parking_lot(parking_lot const&) = delete;
  parking_lot& operator=(parking_lot const&) = delete;
  ~parking_lot();
  void lock() noexcept;
  void unlock() noexcept;
  void wait() noexcept; // locked before and after, not in between; may return without a reason
  void notify_all() noexcept;

private:
  struct state;
  state* state_;
};

// A thread that publishes on rings with many producers, as the other threads see it. It is never destroyed; when the thread
// has ended, a new one may take it over.
struct alignas(64) ring_producer {
  std::atomic<bool> claiming{false}; // in the ring that it is the owner of (ring_claims.hpp)
  ring_producer* next = nullptr;
};
extern constinit thread_local ring_producer* this_ring_producer; // nullptr until it is asked for

struct native_machine : native_atomics {
  using lot = parking_lot;
  using producer = ring_producer;
  // Of ring_claims. A producer becomes the owner after so many claims with nobody in between, and nobody does for so many claims
  // after one had to be stopped. Who waits looks again and again, with a relax() in between: it stops an owner that has claimed
  // nothing during so many looks, and asks for its own turn after so many (0.3 to 5 microseconds, which differs between processors).
  static constexpr unsigned claims_alone = 64;
  static constexpr unsigned claims_without_owner = 1024;
  static constexpr unsigned looks_before_a_stop = 32;
  static constexpr unsigned looks_of_a_turn = 128;

  // nullptr where there is no memory for one, and in a thread that is ending.
  static producer* this_producer() noexcept {
    producer* const known = this_ring_producer;
    return known != nullptr ? known : new_producer();
  }
  static void relax() noexcept { detail::relax(); } // between two looks at something that is about to change
  static void pass_time() noexcept { relax(); }     // also when nothing changes
  // Asks for the cache line of `at`, which this thread will write. (GCC's builtin asks for it as one that will be read, unless it
  // compiles for a later processor than the first with 64 bits.)
  static void fetch_to_write(void const* at) noexcept {
#if defined(__x86_64__)
    asm volatile("prefetchw %0" : : "m"(*static_cast<char const*>(at)));
#else
    __builtin_prefetch(at, 1);
#endif
  }
  static void yield() noexcept;                // lets another thread have this core, if one is waiting for it
  static void give_way() noexcept { yield(); } // also when nothing changes

private:
  static producer* new_producer() noexcept;
};

// For waits that are over as soon as the other thread goes on: it may be waiting for this core.
template <class Machine> class short_wait {
public:
  void pause() noexcept {
    if (++rounds_ % relaxed_rounds != 0) Machine::relax();
    else Machine::yield();
  }

private:
  static constexpr unsigned relaxed_rounds = 64;
  unsigned rounds_ = 0;
};

} // namespace cleave::detail
