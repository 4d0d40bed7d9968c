// SPDX-License-Identifier: BSL-1.0
// A file that gets its name when it is complete.
#pragma once

#include <cleave/base/result.hpp>

#include <string>
#include <string_view>

namespace cleave::sqlite {

// Lives beside its place, as "PLACE-partial-" and six letters, and is removed unless it was finished.
class new_file {
public:
  // Makes it, empty, with the permissions of the file `like`, where that is one on disk, else for its owner alone.
  // errc::already_exists when `place` is there.
  static result<new_file> make(std::string place, std::string const& like);
  new_file(new_file&& other) noexcept;
  new_file& operator=(new_file other) noexcept;
  ~new_file();

  std::string const& partial() const noexcept { return partial_; }
  // Gives the file, which must be closed and synced, its name, and syncs the folder. errc::already_exists when somebody else has
  // taken the name meanwhile. After an error both names are free or somebody else's.
  result<void> finish();

private:
  new_file() noexcept = default;

  std::string place_;
  std::string partial_; // empty: nothing to remove
};

// errc::already_exists when there is something of that name.
result<void> check_not_there(std::string const& path);

} // namespace cleave::sqlite
