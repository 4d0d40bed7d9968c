// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace cleave::detail {

// Between two looks at something that another thread is about to change: leaves the core's other thread more of it.
inline void relax() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#endif
}

} // namespace cleave::detail
