// SPDX-License-Identifier: BSL-1.0
// Processes that a test can kill, and the memory in which they say what they have done. Fork from one thread, with no store open.
#pragma once

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace cleave::test {

// Outlives the processes that write to it.
template <class T> class shared_memory {
public:
  shared_memory() {
    void* const place = ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) std::abort();
    value_ = new (place) T();
  }
  shared_memory(shared_memory const&) = delete;
  shared_memory& operator=(shared_memory const&) = delete;
  ~shared_memory() { ::munmap(value_, sizeof(T)); }
  T* operator->() noexcept { return value_; }
  T& operator*() noexcept { return *value_; }

private:
  T* value_;
};

// What a process has begun and what it was told, before it could be killed.
struct progress_report {
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> acknowledged{0};
  std::atomic<std::uint64_t> checkpoint{0};
  char failure[512] = {}; // why it gave up; empty: it did not

  void fail(std::string_view why) noexcept {
    std::memcpy(failure, why.data(), std::min(why.size(), sizeof failure - 1));
  }
};

class forked {
public:
  // Runs work() in a process of its own, which then ends at once: no destructors, no reports of a test framework.
  template <class F> explicit forked(F&& work) {
    pid_ = ::fork();
    if (pid_ < 0) std::abort();
    if (pid_ != 0) return;
    work();
    ::_exit(0);
  }
  forked(forked&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  forked& operator=(forked other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ~forked() {
    if (pid_ <= 0) return;
    kill();
    static_cast<void>(wait());
  }

  void kill() const noexcept { ::kill(pid_, SIGKILL); }
  // Whether it has ended already.
  bool ended() const noexcept {
    siginfo_t seen{};
    return ::waitid(P_PID, static_cast<id_t>(pid_), &seen, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           seen.si_pid != 0;
  }
  // Returns when it has ended.
  enum class ending : std::uint8_t { well, killed, badly };
  ending wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return ending::killed;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? ending::well : ending::badly;
  }

private:
  pid_t pid_;
};

} // namespace cleave::test
