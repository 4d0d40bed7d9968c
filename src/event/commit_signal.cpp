// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/attention.hpp>
#include <cleave/base/process_barrier.hpp>
#include <cleave/base/relax.hpp>
#include <cleave/config.hpp>
#include <cleave/event/commit_signal.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace cleave {

namespace {

using steady = std::chrono::steady_clock;

constexpr std::size_t cache_line = 64;
constexpr std::int64_t longest_wait_us = std::int64_t{10} * 366 * 24 * 3600 * 1'000'000;

// Polling pays when the next growth comes sooner than a parked thread could be woken.
constexpr std::int64_t shortest_poll_ns = 1'000;
constexpr std::int64_t longest_poll_ns = 50'000;
constexpr std::uint32_t polling_max = 2;

} // namespace

// `last` is the word, and `attention` counts listeners and parked waiters. Everything else is behind the mutex; listeners are called
// outside of it.
struct commit_signal::state {
  struct node {
    std::uint64_t id;
    void* context;
    commit_signal::listener* call;
    node* next;
  };
  struct waiter {
    bool woken = false;
    std::condition_variable wake{};
  };
  // By the position that is waited for; of one position in the order of arrival.
  using waiter_queue = std::multimap<std::uint64_t, waiter*>;
  // One walk over the listeners by one publishing thread.
  struct walk {
    std::thread::id thread;
    node* cursor;                  // the next one to call; moved on by whoever removes that node
    std::uint64_t running = 0;     // the listener being called
    std::uint64_t waiting_for = 0; // the listener whose end the running one waits for, in reset()
    walk* next = nullptr;
  };

  alignas(cache_line) std::atomic<std::uint64_t> last{0};
  detail::attention<detail::native_atomics> attention;
  std::atomic<std::uint64_t> interrupts{0};
  std::atomic<std::int64_t> poll_ns{longest_poll_ns / 4};
  std::atomic<std::uint32_t> polling{0}; // threads that poll now

  alignas(cache_line) std::mutex mutex;
  std::condition_variable returned; // a listener has returned; for reset()
  std::uint32_t resetting = 0;
  std::uint64_t last_id = 0;
  node* listeners = nullptr;
  waiter_queue waiters;
  walk* walks = nullptr;

  void grown(std::uint64_t head) noexcept;
  void wake_up_to(std::uint64_t head) noexcept;
  bool poll(std::uint64_t wanted, std::uint64_t seen, steady::time_point deadline) noexcept;
  bool park(std::uint64_t wanted, std::uint64_t seen, steady::time_point deadline);
  void remove(std::uint64_t id) noexcept;
  bool runs_elsewhere(std::uint64_t id, std::thread::id me) const noexcept;
  bool waits_for_thread(std::uint64_t id, std::thread::id me) const noexcept;
};

void commit_signal::state::wake_up_to(std::uint64_t head) noexcept {
  while (!waiters.empty() && waiters.begin()->first <= head) {
    waiter* const w = waiters.begin()->second;
    waiters.erase(waiters.begin());
    attention.give_back();
    w->woken = true;
    w->wake.notify_one(); // under the mutex: the waiter's stack frame is gone as soon as it can see `woken`
  }
}

void commit_signal::state::grown(std::uint64_t head) noexcept {
  std::unique_lock lock(mutex);
  wake_up_to(head);
  if (listeners == nullptr) return;

  walk mine{.thread = std::this_thread::get_id(), .cursor = listeners, .next = walks};
  walks = &mine;
  // A listener that subscribes another one must not keep this walk going for ever.
  std::uint64_t const newest = last_id;
  while (mine.cursor != nullptr && mine.cursor->id <= newest) {
    node const current = *mine.cursor;
    mine.cursor = current.next;
    mine.running = current.id;
    lock.unlock();
    current.call(current.context, position(head));
    lock.lock();
    mine.running = 0;
    if (resetting != 0) returned.notify_all();
  }
  walk** at = &walks;
  while (*at != &mine) at = &(*at)->next;
  *at = mine.next;
}

bool commit_signal::state::poll(std::uint64_t wanted, std::uint64_t seen,
                                steady::time_point deadline) noexcept {
  // Of many that wait the first ones poll: the others would only keep the publisher from its core.
  class polling_guard {
  public:
    explicit polling_guard(std::atomic<std::uint32_t>& polling) noexcept
        : polling_(polling), before_(polling.fetch_add(1, std::memory_order_relaxed)) {}
    polling_guard(polling_guard const&) = delete;
    polling_guard& operator=(polling_guard const&) = delete;
    ~polling_guard() { polling_.fetch_sub(1, std::memory_order_relaxed); }
    bool allowed() const noexcept { return before_ < polling_max; }

  private:
    std::atomic<std::uint32_t>& polling_;
    std::uint32_t before_;
  };
  polling_guard const me(polling);
  if (!me.allowed()) return false;
  std::int64_t const budget = poll_ns.load(std::memory_order_relaxed);
  auto const start = steady::now();
  auto const end = std::min(start + std::chrono::nanoseconds(budget), deadline);
  for (unsigned round = 1;; ++round) {
    if (last.load(std::memory_order_acquire) >= wanted) {
      poll_ns.store(std::min(budget * 2, longest_poll_ns), std::memory_order_relaxed);
      return true;
    }
    if (interrupts.load(std::memory_order_relaxed) != seen) return false;
    if (round % 32 != 0) {
      detail::relax();
      continue;
    }
    if (steady::now() >= end) break;
    std::this_thread::yield(); // the publisher may be waiting for this core
  }
  poll_ns.store(std::max(budget / 2, shortest_poll_ns), std::memory_order_relaxed);
  return false;
}

bool commit_signal::state::park(std::uint64_t wanted, std::uint64_t seen, steady::time_point deadline) {
  std::unique_lock lock(mutex);
  waiter mine;
  auto const place = waiters.emplace(wanted, &mine);
  attention.draw();
  while (!mine.woken) {
    bool const there = last.load(std::memory_order_seq_cst) >= wanted;
    if (there || interrupts.load(std::memory_order_relaxed) != seen || steady::now() >= deadline) {
      waiters.erase(place);
      attention.give_back();
      return there;
    }
    mine.wake.wait_until(lock, deadline);
  }
  // Woken by a publisher or by an interrupt.
  return last.load(std::memory_order_acquire) >= wanted;
}

bool commit_signal::state::runs_elsewhere(std::uint64_t id, std::thread::id me) const noexcept {
  for (walk const* w = walks; w != nullptr; w = w->next) {
    if (w->running == id && w->thread != me) return true;
  }
  return false;
}

// Whether a thread that runs listener `id` waits, directly or by way of others, for a listener that `me` is running.
// Nobody starts a wait that closes such a circle, so there is none to go round in.
bool commit_signal::state::waits_for_thread(std::uint64_t id, std::thread::id me) const noexcept {
  for (walk const* w = walks; w != nullptr; w = w->next) {
    if (w->running != id || w->thread == me) continue;
    for (walk const* other = walks; other != nullptr; other = other->next) {
      if (other->thread != w->thread || other->waiting_for == 0) continue;
      for (walk const* own = walks; own != nullptr; own = own->next) {
        if (own->running == other->waiting_for && own->thread == me) return true;
      }
      if (waits_for_thread(other->waiting_for, me)) return true;
    }
  }
  return false;
}

void commit_signal::state::remove(std::uint64_t id) noexcept {
  std::unique_lock lock(mutex);
  node** at = &listeners;
  while ((*at)->id != id) at = &(*at)->next;
  node* const gone = *at;
  *at = gone->next;
  for (walk* w = walks; w != nullptr; w = w->next) {
    if (w->cursor == gone) w->cursor = gone->next;
  }
  delete gone;
  attention.give_back();

  auto const me = std::this_thread::get_id();
  walk* mine = walks;
  while (mine != nullptr && mine->thread != me) mine = mine->next; // the innermost: walks are pushed in front
  ++resetting;
  while (runs_elsewhere(id, me) && !waits_for_thread(id, me)) {
    if (mine != nullptr) mine->waiting_for = id;
    returned.wait(lock);
  }
  if (mine != nullptr) mine->waiting_for = 0;
  --resetting;
}

commit_signal::commit_signal() : state_(new state) {}

commit_signal::~commit_signal() {
  CLEAVE_ASSERT(state_->listeners == nullptr, "a commit_signal is destroyed before its subscriptions");
  CLEAVE_ASSERT(state_->waiters.empty(), "a commit_signal is destroyed while a thread waits on it");
  delete state_;
}

void commit_signal::publish(position head) noexcept {
  std::uint64_t seen = state_->last.load(std::memory_order_relaxed);
  do {
    if (head.value() <= seen) return;
  } while (!state_->last.compare_exchange_weak(seen, head.value(), std::memory_order_seq_cst,
                                               std::memory_order_relaxed));
  if (state_->attention.is_drawn()) state_->grown(head.value());
}

bool commit_signal::raise(position head) noexcept {
  if (head.value() <= state_->last.load(std::memory_order_relaxed)) return false;
  return state_->attention.change(state_->last, head.value());
}

void commit_signal::tell(position head) noexcept { state_->grown(head.value()); }

position commit_signal::last() const noexcept {
  return position(state_->last.load(std::memory_order_acquire));
}

commit_subscription commit_signal::on_commit(void* context, listener* call) {
  auto* const added = new state::node{0, context, call, nullptr};
  std::lock_guard lock(state_->mutex);
  added->id = ++state_->last_id;
  state::node** at = &state_->listeners;
  while (*at != nullptr) at = &(*at)->next;
  *at = added;
  state_->attention.draw();
  return commit_subscription(state_, added->id);
}

bool commit_signal::wait_for(position wanted, std::int64_t timeout_us) {
  return wait_for(wanted, timeout_us, interrupts());
}

bool commit_signal::wait_for(position wanted, std::int64_t timeout_us, std::uint64_t seen) {
  if (last() >= wanted) return true;
  if (timeout_us <= 0 || interrupts() != seen) return false;
  auto const deadline = steady::now() + std::chrono::microseconds(std::min(timeout_us, longest_wait_us));
  return state_->poll(wanted.value(), seen, deadline) || state_->park(wanted.value(), seen, deadline);
}

void commit_signal::interrupt() noexcept {
  std::lock_guard lock(state_->mutex);
  state_->interrupts.fetch_add(1, std::memory_order_release);
  state_->wake_up_to(UINT64_MAX);
}

std::uint64_t commit_signal::interrupts() const noexcept {
  return state_->interrupts.load(std::memory_order_acquire);
}

void commit_subscription::reset() noexcept {
  if (state_ == nullptr) return;
  std::exchange(state_, nullptr)->remove(std::exchange(listener_, 0));
}

} // namespace cleave
