// SPDX-License-Identifier: BSL-1.0
#include <cleave/memory/detail/log.hpp>

#include "arena.hpp"

#include <algorithm>

namespace cleave::memory::detail {

namespace {

// What a log of so many segments gets at once, so that a long one has its bodies in long rows.
constexpr std::uint64_t most_at_once = 32;
std::uint64_t at_once(std::uint64_t segments) noexcept {
  return std::clamp<std::uint64_t>(segments / 8, 1, most_at_once);
}

} // namespace

void log::grow(std::uint64_t position, arena& memory) {
  while (position > room_) {
    std::uint64_t const segments = room_ / segment::events;
    std::uint64_t const more = at_once(segments);
    segment* directory = directory_.load(std::memory_order_relaxed);
    if (segments + more > directory_room_) {
      std::uint64_t const room = std::max<std::uint64_t>(16, directory_room_ * 2);
      auto* const longer = memory.allocate_array<segment>(room);
      std::copy_n(directory, segments, longer);
      directory_.store(longer, std::memory_order_release);
      directory_room_ = room;
      directory = longer;
    }
    segment const made{memory.allocate_array<std::uint32_t>(more * segment::events),
                       memory.allocate_array<event_slot>(more * segment::events),
                       memory.allocate_array<event_facts>(more * segment::events)};
    for (std::uint64_t i = 0; i < more; ++i) directory[segments + i] = made.from(i * segment::events);
    room_ += more * segment::events;
  }
}

void log::grow_kinds(std::uint32_t more, arena& memory) {
  std::uint32_t const room = std::max({std::uint32_t{16}, kinds_room_ * 2, kinds_size_ + more});
  auto* const longer = new (memory.allocate(sizeof(kind_table), alignof(kind_table))) kind_table{
      memory.allocate_array<event_type const*>(room), memory.allocate_array<event_kind const*>(room)};
  if (kinds_size_ != 0) {
    std::copy_n(kinds().types, kinds_size_, longer->types);
    std::copy_n(kinds().kinds, kinds_size_, longer->kinds);
  }
  kinds_.store(longer, std::memory_order_release);
  kinds_room_ = room;
}

} // namespace cleave::memory::detail
