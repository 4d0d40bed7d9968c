// SPDX-License-Identifier: BSL-1.0
#include "arena.hpp"

#include <algorithm>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace cleave::memory::detail {

namespace {

// Blocks double: a small store stays small, a large one asks the system seldom.
constexpr std::size_t first_block = std::size_t{16} << 10;
constexpr std::size_t largest_block = std::size_t{4} << 20;

// What an arena gives out is written at once. In pages of the usual size the first touch of each costs more than what is written
// into it (on a virtual machine up to 2 us), so large blocks ask for huge ones.
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::align_val_t alignment_of(std::size_t bytes) noexcept {
  return std::align_val_t(bytes >= huge_page ? huge_page : __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* take_block(std::size_t bytes) {
  void* const raw = ::operator new(bytes, alignment_of(bytes));
#ifdef __linux__
  if (bytes >= huge_page) ::madvise(raw, bytes / huge_page * huge_page, MADV_HUGEPAGE); // a wish: it may fail
#endif
  return raw;
}

} // namespace

void* arena::allocate_in_new_block(std::size_t size, std::size_t alignment) {
  std::size_t const usual = last_ == nullptr ? first_block
                                             : std::clamp(last_->size * 2, first_block, largest_block);
  if (size > SIZE_MAX - sizeof(block) - alignment) throw std::bad_alloc();
  std::size_t const bytes = std::max(usual, sizeof(block) + alignment + size);
  budget_.take(bytes);
  void* raw = nullptr;
  try {
    raw = take_block(bytes);
  } catch (...) {
    budget_.give_back(bytes);
    throw;
  }
  last_ = new (raw) block{last_, bytes};
  at_ = static_cast<std::byte*>(raw) + sizeof(block);
  end_ = static_cast<std::byte*>(raw) + bytes;
  return allocate(size, alignment);
}

void arena::back_to(mark then) noexcept {
  while (last_ != then.last) {
    block* const gone = last_;
    last_ = gone->previous;
    budget_.give_back(gone->size);
    ::operator delete(gone, alignment_of(gone->size));
  }
  at_ = then.at;
  end_ = last_ == nullptr ? nullptr : reinterpret_cast<std::byte*>(last_) + last_->size;
}

} // namespace cleave::memory::detail
