// SPDX-License-Identifier: BSL-1.0
// The key under which the table cleave_ids has an event's id.
#pragma once

#include <cleave/base/id.hpp>

#include <cstddef>
#include <cstdint>

namespace cleave::sqlite {

// The first eight bytes of an id, in SQLite's integers: they grow with time in a UUIDv7, so that new ones lie side by side.
inline std::int64_t id_key(uuid const& id) noexcept {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < sizeof key; ++i) key = key << 8 | id.bytes()[i];
  return static_cast<std::int64_t>(key);
}

} // namespace cleave::sqlite
