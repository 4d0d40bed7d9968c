// SPDX-License-Identifier: BSL-1.0
// Everything of the SQLite stores that asks the operating system directly.
#include "process_lock.hpp"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace cleave::sqlite {

namespace {

constexpr int tries_before_sleep = 8;
constexpr std::int64_t shortest_sleep_us = 50;
constexpr std::int64_t longest_sleep_us = 2'000;

errc to_errc_of_os(int os_error) noexcept {
  switch (os_error) {
  case ENOENT:
  case ENOTDIR: return errc::not_found;
  case EACCES:
  case EPERM:
  case EROFS: return errc::read_only;
  case ENOSPC:
  case EDQUOT: return errc::disk_full;
  default: return errc::io_error;
  }
}

} // namespace

std::int64_t steady_us() noexcept {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

result<process_lock> process_lock::open(std::string path) {
  process_lock made;
  made.file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (made.file_ < 0) {
    int const os_error = errno;
    return unexpected(make_error(to_errc_of_os(os_error), "{}: cannot open the lock file: {}", path,
                                 std::generic_category().message(os_error)));
  }
  made.path_ = std::move(path);
  return made;
}

process_lock::process_lock(process_lock&& other) noexcept
    : path_(std::move(other.path_)), file_(std::exchange(other.file_, -1)) {}

process_lock& process_lock::operator=(process_lock other) noexcept {
  path_.swap(other.path_);
  std::swap(file_, other.file_);
  return *this;
}

process_lock::~process_lock() {
  if (file_ >= 0) ::close(file_);
}

result<void> process_lock::lock(std::int64_t deadline_us) {
  if (file_ < 0) return {};
  // flock has no timed form; the holder needs it for the length of a commit, so the first naps are short.
  std::int64_t nap_us = shortest_sleep_us;
  for (int tries = 1;; ++tries) {
    if (::flock(file_, LOCK_EX | LOCK_NB) == 0) return {};
    if (int const os_error = errno; os_error != EWOULDBLOCK && os_error != EINTR) {
      return unexpected(make_error(errc::io_error, "{}: cannot lock: {}", path_,
                                   std::generic_category().message(os_error)));
    }
    if (steady_us() >= deadline_us) {
      return unexpected(make_error(
          errc::busy, "{}: another process writes to the store for longer than the stated wait", path_));
    }
    if (tries <= tries_before_sleep) {
      std::this_thread::yield();
      continue;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(nap_us));
    nap_us = std::min(nap_us * 2, longest_sleep_us);
  }
}

void process_lock::unlock() const noexcept {
  if (file_ >= 0) ::flock(file_, LOCK_UN);
}

} // namespace cleave::sqlite
