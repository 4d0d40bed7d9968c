// SPDX-License-Identifier: BSL-1.0
// Whether there is anybody to be kept away.
#pragma once

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace cleave::detail {

// Whether the calling thread is the only one of the process. No where that is not known. A thread that is started later sees all that was
// done before, so what is only done here needs no locked instruction: the mutex of the C library does without one, too.
inline bool is_only_thread() noexcept {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

} // namespace cleave::detail
