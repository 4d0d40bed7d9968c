// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/process_barrier.hpp>
#include <cleave/config.hpp>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace cleave::detail {

#if defined(__linux__)

bool has_process_barrier() noexcept {
  // Registration is for the process, lasts until exec, and is inherited by fork.
  static bool const registered = ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) ==
                                 0;
  return registered;
}

void process_barrier() noexcept {
  bool const done = ::syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
  CLEAVE_ASSERT(done, "membarrier(2) was registered and is refused now");
}

#else

bool has_process_barrier() noexcept { return false; }
void process_barrier() noexcept {}

#endif

} // namespace cleave::detail
