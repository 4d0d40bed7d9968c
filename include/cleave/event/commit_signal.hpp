// SPDX-License-Identifier: BSL-1.0
// How a store tells the rest of the process that its log has grown. It is a wake-up, not a delivery: who hears it reads the
// log by position, and a wake-up that comes late or twice costs nothing but time.
#pragma once

#include <cleave/event/position.hpp>

#include <cstdint>
#include <utility>

namespace cleave {

class commit_subscription;

// Every function may be called from any thread at any time, also from inside a listener. The signal must outlive its
// subscriptions and every wait (asserted).
class commit_signal {
public:
  // Called on the publishing thread after a growth to `head`; several threads may call it at once, then the heads may come in
  // any order. It must not block: the committing thread waits for it.
  using listener = void(void* context, position head) noexcept;

  commit_signal();
  commit_signal(commit_signal const&) = delete;
  commit_signal& operator=(commit_signal const&) = delete;
  ~commit_signal();

  // Says that the log's last event is at `head`: last() becomes the greater of both; a head that is not greater changes
  // nothing and calls nobody. What the caller wrote before is visible to every thread that sees the new last().
  // Without listeners and parked waiters: one load and one uncontended compare-exchange, no lock.
  void publish(position head) noexcept;
  // The same in two steps, for publishers that take turns by a lock of their own: raise() under that lock, and where it says that
  // somebody is to be told, tell(), under the lock or behind it. Never beside publish() on one signal. Without listeners and parked
  // waiters: two loads and a store.
  [[nodiscard]] bool raise(position head) noexcept;
  void tell(position head) noexcept;
  position last() const noexcept;

  // Calls listener(context, head) after each later growth until the subscription ends. `context` is not touched by the signal
  // and must stay valid that long. May throw std::bad_alloc.
  [[nodiscard]] commit_subscription on_commit(void* context, listener* call);

  // Blocks until last() >= wanted: true. After `timeout_us` microseconds (0 or less: asks once; more than ten years counts as
  // ten years) or an interrupt: false. It polls for some microseconds before it parks its thread, because waking a parked one
  // costs tens of microseconds; how long depends on whether polling paid lately.
  bool wait_for(position wanted, std::int64_t timeout_us);
  // The same, and false at once when interrupts() is no longer `seen`. A loop that reads interrupts(), then its own stop flag,
  // then calls this, cannot miss an interrupt that was sent after the flag was set.
  bool wait_for(position wanted, std::int64_t timeout_us, std::uint64_t seen);
  // Ends every wait that is under way; later waits are not affected. For shutdown.
  void interrupt() noexcept;
  std::uint64_t interrupts() const noexcept;

private:
  friend class commit_subscription;
  struct state;
  state* state_;
};

// Ends a listener's subscription when destroyed. Once that is done on one thread, the listener runs on no other thread and
// never runs again. Two cases do not wait for a listener that is running: it ends its own subscription, or two listeners on two
// threads end each other's (one of them would have to wait for itself).
class commit_subscription {
public:
  commit_subscription() noexcept = default;
  commit_subscription(commit_subscription&& other) noexcept
      : state_(std::exchange(other.state_, nullptr)), listener_(std::exchange(other.listener_, 0)) {}
  commit_subscription& operator=(commit_subscription&& other) noexcept {
    if (this != &other) {
      reset();
      state_ = std::exchange(other.state_, nullptr);
      listener_ = std::exchange(other.listener_, 0);
    }
    return *this;
  }
  ~commit_subscription() { reset(); }

  explicit operator bool() const noexcept { return state_ != nullptr; }
  // Ends it now. Not to be called on one object from two threads at once.
  void reset() noexcept;

private:
  friend class commit_signal;
  commit_subscription(commit_signal::state* state, std::uint64_t listener) noexcept
      : state_(state), listener_(listener) {}

  commit_signal::state* state_ = nullptr;
  std::uint64_t listener_ = 0;
};

} // namespace cleave
