// SPDX-License-Identifier: BSL-1.0
// Memory that is given out piece by piece and freed all at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

namespace cleave::memory::detail {

// What all arenas of one store may take together.
class memory_budget {
public:
  explicit memory_budget(std::uint64_t limit) noexcept : limit_(limit) {}
  std::uint64_t limit() const noexcept { return limit_; }
  std::uint64_t used() const noexcept { return used_; }
  void take(std::uint64_t bytes) {
    if (bytes > limit_ - used_) throw std::bad_alloc();
    used_ += bytes;
  }
  void give_back(std::uint64_t bytes) noexcept { used_ -= bytes; }

private:
  std::uint64_t limit_;
  std::uint64_t used_ = 0;
};

class arena {
  struct block {
    block* previous;
    std::size_t size; // with this header
  };

public:
  explicit arena(memory_budget& budget) noexcept : budget_(budget) {}
  arena(arena const&) = delete;
  arena& operator=(arena const&) = delete;
  ~arena() { back_to(mark{}); }

  // Not initialised; valid until the arena is destroyed or goes back to an earlier mark. `alignment` is a power of two.
  // May throw std::bad_alloc.
  void* allocate(std::size_t size, std::size_t alignment) {
    std::size_t const gap = (0 - reinterpret_cast<std::uintptr_t>(at_)) & (alignment - 1);
    auto const room = static_cast<std::size_t>(end_ - at_);
    if (gap > room || size > room - gap) return allocate_in_new_block(size, alignment);
    std::byte* const given = at_ + gap;
    at_ = given + size;
    return given;
  }
  template <class T> T* allocate_array(std::size_t count) {
    return static_cast<T*>(allocate(count * sizeof(T), alignof(T)));
  }

  struct mark {
    block* last = nullptr;
    std::byte* at = nullptr;
  };
  mark now() const noexcept { return {last_, at_}; }
  // Frees everything given out since.
  void back_to(mark then) noexcept;

private:
  void* allocate_in_new_block(std::size_t size, std::size_t alignment);

  memory_budget& budget_;
  block* last_ = nullptr;
  std::byte* at_ = nullptr;
  std::byte* end_ = nullptr;
};

} // namespace cleave::memory::detail
