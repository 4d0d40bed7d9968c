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

// How many of `all` things in order come before the first one that is behind(i); searched from the end, where it is as a rule.
template <class Behind> std::uint64_t count_until(std::uint64_t all, Behind behind) noexcept {
  std::uint64_t low = all;
  std::uint64_t high = all;
  for (std::uint64_t step = 1; low > 0 && behind(low - 1); step *= 2) {
    high = low - 1;
    low -= std::min(step, low);
  }
  while (low < high) {
    std::uint64_t const middle = low + (high - low) / 2;
    if (behind(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

// Places 0, 1, 2, ... that never move: chunk k has 4 << k of them, so that place i is found by one bit scan and a list of any length
// wastes at most half of its last chunk. One writer reserves them and says by some other means (release, acquire) which ones may be
// read. Memory comes from an arena, so there is nothing to destroy; nothing is constructed either.
class chunk_table {
protected:
  static constexpr unsigned first_bits = 2;
  static constexpr unsigned near_chunks = 4;
  static constexpr unsigned far_chunks = 64 - first_bits - near_chunks;

  static unsigned chunk_of(std::uint64_t i) noexcept {
    return static_cast<unsigned>(std::bit_width((i >> first_bits) + 1)) - 1;
  }
  static std::uint64_t first_in(unsigned k) noexcept { return ((std::uint64_t{1} << k) - 1) << first_bits; }
  void* chunk(unsigned k) const noexcept { return k < near_chunks ? near_[k] : far_[k - near_chunks]; }
  void grow(std::uint64_t size, std::size_t place_bytes, std::size_t alignment, arena& memory);

  std::uint64_t room_ = 0;

private:
  void* near_[near_chunks] = {};
  void** far_ = nullptr; // far_chunks pointers, once the near ones are used up
};
template <class T> class chunk_list : chunk_table {
public:
  // i is below what has been reserved.
  T& operator[](std::uint64_t i) const noexcept {
    unsigned const k = chunk_of(i);
    return static_cast<T*>(chunk(k))[i - first_in(k)];
  }
  // For the writer: makes places below `size`; may throw std::bad_alloc.
  void reserve(std::uint64_t size, arena& memory) {
    if (size > room_) grow(size, sizeof(T), alignof(T), memory);
  }
};

// Positions stand in rising order. Readers see entries below the size that was published; the writer's entries behind it are staged.
class position_list {
public:
  std::uint64_t size() const noexcept { return published_.load(std::memory_order_acquire); }
  // i < size(), or staged and asked by the writer.
  std::uint64_t operator[](std::uint64_t i) const noexcept { return places_[i]; }
  // How many of the entries are not behind `head`: what a snapshot of the log at `head` shows. Published entries can be
  // ahead of the snapshot by what was committed meanwhile, so the search gallops from the end.
  std::uint64_t count_up_to(std::uint64_t head) const noexcept {
    return count_until(size(), [&](std::uint64_t i) { return (*this)[i] > head; });
  }

  // For the writer: makes room for `more` entries behind the staged ones; may throw std::bad_alloc.
  void reserve(std::uint64_t more, arena& memory) { places_.reserve(staged_ + more, memory); }
  void stage(std::uint64_t position) noexcept { places_[staged_++] = position; }
  std::uint64_t staged() const noexcept { return staged_; }
  void publish() noexcept { published_.store(staged_, std::memory_order_release); }
  void drop_staged() noexcept { staged_ = published_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> published_{0};
  std::uint64_t staged_ = 0;
  chunk_list<std::uint64_t> places_;
};

} // namespace cleave::memory::detail
