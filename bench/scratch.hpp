// SPDX-License-Identifier: BSL-1.0
// A folder for database files, removed at the end.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace bench {

class scratch {
public:
  scratch() : path_(std::filesystem::temp_directory_path() / "cleave-bench-XXXXXX") {
    std::string name = path_.string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    path_ = name;
  }
  scratch(scratch const&) = delete;
  scratch& operator=(scratch const&) = delete;
  ~scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(std::string_view name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

} // namespace bench
