// SPDX-License-Identifier: BSL-1.0
// Where threads sleep until all of them are called. Like std::atomic<int>::wait, but whoever waits sleeps at once: libstdc++ gives the
// core away a few times first, and on a busy machine each time costs a slice of somebody else's computing, milliseconds.
#pragma once

#include <atomic>

namespace cleave::sqlite {

class parking_place {
public:
  // In this order: read calls(), look whether there is anything to wait for, wait. Then no call is missed.
  int calls() const noexcept { return calls_.load(std::memory_order_acquire); }
  // Returns when calls() is not `seen` any more, or for no reason.
  void wait(int seen) const noexcept;
  // Wakes all that wait. What the caller did before is seen by whoever reads calls() after that.
  void call_all() noexcept;

private:
  std::atomic<int> calls_{0};
};

} // namespace cleave::sqlite
