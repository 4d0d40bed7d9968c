// SPDX-License-Identifier: BSL-1.0
// A read-write lock for what is held for a moment, again and again.
#pragma once

#include <cleave/base/attention.hpp>
#include <cleave/base/only_thread.hpp>
#include <cleave/base/process_barrier.hpp>

#include <atomic>
#include <cstdint>

namespace cleave::detail {

// Like std::shared_mutex, at a fraction of its price where nobody waits: one compare-exchange to write, two read-modify-writes to
// read. Who finds it taken polls a little, then sleeps. Readers do not wait for a writer that waits. Not recursive. What was done
// under it is visible to the next one that holds it.
class light_lock {
public:
  light_lock();
  light_lock(light_lock const&) = delete;
  light_lock& operator=(light_lock const&) = delete;
  ~light_lock();

  void lock() noexcept {
    if (!try_lock()) lock_slowly();
  }
  bool try_lock() noexcept {
    std::uint32_t nobody = 0;
    if (is_only_thread()) {
      if (word_.load(std::memory_order_relaxed) != nobody) return false;
      word_.store(writing, std::memory_order_relaxed);
      return true;
    }
    return word_.compare_exchange_strong(nobody, writing, std::memory_order_acquire,
                                         std::memory_order_seq_cst);
  }
  void unlock() noexcept {
    if (asleep_.change(word_, std::uint32_t{0})) wake();
  }

  void lock_shared() noexcept {
    if (!try_lock_shared()) lock_shared_slowly();
  }
  bool try_lock_shared() noexcept {
    std::uint32_t seen = word_.load(std::memory_order_seq_cst);
    while (seen != writing) {
      if (is_only_thread()) {
        word_.store(seen + 1, std::memory_order_relaxed);
        return true;
      }
      if (word_.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire, std::memory_order_relaxed))
        return true;
    }
    return false;
  }
  void unlock_shared() noexcept {
    if (is_only_thread()) {
      word_.store(word_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
      return;
    }
    bool const last = word_.fetch_sub(1, std::memory_order_seq_cst) == 1;
    if (last && asleep_.is_drawn()) wake();
  }

private:
  static constexpr std::uint32_t writing = UINT32_MAX; // otherwise the number of readers
  struct bedroom;

  void lock_slowly() noexcept;
  void lock_shared_slowly() noexcept;
  void wake() noexcept;

  std::atomic<std::uint32_t> word_{0};
  attention<native_atomics> asleep_;
  bedroom* const bedroom_;
};

} // namespace cleave::detail
