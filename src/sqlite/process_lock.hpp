// SPDX-License-Identifier: BSL-1.0
// A lock between the processes, and the stores of one process, that share a file. The operating system frees it when its holder
// dies. It guards commits and checkpoints: SQLite 3.7.0 to 3.51.2 can drop a committed transaction when one connection writes
// while another one resets the WAL (the WAL-reset bug).
#pragma once

#include <cleave/base/result.hpp>

#include <cstdint>
#include <string>

namespace cleave::sqlite {

// Monotonic time, in microseconds.
std::int64_t steady_us() noexcept;

class process_lock {
public:
  // Makes the lock's file when it is not there. It stays: to remove it would race with who opens it.
  static result<process_lock> open(std::string path);
  // Locks nothing: for a file that only this process has.
  process_lock() noexcept = default;
  process_lock(process_lock&& other) noexcept;
  process_lock& operator=(process_lock other) noexcept;
  ~process_lock();

  // Waits until steady_us() reaches `deadline_us`, then errc::busy. One thread at a time; not twice.
  result<void> lock(std::int64_t deadline_us);
  void unlock() const noexcept;

private:
  std::string path_;
  int file_ = -1;
};

} // namespace cleave::sqlite
