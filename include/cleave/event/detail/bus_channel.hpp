// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <atomic>
#include <cstdint>

namespace cleave::detail {

// The number of an event type in the tables of all event buses; 0 while nobody has subscribed to it on any bus.
template <class E> inline constinit std::atomic<std::uint32_t> bus_channel{0};

} // namespace cleave::detail
