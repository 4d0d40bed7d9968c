// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/process_barrier.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

// The cheap side writes its step and reads the other's; the dear side does the same with the process barrier in between. When
// the dear side, at step d, has not seen the cheap side's step c yet, then the cheap side must have seen d when it did step c.
// Returns how often neither saw the other.
std::size_t race() {
  constexpr std::uint32_t steps_max = 300'000;
  alignas(64) std::atomic<std::uint32_t> cheap_word{0};
  alignas(64) std::atomic<std::uint32_t> dear_word{0};
  std::vector<std::uint32_t> seen_by_cheap(steps_max + 1);
  std::vector<std::uint32_t> seen_by_dear{0};
  seen_by_dear.reserve(steps_max + 1);

  std::atomic<bool> started{false};
  std::thread cheap([&] {
    started = true;
    for (std::uint32_t step = 1; step <= steps_max; ++step) {
      cheap_word.store(step, std::memory_order_release);
      std::atomic_signal_fence(std::memory_order_seq_cst); // what the bus does
      seen_by_cheap[step] = dear_word.load(std::memory_order_acquire);
    }
  });
  while (!started) std::this_thread::yield();
  for (std::uint32_t step = 1; step <= steps_max && seen_by_dear.back() < steps_max; ++step) {
    dear_word.store(step, std::memory_order_release);
    cleave::detail::process_barrier();
    seen_by_dear.push_back(cheap_word.load(std::memory_order_acquire));
  }
  cheap.join();

  std::size_t both_blind = 0;
  for (std::uint32_t step = 1; step < seen_by_dear.size(); ++step) {
    std::uint32_t const unseen = seen_by_dear[step] + 1;
    if (unseen <= steps_max && seen_by_cheap[unseen] < step) ++both_blind;
  }
  return both_blind;
}

} // namespace

TEST_CASE(
    "of two threads that each write and then read, with the process barrier in one of them, one sees the other") {
  if (!cleave::detail::has_process_barrier()) return;
  std::size_t both_blind = 0;
  for (int round = 0; round < 15; ++round)
    both_blind += race(); // threads that share a core prove nothing: try again
  REQUIRE(both_blind == 0);
}
