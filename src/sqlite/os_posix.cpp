// SPDX-License-Identifier: BSL-1.0
// Everything of the SQLite stores that asks the operating system directly.
#include "new_file.hpp"
#include "parking_place.hpp"
#include "process_lock.hpp"

#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#endif
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
  case EEXIST: return errc::already_exists;
  default: return errc::io_error;
  }
}

// Of the call that has just failed.
error os_failure(std::string const& path, std::string_view what) {
  int const os_error = errno;
  return make_error(to_errc_of_os(os_error), "{}: cannot {}: {}", path, what,
                    std::generic_category().message(os_error));
}

std::string folder_of(std::string const& path) {
  std::size_t const slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// So that a name is there after a power loss too.
result<void> sync_folder_of(std::string const& path) {
  std::string const folder = folder_of(path);
  int const opened = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (opened < 0) return unexpected(os_failure(folder, "open the folder"));
  result<void> done;
  if (::fsync(opened) != 0) done = unexpected(os_failure(folder, "sync the folder"));
  ::close(opened);
  return done;
}

} // namespace

std::int64_t steady_us() noexcept {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

#if defined(__linux__)
void parking_place::wait(int seen) const noexcept {
  ::syscall(SYS_futex, &calls_, FUTEX_WAIT_PRIVATE, seen, nullptr, nullptr, 0);
}
void parking_place::call_all() noexcept {
  calls_.fetch_add(1, std::memory_order_release);
  ::syscall(SYS_futex, &calls_, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}
#else
void parking_place::wait(int seen) const noexcept { calls_.wait(seen, std::memory_order_acquire); }
void parking_place::call_all() noexcept {
  calls_.fetch_add(1, std::memory_order_release);
  calls_.notify_all();
}
#endif

result<process_lock> process_lock::open(std::string path) {
  process_lock made;
  made.file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (made.file_ < 0) {
    return unexpected(os_failure(path, "open the lock file"));
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

result<void> check_not_there(std::string const& path) {
  struct stat found{};
  if (::lstat(path.c_str(), &found) == 0)
    return unexpected(make_error(errc::already_exists, "{}: the file is there already", path));
  if (errno == ENOENT) return {};
  return unexpected(os_failure(path, "look for the file"));
}

result<new_file> new_file::make(std::string place, std::string const& like) {
  if (auto good = check_not_there(place); !good) return unexpected(std::move(good).error());
  std::string partial = place + "-partial-XXXXXX";
  int const opened = ::mkostemp(partial.data(), O_CLOEXEC);
  if (opened < 0) return unexpected(os_failure(partial, "make the file"));
  new_file made;
  made.place_ = std::move(place);
  made.partial_ = std::move(partial);
  struct stat model{};
  bool const failed = ::stat(like.c_str(), &model) == 0 && ::fchmod(opened, model.st_mode & 0777) != 0;
  if (failed) {
    error reason = os_failure(made.partial_, "set the permissions");
    ::close(opened);
    return unexpected(std::move(reason));
  }
  ::close(opened);
  return made;
}

new_file::new_file(new_file&& other) noexcept
    : place_(std::move(other.place_)), partial_(std::exchange(other.partial_, {})) {}

new_file& new_file::operator=(new_file other) noexcept {
  place_.swap(other.place_);
  partial_.swap(other.partial_);
  return *this;
}

new_file::~new_file() {
  if (!partial_.empty()) ::unlink(partial_.c_str());
}

result<void> new_file::finish() {
  // A rename replaces what it finds. So the name is taken first, which only one can do; links would do it in one step, but not
  // every file system has them.
  int const taken = ::open(place_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (taken < 0) return unexpected(os_failure(place_, "make the file"));
  ::close(taken);
  result<void> done;
  if (::rename(partial_.c_str(), place_.c_str()) == 0) {
    partial_.clear();
    done = sync_folder_of(place_);
  } else {
    done = unexpected(os_failure(place_, "rename the complete file"));
  }
  if (!done) ::unlink(place_.c_str());
  return done;
}

} // namespace cleave::sqlite
