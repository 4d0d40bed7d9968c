// SPDX-License-Identifier: BSL-1.0
// Stacks between which one thread switches, told to the sanitizers.
#pragma once

#include <csetjmp>
#include <cstddef>
#include <memory>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define SIMULATED_ASAN
#elif defined(__SANITIZE_THREAD__)
#define SIMULATED_TSAN
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIMULATED_ASAN
#elif __has_feature(thread_sanitizer)
#define SIMULATED_TSAN
#endif
#endif
#if defined(SIMULATED_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#elif defined(SIMULATED_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace simulated {

// Made by default it stands for the thread that makes it; with an entry it is a stack of its own.
class fiber {
public:
  fiber() {
#if defined(SIMULATED_TSAN)
    shadow_ = __tsan_get_current_fiber();
#endif
  }
  // `entry` must first call arrived(), and never return.
  explicit fiber(void (*entry)()) : stack_(new char[stack_bytes]) {
#if defined(SIMULATED_ASAN)
    bottom_ = stack_.get();
    bytes_ = stack_bytes;
#elif defined(SIMULATED_TSAN)
    shadow_ = __tsan_create_fiber(0);
#endif
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack_.get();
    context_.uc_stack.ss_size = stack_bytes;
    context_.uc_link = nullptr;
    makecontext(&context_, entry, 0);
  }
  fiber(fiber const&) = delete;
  fiber& operator=(fiber const&) = delete;
  ~fiber() {
#if defined(SIMULATED_ASAN)
    if (stack_)
      ASAN_UNPOISON_MEMORY_REGION(stack_.get(),
                                  stack_bytes); // it may have been left in the middle of something
#elif defined(SIMULATED_TSAN)
    if (stack_) __tsan_destroy_fiber(shadow_);
#endif
  }

  // From this fiber, which is the one that runs, to another one; returns when somebody switches back.
  void switch_to(fiber& other) {
    came_from = this;
#if defined(SIMULATED_ASAN)
    void* fake = nullptr;
    __sanitizer_start_switch_fiber(&fake, other.bottom_, other.bytes_);
    swapcontext(&context_, &other.context_);
    __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#elif defined(SIMULATED_TSAN)
    __tsan_switch_to_fiber(other.shadow_, 0);
    swapcontext(&context_, &other.context_);
#else
    // swapcontext makes two system calls; it is for the first time only.
    if (_setjmp(place_) != 0) return;
    if (other.begun_ || !other.stack_) _longjmp(other.place_, 1);
    other.begun_ = true;
    setcontext(&other.context_);
#endif
  }
  static void arrived() {
#if defined(SIMULATED_ASAN)
    __sanitizer_finish_switch_fiber(nullptr, &came_from->bottom_, &came_from->bytes_);
#endif
  }

private:
  static constexpr std::size_t stack_bytes = 128 * 1024;
  static inline fiber* came_from = nullptr;

  std::unique_ptr<char[]> stack_{};
  ucontext_t context_{};
#if defined(SIMULATED_ASAN)
  void const* bottom_ = nullptr;
  std::size_t bytes_ = 0;
#elif defined(SIMULATED_TSAN)
  void* shadow_ = nullptr;
#else
  jmp_buf place_{};
  bool begun_ = false;
#endif
};

} // namespace simulated
