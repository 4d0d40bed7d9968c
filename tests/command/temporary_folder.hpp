// SPDX-License-Identifier: BSL-1.0
// A folder of one test, gone with all that is in it when the test ends.
#pragma once

#include <filesystem>
#include <string>
#include <unistd.h>

namespace cleave_test {

class temporary_folder {
public:
  temporary_folder() {
    static int made = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("cleave-test-" + std::to_string(getpid()) + "-" + std::to_string(++made));
    std::filesystem::create_directory(path_);
  }
  temporary_folder(temporary_folder const&) = delete;
  temporary_folder& operator=(temporary_folder const&) = delete;
  ~temporary_folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(char const* name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

} // namespace cleave_test
