// SPDX-License-Identifier: BSL-1.0
// Threads that park until something that others do makes a condition true, at no cost for these while nobody is parked.
//
// A thread that parks says so in `some_`, then looks at its condition once more; who makes the condition true does that first
// and looks at `some_` afterwards. Between its two steps each side needs a full barrier, or both could miss each other. As with
// the event bus (event_bus.hpp) the frequent side has it for nothing, because the rare side's is one in every running thread of
// the process. Without such a barrier both sides read-modify-write `some_`. These have one order: if the parking thread's comes
// first, the other side reads it and notifies; if it comes later, it acquires what the other side did before.
// Between the look and the wait nobody is missed, because whoever notifies needs the lock that the parking thread still holds.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cleave::detail {

inline constexpr std::size_t cache_line = 64;

template <class Machine> class ring_sleepers {
public:
  explicit ring_sleepers(bool asymmetric) : asymmetric_(asymmetric) {}

  // Returns when ready() is true. Whoever makes it true does so before wake() or notify().
  template <class Ready> void park(Ready ready) noexcept {
    lot_.lock();
    for (;;) {
      some_.exchange(1, std::memory_order_acquire);
      if (asymmetric_) Machine::process_barrier();
      if (ready()) break;
      lot_.wait();
    }
    lot_.unlock();
  }

  // For the frequent side: one load where nobody is parked.
  void wake() noexcept {
    if (asymmetric_) [[likely]] {
      Machine::compiler_barrier();
      if (some_.load(std::memory_order_relaxed) != 0) [[unlikely]]
        notify();
    } else if (some_.fetch_add(0, std::memory_order_release) != 0) {
      notify();
    }
  }

  // Wakes all; those whose condition is not true park again.
  [[gnu::noinline]] void notify() noexcept {
    lot_.lock();
    some_.exchange(0, std::memory_order_relaxed); // a store would end the one order of read-modify-writes
    lot_.notify_all();
    lot_.unlock();
  }

private:
  alignas(cache_line)
      typename Machine::template atomic<std::uint32_t> some_{0}; // whether a thread may be parked
  bool asymmetric_;
  typename Machine::lot lot_;
};

} // namespace cleave::detail
