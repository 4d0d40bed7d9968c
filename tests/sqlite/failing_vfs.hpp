// SPDX-License-Identifier: BSL-1.0
// An SQLite VFS that fails on command. All it does goes to the default VFS.
#pragma once

#include <atomic>
#include <string>

namespace cleave::test {

// What the next operations on the write-ahead log's file do. One for the process: tests that use it run alone.
struct wal_faults {
  std::atomic<bool> fail_sync{false};  // SQLITE_IOERR_FSYNC
  std::atomic<bool> fail_write{false}; // SQLITE_IOERR_WRITE
  std::atomic<bool> disk_full{false};  // SQLITE_FULL on writes
  std::atomic<int> syncs{0};           // counted
};
wal_faults& faults();

// Registers the VFS once; its name.
std::string failing_vfs();

} // namespace cleave::test
