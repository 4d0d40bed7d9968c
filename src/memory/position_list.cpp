// SPDX-License-Identifier: BSL-1.0
#include <cleave/memory/detail/position_list.hpp>

#include "arena.hpp"

namespace cleave::memory::detail {

void chunk_table::grow(std::uint64_t size, std::size_t place_bytes, std::size_t alignment, arena& memory) {
  while (size > room_) {
    unsigned const k = chunk_of(room_);
    std::uint64_t const places = std::uint64_t{1} << (k + first_bits);
    if (k >= near_chunks && far_ == nullptr) far_ = memory.allocate_array<void*>(far_chunks);
    (k < near_chunks ? near_[k] : far_[k - near_chunks]) = memory.allocate(places * place_bytes, alignment);
    room_ += places;
  }
}

} // namespace cleave::memory::detail
