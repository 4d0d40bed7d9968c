// SPDX-License-Identifier: BSL-1.0
// Takes the place of src/base/process_barrier.cpp in a program that runs the bus's tests as on a system without membarrier(2).
#include <cleave/base/process_barrier.hpp>

namespace cleave::detail {

bool has_process_barrier() noexcept { return false; }
void process_barrier() noexcept {}

} // namespace cleave::detail
