// SPDX-License-Identifier: BSL-1.0
// A growing list of log positions that one writer fills while any thread reads: the events of a stream, those with a tag.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace cleave::memory::detail {

class arena;

// Positions stand in rising order. The list never moves what it holds: chunk k has 4 << k places, so that entry i is found by
// one bit scan and a stream of any length wastes at most half of its last chunk. Readers see entries below the size that was
// published; the writer's entries behind it are staged. Memory comes from an arena, so there is nothing to destroy.
class position_list {
public:
  std::uint64_t size() const noexcept { return published_.load(std::memory_order_acquire); }
  // i < size(), or staged and asked by the writer.
  std::uint64_t operator[](std::uint64_t i) const noexcept {
    unsigned const k = chunk_of(i);
    return chunk(k)[i - first_in(k)];
  }
  // How many of the entries are not behind `head`: what a snapshot of the log at `head` shows. Published entries can be
  // ahead of the snapshot by what was committed meanwhile, so the search gallops from the end.
  std::uint64_t count_up_to(std::uint64_t head) const noexcept {
    std::uint64_t const all = size();
    std::uint64_t low = all;
    std::uint64_t high = all;
    for (std::uint64_t step = 1; low > 0 && (*this)[low - 1] > head; step *= 2) {
      high = low - 1;
      low -= std::min(step, low);
    }
    while (low < high) {
      std::uint64_t const middle = low + (high - low) / 2;
      if ((*this)[middle] > head) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  // For the writer: makes room for `more` entries behind the staged ones; may throw std::bad_alloc.
  void reserve(std::uint64_t more, arena& memory) {
    if (more > room_ - staged_) grow(more, memory);
  }
  void stage(std::uint64_t position) noexcept {
    unsigned const k = chunk_of(staged_);
    chunk(k)[staged_ - first_in(k)] = position;
    ++staged_;
  }
  std::uint64_t staged() const noexcept { return staged_; }
  void publish() noexcept { published_.store(staged_, std::memory_order_release); }
  void drop_staged() noexcept { staged_ = published_.load(std::memory_order_relaxed); }

private:
  static constexpr unsigned first_bits = 2;
  static constexpr unsigned near_chunks = 4;
  static constexpr unsigned far_chunks = 64 - first_bits - near_chunks;

  static unsigned chunk_of(std::uint64_t i) noexcept {
    return static_cast<unsigned>(std::bit_width((i >> first_bits) + 1)) - 1;
  }
  static std::uint64_t first_in(unsigned k) noexcept { return ((std::uint64_t{1} << k) - 1) << first_bits; }
  std::uint64_t* chunk(unsigned k) const noexcept {
    return k < near_chunks ? near_[k] : far_[k - near_chunks];
  }
  void grow(std::uint64_t more, arena& memory);

  std::atomic<std::uint64_t> published_{0};
  std::uint64_t staged_ = 0;
  std::uint64_t room_ = 0;
  std::uint64_t* near_[near_chunks] = {};
  std::uint64_t** far_ = nullptr; // far_chunks pointers, once the near ones are used up
};

} // namespace cleave::memory::detail
