// SPDX-License-Identifier: BSL-1.0
// The parts of the asynchronous event bus that are no templates: its threads, parking, and telling of failures.
#include <cleave/base/process_barrier.hpp>
#include <cleave/event/detail/async_threads.hpp>
#include <cleave/event/detail/ring_machine.hpp>
#include <cleave/event/event_bus.hpp>

#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

namespace cleave::detail {

namespace {

constinit thread_local unsigned handlers_of_this_thread = 0;
constinit thread_local consumer_threads const* this_thread_is_of = nullptr;

} // namespace

struct parking_lot::state {
  std::mutex mutex;
  std::condition_variable changed;
};

parking_lot::parking_lot() : state_(new state) {}
parking_lot::~parking_lot() { delete state_; }
void parking_lot::lock() noexcept { state_->mutex.lock(); }
void parking_lot::unlock() noexcept { state_->mutex.unlock(); }
void parking_lot::wait() noexcept {
  std::unique_lock held(state_->mutex, std::adopt_lock);
  state_->changed.wait(held);
  held.release();
}
void parking_lot::notify_all() noexcept { state_->changed.notify_all(); }

void native_machine::yield() noexcept { std::this_thread::yield(); }

constinit thread_local ring_producer* this_ring_producer = nullptr;

namespace {

// Those of threads that have ended.
constinit std::mutex left_mutex;
constinit ring_producer* left_producers = nullptr;

struct producer_leaving {
  bool gone = false;
  ~producer_leaving() {
    gone = true;
    ring_producer* const left = std::exchange(this_ring_producer, nullptr);
    if (left == nullptr) return;
    std::lock_guard const lock(left_mutex);
    left->next = std::exchange(left_producers, left);
  }
};
thread_local producer_leaving leaving;

} // namespace

native_machine::producer* native_machine::new_producer() noexcept {
  if (leaving.gone) return nullptr;
  {
    std::lock_guard const lock(left_mutex);
    if (left_producers != nullptr) {
      this_ring_producer = left_producers;
      left_producers = left_producers->next;
    }
  }
  if (this_ring_producer == nullptr) this_ring_producer = new (std::nothrow) ring_producer;
  return this_ring_producer;
}

struct consumer_threads::state {
  std::mutex joining;
  std::vector<std::thread> threads;
};

consumer_threads::~consumer_threads() { delete state_; }

void consumer_threads::start(std::size_t count, void* bus, body* run) {
  state_ = new state;
  state_->threads.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    state_->threads.emplace_back([this, bus, run, i] {
      this_thread_is_of = this;
      run(bus, i);
    });
  }
}

void consumer_threads::join() noexcept {
  if (state_ == nullptr) return;
  std::lock_guard lock(state_->joining); // whoever comes second waits as well
  for (std::thread& t : state_->threads) {
    if (t.joinable()) t.join();
  }
}

bool consumer_threads::includes_this_thread() const noexcept { return this_thread_is_of == this; }

in_async_handler::in_async_handler() noexcept { ++handlers_of_this_thread; }
in_async_handler::~in_async_handler() { --handlers_of_this_thread; }
bool in_async_handler::now() noexcept { return handlers_of_this_thread != 0; }

void report_async_failure(event_bus* failures, std::string_view type) noexcept {
  if (failures == nullptr) return;
  try {
    failures->publish(current_failure(type));
  } catch (...) {
    return; // no memory for the text; the failure is counted all the same
  }
}

} // namespace cleave::detail
