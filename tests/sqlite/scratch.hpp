// SPDX-License-Identifier: BSL-1.0
// A folder for one test's files, gone when the test is, and a user who may do nothing there.
#pragma once

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

namespace cleave::test {

class scratch_folder {
public:
  explicit scratch_folder(std::filesystem::path const& inside = std::filesystem::temp_directory_path()) {
    std::string name = (inside / "cleave-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  scratch_folder(scratch_folder const&) = delete;
  scratch_folder& operator=(scratch_folder const&) = delete;
  ~scratch_folder() {
    std::error_code ignored;
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(std::string_view name) const { return (path_ / name).string(); }
  std::filesystem::path const& path() const { return path_; }

private:
  std::filesystem::path path_;
};

// Where files need no disk, for tests that kill many processes and pull no plug: syncing costs nothing there.
inline std::filesystem::path memory_folder() {
  std::filesystem::path const shared = "/dev/shm";
  return ::access(shared.c_str(), W_OK) == 0 ? shared : std::filesystem::temp_directory_path();
}

inline std::string read_file(std::string const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void write_file(std::string const& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

// Runs `body` as a user without rights in a child process; true when it returned true there.
template <class Body> bool as_nobody(Body body) {
  pid_t const child = ::fork();
  if (child == 0) {
    bool const dropped = ::getuid() != 0 || ::setuid(65534) == 0;
    ::_exit(dropped && body() ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace cleave::test
