// SPDX-License-Identifier: BSL-1.0
#include <cleave/memory/detail/position_list.hpp>

#include "arena.hpp"

namespace cleave::memory::detail {

void position_list::grow(std::uint64_t more, arena& memory) {
  while (more > room_ - staged_) {
    unsigned const k = chunk_of(room_);
    std::uint64_t const places = std::uint64_t{1} << (k + first_bits);
    if (k >= near_chunks && far_ == nullptr) far_ = memory.allocate_array<std::uint64_t*>(far_chunks);
    auto* const added = memory.allocate_array<std::uint64_t>(places);
    if (k < near_chunks) near_[k] = added;
    else far_[k - near_chunks] = added;
    room_ += places;
  }
}

} // namespace cleave::memory::detail
