// SPDX-License-Identifier: BSL-1.0
#include <cleave/memory/detail/log.hpp>

#include "arena.hpp"

#include <algorithm>

namespace cleave::memory::detail {

void log::grow(std::uint64_t position, arena& memory) {
  while (position > room_) {
    std::uint64_t const segments = room_ / segment::events;
    segment** directory = directory_.load(std::memory_order_relaxed);
    if (segments == directory_room_) {
      std::uint64_t const room = std::max<std::uint64_t>(16, directory_room_ * 2);
      auto** const longer = memory.allocate_array<segment*>(room);
      std::copy_n(directory, segments, longer);
      directory_.store(longer, std::memory_order_release);
      directory_room_ = room;
      directory = longer;
    }
    directory[segments] = memory.allocate_array<segment>(1);
    room_ += segment::events;
  }
}

} // namespace cleave::memory::detail
