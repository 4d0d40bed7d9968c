// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/light_lock.hpp>
#include <cleave/base/relax.hpp>

#include <condition_variable>
#include <mutex>

namespace cleave::detail {

namespace {

// What the lock is for takes less time than to wake a thread.
constexpr int polls = 100;

} // namespace

struct light_lock::bedroom {
  std::mutex mutex;
  std::condition_variable writers; // of whom one can go on
  std::condition_variable readers;

  template <class Try> void sleep(light_lock& lock, std::condition_variable& called, Try try_once) {
    std::unique_lock inside(mutex);
    lock.asleep_.draw();
    while (!try_once()) called.wait(inside);
    lock.asleep_.give_back();
  }
};

light_lock::light_lock() : bedroom_(new bedroom) {}
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
