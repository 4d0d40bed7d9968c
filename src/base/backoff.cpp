// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/backoff.hpp>

#include <algorithm>
#include <chrono>
#include <thread>

namespace cleave {

namespace {

// splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
std::uint64_t next_random(std::uint64_t& state) noexcept {
  state += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

} // namespace

std::optional<std::int64_t> backoff::next() noexcept {
  ++attempts_;
  if (attempts_ >= options_.attempts) return std::nullopt;
  unsigned const doublings = std::min(attempts_ - 1, 32U);
  std::uint64_t const bound = std::min(std::uint64_t{options_.first_us} << doublings,
                                       std::uint64_t{options_.longest_us});
  return static_cast<std::int64_t>(next_random(random_) % (bound + 1));
}

waiter_ref::waiter_ref() noexcept
    : object_(nullptr),
      wait_([](void*, std::int64_t us) { std::this_thread::sleep_for(std::chrono::microseconds(us)); }) {}

} // namespace cleave
