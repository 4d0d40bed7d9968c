// SPDX-License-Identifier: BSL-1.0
// The dear half of an asymmetric barrier: who acts often does without, who acts seldom has one for both.
#pragma once

namespace cleave::detail {

// Whether this system has such a barrier. The same answer for the whole life of the process.
bool has_process_barrier() noexcept;

// When it returns, every thread of the process has passed a full memory barrier between the call and the return.
// Only where has_process_barrier(). Some microseconds.
void process_barrier() noexcept;

} // namespace cleave::detail
