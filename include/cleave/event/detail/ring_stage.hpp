// SPDX-License-Identifier: BSL-1.0
// A stage: the readers of a ring (ring.hpp) that share its events among them, one worker or several.
#pragma once

#include <cleave/event/detail/ring_machine.hpp>
#include <cleave/event/detail/ring_sleepers.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace cleave::detail {

template <class Machine> struct ring_stage {
  template <class T> using atomic = typename Machine::template atomic<T>;
  static constexpr std::size_t stages_max = 64;
  static constexpr std::uint64_t none = ~std::uint64_t{0};
  static constexpr std::uint64_t busy_bit = 1;

  struct alignas(cache_line) mark {
    atomic<std::uint64_t> begin{none}; // the first event of the batch that a worker may be reading
  };

  explicit ring_stage(std::size_t number_of_workers)
      : workers(number_of_workers), marks(number_of_workers > 1 ? new mark[number_of_workers] : nullptr) {}
  ring_stage(ring_stage const&) = delete;
  ring_stage& operator=(ring_stage const&) = delete;
  ~ring_stage() { delete[] marks; }

  // Events before it have been taken, dropped or finished.
  std::uint64_t reached() const noexcept { return position.load(std::memory_order_acquire) >> 1; }

  // Events before it are not read by the stage any more. May be less than an earlier answer, never too much.
  std::uint64_t finished() const noexcept {
    std::uint64_t least = reached();
    if (workers > 1) {
      for (std::size_t i = 0; i < workers; ++i) {
        std::uint64_t const begin = marks[i].begin.load(std::memory_order_acquire);
        if (begin < least) least = begin;
      }
    }
    return least;
  }

  // Up to where a stage that comes after others may read.
  std::uint64_t finished_before() const noexcept {
    std::uint64_t least = none;
    for (std::size_t i = 0; i < after_count; ++i) {
      std::uint64_t const theirs = after[i]->finished();
      if (theirs < least) least = theirs;
    }
    return least;
  }

  // Moves on to `to`, past what no worker has taken yet. A producer calls it, when dropping.
  void push_to(std::uint64_t to) noexcept {
    short_wait<Machine> wait;
    for (;;) {
      std::uint64_t seen = position.load(std::memory_order_acquire);
      if ((seen >> 1) >= to) return;
      if ((seen & busy_bit) != 0) {
        wait.pause();
      } else if (position.compare_exchange_weak(seen, to << 1, std::memory_order_relaxed,
                                                std::memory_order_relaxed)) {
        dropped.fetch_add(to - (seen >> 1), std::memory_order_relaxed);
        return;
      }
    }
  }

  // One worker: events before it are finished. Several, or when dropping: taken. Shifted by one for the busy bit.
  alignas(cache_line) atomic<std::uint64_t> position{0};
  alignas(cache_line) atomic<std::uint64_t> dropped{0}; // events that producers took away from it
  std::size_t workers;
  mark* marks;
  ring_stage* after[stages_max] = {};
  std::size_t after_count = 0;
  bool last = true; // no stage comes after it
};

} // namespace cleave::detail
