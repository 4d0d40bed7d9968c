// SPDX-License-Identifier: BSL-1.0
// A disk in memory, as a VFS for SQLite: it fails on command, and remembers what was written and synced.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace cleave::testing {

namespace detail {
struct disk_state;
}

// What SQLite asks of a disk. Bits: a fault can hit several of them.
enum class disk_operation : std::uint16_t {
  open = 1 << 0,
  remove = 1 << 1,
  find = 1 << 2, // does the file exist?
  read = 1 << 3,
  write = 1 << 4,
  truncate = 1 << 5,
  sync = 1 << 6,
  size = 1 << 7,
  lock = 1 << 8,         // of the file, by a connection
  share = 1 << 9,        // a part of the memory that connections share (the WAL's index)
  lock_shared = 1 << 10, // of that memory
  release_map = 1 << 11, // SQLite has seen that another connection changed the file; cannot fail
  any = (1 << 12) - 1,
};
constexpr disk_operation operator|(disk_operation a, disk_operation b) noexcept {
  return static_cast<disk_operation>(static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));
}
constexpr bool includes(disk_operation set, disk_operation one) noexcept {
  return (static_cast<std::uint32_t>(set) & static_cast<std::uint32_t>(one)) != 0;
}

// What goes wrong: of the operations that it is about, the first `after` go well and the next `times` fail.
struct disk_fault {
  static constexpr std::uint64_t for_ever = UINT64_MAX;

  disk_operation what = disk_operation::any;
  std::string file_ends{}; // only files whose name ends so, e.g. "-wal"
  std::uint64_t after = 0;
  std::uint64_t times = for_ever;
  bool disk_full = false;   // writes fail with SQLITE_FULL, not with SQLITE_IOERR_WRITE
  bool short_write = false; // a write that fails leaves the first half of its bytes
};

// Every file by its name, whole.
using disk_image = std::map<std::string, std::string>;

// Stands for a disk, the operating system's file cache, and the locks and the shared memory between connections. Connections
// of one process may use it from several threads at once; not more than one process. Its paths are names without meaning:
// a store on it needs options.vfs = vfs() and options.shared = false, or a path with a folder where the store's lock file can
// lie on the real disk. Operations are checked, counted and failed in the order in which they come, so a run on one thread
// can be repeated exactly (but for the numbers that SQLite draws at random).
//
// Locking is as the unix VFS of SQLite does it; what a failed write or sync has written stays in the file, un-synced. Releasing
// a lock and closing never fail.
class simulated_disk {
public:
  // Registers the VFS; `name` must be free. Empty.
  explicit simulated_disk(std::string name);
  simulated_disk(simulated_disk const&) = delete;
  simulated_disk& operator=(simulated_disk const&) = delete;
  // When no file is open any more.
  ~simulated_disk();

  std::string const& vfs() const noexcept;

  // From now on, and instead of the last one.
  void inject(disk_fault const& fault);
  void heal();
  // How many operations have failed since the last inject, and what the first of them was (`any`: none).
  std::uint64_t failed() const;
  disk_operation first_failed() const;
  // Operations so far, of those kinds.
  std::uint64_t operations(disk_operation what = disk_operation::any) const;

  // Called before each operation, on its thread, without a lock of the disk: another connection may be used in it. Set it while
  // nothing else uses the disk. Empty: none.
  using observer = std::function<void(disk_operation what, std::string_view file)>;
  void observe(observer each);

  // What programs see now, and what they shall see: load replaces all files, when none is open.
  disk_image image() const;
  void load(disk_image const& files);
  std::uint64_t open_files() const;

  // Remembers from now on every write, truncation, sync, new file and removal, for power_loss. What is there now counts as
  // synced. An earlier record is forgotten.
  void record();
  // How many changes are in the record: a place in it.
  std::uint64_t recorded() const;

private:
  friend class power_loss;
  std::unique_ptr<detail::disk_state> state_;
};

} // namespace cleave::testing
