// SPDX-License-Identifier: BSL-1.0
// How long to wait before the next attempt: a state machine, which waits for nothing itself; and who does.
#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

namespace cleave {

struct backoff_options {
  unsigned attempts = 8;             // all of them, the first included; at least 1
  std::uint32_t first_us = 200;      // the longest wait before the second attempt
  std::uint32_t longest_us = 50'000; // it doubles from attempt to attempt, up to this
};

// Exponential with full jitter (Brooker, "Exponential Backoff And Jitter", 2015): each wait is anything between 0 and its bound, so that
// those who collided do not collide again. Two with one seed go the same way.
class backoff {
public:
  backoff(backoff_options const& options, std::uint64_t seed) noexcept : options_(options), random_(seed) {}

  // After a failed attempt: the microseconds until the next one, or nothing when there are to be no more.
  std::optional<std::int64_t> next() noexcept;
  unsigned attempts() const noexcept { return attempts_; } // that have failed

private:
  backoff_options options_;
  std::uint64_t random_;
  unsigned attempts_ = 0;
};

// A non-owning, type-erased way to wait: an object with `void wait(std::int64_t microseconds)`. It must outlive every component that got
// the reference. Default: the calling thread sleeps.
class waiter_ref {
public:
  waiter_ref() noexcept;
  template <class W>
    requires(!std::is_same_v<std::remove_cv_t<W>, waiter_ref> &&
             requires(W& waiter, std::int64_t us) { waiter.wait(us); })
  waiter_ref(W& waiter) noexcept
      : object_(&waiter), wait_([](void* object, std::int64_t us) { static_cast<W*>(object)->wait(us); }) {}
  void wait(std::int64_t microseconds) const { wait_(object_, microseconds); }

private:
  void* object_;
  void (*wait_)(void*, std::int64_t);
};

} // namespace cleave
