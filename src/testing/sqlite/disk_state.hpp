// SPDX-License-Identifier: BSL-1.0
// What is behind a simulated_disk: its files, their locks, and the record of changes.
#pragma once

#include <cleave/testing/sqlite/simulated_disk.hpp>

#include <sqlite3.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::testing::detail {

// A file, with or without a name. It lives while it has a name or is open.
struct disk_file {
  std::uint64_t id = 0; // 0: a temporary file, not recorded
  std::string bytes;
  int shared = 0; // connections with SQLITE_LOCK_SHARED or more
  void const* reserved = nullptr;
  void const* pending = nullptr; // on its way to exclusive, or there
  std::vector<std::unique_ptr<std::byte[]>> maps;
  int map_users = 0;
  std::array<int, SQLITE_SHM_NLOCK> map_shared{};
  std::array<void const*, SQLITE_SHM_NLOCK> map_exclusive{};
};

struct disk_change {
  enum class kind : std::uint8_t { create, remove, write, truncate, sync };
  kind what = kind::sync;
  bool folder_synced = false; // of remove
  std::uint64_t file = 0;
  std::uint64_t at = 0;   // of write: the offset; of truncate: the size
  std::uint64_t from = 0; // in the record's bytes
  std::uint64_t size = 0;
  std::string name; // of create and remove
};

// Files by name: their bytes, and under which number changes speak of them.
struct disk_record {
  std::map<std::string, std::uint64_t> names; // at the beginning
  std::map<std::uint64_t, std::string> files;
  std::vector<disk_change> changes;
  std::string bytes;
};

struct disk_state {
  mutable std::mutex mutex;
  std::string name;
  sqlite3_vfs vfs{};
  std::map<std::string, std::shared_ptr<disk_file>, std::less<>> files;
  std::uint64_t last_id = 0;
  std::uint64_t open = 0;

  simulated_disk::observer each;
  bool faulty = false;
  disk_fault fault;
  std::uint64_t matched = 0;
  std::uint64_t failed = 0;
  disk_operation first_failed = disk_operation::any;
  std::array<std::uint64_t, 12> counts{};

  bool recording = false;
  disk_record record;

  // Calls the observer, counts, and says whether the operation goes well. Not under the mutex.
  bool goes_well(disk_operation what, std::string_view file);
  // Under the mutex.
  void change(disk_change::kind what, disk_file const& file, std::uint64_t at = 0,
              std::string_view bytes = {});
  void rename(disk_change::kind what, disk_file const& file, std::string_view name,
              bool folder_synced = false);
};

} // namespace cleave::testing::detail
