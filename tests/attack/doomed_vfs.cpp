// SPDX-License-Identifier: BSL-1.0
#include "doomed_vfs.hpp"

#include <sqlite3.h>

#include <csignal>
#include <cstdlib>

namespace cleave::test {

namespace {

std::uint64_t operations_left = UINT64_MAX;
bool dies_within_write = false;

struct shim {
  sqlite3_file base;
  // Behind it: the file of the real VFS.
  sqlite3_file* real() noexcept { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

sqlite3_file* real(sqlite3_file* file) noexcept { return reinterpret_cast<shim*>(file)->real(); }
sqlite3_vfs* real(sqlite3_vfs* vfs) noexcept { return static_cast<sqlite3_vfs*>(vfs->pAppData); }

bool is_last() noexcept { return --operations_left == 0; }
void count() noexcept {
  if (is_last()) die();
}

sqlite3_io_methods const methods = {
    2,
    [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); },
    [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
      return real(f)->pMethods->xRead(real(f), to, n, at);
    },
    [](sqlite3_file* f, void const* from, int n, sqlite3_int64 at) {
      if (is_last()) {
        if (dies_within_write) real(f)->pMethods->xWrite(real(f), from, n / 2, at);
        die();
      }
      return real(f)->pMethods->xWrite(real(f), from, n, at);
    },
    [](sqlite3_file* f, sqlite3_int64 size) {
      count();
      return real(f)->pMethods->xTruncate(real(f), size);
    },
    // What a killed process has written stays in the system's cache: syncing would only cost time.
    [](sqlite3_file*, int) {
      count();
      return SQLITE_OK;
    },
    [](sqlite3_file* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); },
    [](sqlite3_file* f, int level) {
      count();
      return real(f)->pMethods->xLock(real(f), level);
    },
    [](sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); },
    [](sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); },
    [](sqlite3_file* f, int op, void* arg) { return real(f)->pMethods->xFileControl(real(f), op, arg); },
    [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
    [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
    [](sqlite3_file* f, int part, int size, int extend, void volatile** out) {
      count();
      return real(f)->pMethods->xShmMap(real(f), part, size, extend, out);
    },
    [](sqlite3_file* f, int at, int n, int flags) {
      count();
      return real(f)->pMethods->xShmLock(real(f), at, n, flags);
    },
    [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); },
    [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); },
    nullptr,
    nullptr,
};

int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* flags_given) {
  count();
  file->pMethods = nullptr;
  int const code = real(vfs)->xOpen(real(vfs), name, real(file), flags, flags_given);
  if (real(file)->pMethods != nullptr) file->pMethods = &methods;
  return code;
}

int remove(sqlite3_vfs* vfs, char const* name, int sync_folder) {
  count();
  return real(vfs)->xDelete(real(vfs), name, sync_folder);
}

} // namespace

void doom(std::uint64_t operation, bool torn) {
  operations_left = operation;
  dies_within_write = torn;
}

void die() {
  static_cast<void>(::raise(SIGKILL));
  std::abort();
}

std::string doomed_vfs() {
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs* const below = sqlite3_vfs_find(nullptr);
    sqlite3_vfs made = *below; // all but these two works on names, not on files
    made.pNext = nullptr;
    made.zName = "cleave-doomed";
    made.pAppData = below;
    made.szOsFile += static_cast<int>(sizeof(shim));
    made.xOpen = open;
    made.xDelete = remove;
    return made;
  }();
  static int const registered = sqlite3_vfs_register(&vfs, 0);
  return registered == SQLITE_OK ? "cleave-doomed" : "";
}

} // namespace cleave::test
