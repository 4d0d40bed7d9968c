// SPDX-License-Identifier: BSL-1.0
// SQLite's own VFS, but for chosen operations on chosen files that fail on demand. One at a time, one thread.
#pragma once

#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>

namespace cleave::test {

class faulty_files {
public:
  static constexpr char const* name = "cleave-test-faulty-files";

  // Of files whose names contain `part`.
  explicit faulty_files(std::string part) : part_(std::move(part)) {
    system_ = sqlite3_vfs_find(nullptr);
    vfs_ = *system_;
    vfs_.zName = name;
    vfs_.pNext = nullptr;
    vfs_.xOpen = &open;
    current = this;
    sqlite3_vfs_register(&vfs_, 0);
  }
  faulty_files(faulty_files const&) = delete;
  faulty_files& operator=(faulty_files const&) = delete;
  ~faulty_files() {
    sqlite3_vfs_unregister(&vfs_);
    current = nullptr;
  }

  // The result of the operation after so many good ones; -1: never.
  struct fault {
    int after = -1;
    int code = SQLITE_OK;
    int next() noexcept {
      if (after < 0) return SQLITE_OK;
      return after-- == 0 ? (after = 0, code) : SQLITE_OK;
    }
  };
  fault reads;
  fault writes;
  fault syncs;
  bool is_there = true;  // else the files cannot be opened
  bool unsynced = false; // written since the last sync

private:
  static int open(sqlite3_vfs*, char const* path, sqlite3_file* file, int flags, int* out) {
    bool const chosen = path != nullptr &&
                        std::string_view(path).find(current->part_) != std::string_view::npos &&
                        (flags & SQLITE_OPEN_MAIN_DB) != 0;
    if (chosen && !current->is_there) {
      file->pMethods = nullptr;
      errno = ENOENT;
      return SQLITE_CANTOPEN;
    }
    int const code = current->system_->xOpen(current->system_, path, file, flags, out);
    if (code != SQLITE_OK || !chosen) return code;
    current->real_ = file->pMethods;
    current->methods_ = *file->pMethods;
    current->methods_.xRead = [](sqlite3_file* from, void* to, int bytes, sqlite3_int64 at) {
      int const failed = current->reads.next();
      return failed != SQLITE_OK ? failed : current->real_->xRead(from, to, bytes, at);
    };
    current->methods_.xWrite = [](sqlite3_file* to, void const* from, int bytes, sqlite3_int64 at) {
      current->unsynced = true;
      int const failed = current->writes.next();
      return failed != SQLITE_OK ? failed : current->real_->xWrite(to, from, bytes, at);
    };
    current->methods_.xSync = [](sqlite3_file* what, int how) {
      current->unsynced = false;
      int const failed = current->syncs.next();
      return failed != SQLITE_OK ? failed : current->real_->xSync(what, how);
    };
    file->pMethods = &current->methods_;
    return SQLITE_OK;
  }

  static inline faulty_files* current = nullptr;

  std::string part_;
  sqlite3_vfs* system_ = nullptr;
  sqlite3_vfs vfs_{};
  sqlite3_io_methods const* real_ = nullptr;
  sqlite3_io_methods methods_{};
};

} // namespace cleave::test
