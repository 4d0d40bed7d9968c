// SPDX-License-Identifier: BSL-1.0
// The dear half of an asymmetric barrier: who acts often does without, who acts seldom has one for both.
#pragma once

#include <atomic>

namespace cleave::detail {

// Whether this system has such a barrier. The same answer for the whole life of the process.
bool has_process_barrier() noexcept;

// When it returns, every thread of the process has passed a full memory barrier between the call and the return.
// Only where has_process_barrier(). Some microseconds.
void process_barrier() noexcept;

// Atomics and this barrier, for what is a template over the machine, so that the model checker of the tests can put a simulated one
// in its place.
struct native_atomics {
  template <class T> using atomic = std::atomic<T>;

  static bool has_process_barrier() noexcept { return detail::has_process_barrier(); }
  static void process_barrier() noexcept { detail::process_barrier(); }
  static void compiler_barrier() noexcept { std::atomic_signal_fence(std::memory_order_seq_cst); }
};

} // namespace cleave::detail
