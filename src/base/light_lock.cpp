// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/light_lock.hpp>

#include "process_barrier.hpp"

#include <condition_variable>
#include <mutex>

namespace cleave::detail {

namespace {

// What the lock is for takes less time than to wake a thread.
constexpr int polls = 100;

void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

} // namespace

// Leaving and falling asleep meet in the manner of Dekker: who leaves writes the word and then reads `asleep_`, who falls asleep
// writes `asleep_` and then tries the word, and at least one of them sees the other. What keeps a writer that leaves from reading too
// early is the process barrier of the first one that falls asleep: all that `asleep_` counts are counted under the mutex, so that it
// has been seen for as long as it is not 0.
struct light_lock::bedroom {
  std::mutex mutex;
  std::condition_variable writers; // of whom one can go on
  std::condition_variable readers;

  template <class Try> void sleep(light_lock& lock, std::condition_variable& called, Try try_once) {
    std::unique_lock inside(mutex);
    if (lock.asleep_.fetch_add(1, std::memory_order_seq_cst) == 0 && lock.asymmetric_) process_barrier();
    while (!try_once()) called.wait(inside);
    lock.asleep_.fetch_sub(1, std::memory_order_relaxed);
  }
};

light_lock::light_lock() : asymmetric_(has_process_barrier()), bedroom_(new bedroom) {}
light_lock::~light_lock() { delete bedroom_; }

void light_lock::lock_slowly() noexcept {
  for (int i = 0; i < polls; ++i) {
    relax();
    if (word_.load(std::memory_order_relaxed) == 0 && try_lock()) return;
  }
  bedroom_->sleep(*this, bedroom_->writers, [this] { return try_lock(); });
}

void light_lock::lock_shared_slowly() noexcept {
  for (int i = 0; i < polls; ++i) {
    relax();
    if (word_.load(std::memory_order_relaxed) != writing && try_lock_shared()) return;
  }
  bedroom_->sleep(*this, bedroom_->readers, [this] { return try_lock_shared(); });
}

void light_lock::wake() noexcept {
  std::lock_guard const inside(bedroom_->mutex);
  bedroom_->writers.notify_one();
  bedroom_->readers.notify_all();
}

} // namespace cleave::detail
