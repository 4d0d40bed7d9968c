// SPDX-License-Identifier: BSL-1.0
#include "small_store.hpp"

#include <filesystem>

namespace {

using namespace cleave;
using namespace cleave::test;

constexpr std::uintmax_t frame_bytes = 24 + 4'096;

// As a crash leaves them.
std::string copy_files(scratch_folder const& folder, std::string const& path) {
  std::string const copy = folder.file("copy.db");
  for (char const* const end : {"", "-wal"})
    std::filesystem::copy_file(path + end, copy + end, std::filesystem::copy_options::overwrite_existing);
  return copy;
}

} // namespace

TEST_CASE("the WAL has room for many commits ahead, and what is behind the last one is none") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  auto store = open_store(path);
  must(append(store, "thing-1"));
  auto const size = std::filesystem::file_size(path + "-wal");
  CHECK(size > 200 * frame_bytes);
  must(append(store, "thing-1", expectation::any(), "\"second\""));
  CHECK(std::filesystem::file_size(path + "-wal") == size);

  auto copy = open_store(copy_files(folder, path));
  CHECK(stream_data(copy, "thing-1") == std::vector<std::string>{"{}", "\"second\""});
  CHECK(must(copy.verify()).sound());
}

TEST_CASE("the room in the WAL ends where it is written back") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  auto store = must(sqlite::event_store::open({.path = path, .checkpoint_pages = 50}));
  std::string const data = '"' + std::string(3'000, 'x') + '"';
  for (int i = 0; i < 300; ++i) must(append(store, "thing-1", expectation::any(), data));
  CHECK(std::filesystem::file_size(path + "-wal") < 80 * frame_bytes);
}
