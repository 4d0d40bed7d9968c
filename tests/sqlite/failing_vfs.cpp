// SPDX-License-Identifier: BSL-1.0
#include "failing_vfs.hpp"

#include <sqlite3.h>

#include <cstring>

namespace cleave::test {

namespace {

struct shim_file {
  sqlite3_file base;
  bool is_wal;
  // Behind it: the file of the real VFS.
  sqlite3_file* real() noexcept { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

shim_file* shim(sqlite3_file* file) noexcept { return reinterpret_cast<shim_file*>(file); }
sqlite3_file* real(sqlite3_file* file) noexcept { return shim(file)->real(); }

int write(sqlite3_file* file, void const* bytes, int count, sqlite3_int64 at) {
  if (shim(file)->is_wal && faults().disk_full) return SQLITE_FULL;
  if (shim(file)->is_wal && faults().fail_write) return SQLITE_IOERR_WRITE;
  return real(file)->pMethods->xWrite(real(file), bytes, count, at);
}

int sync(sqlite3_file* file, int flags) {
  if (shim(file)->is_wal) {
    ++faults().syncs;
    if (faults().fail_sync) return SQLITE_IOERR_FSYNC;
  }
  return real(file)->pMethods->xSync(real(file), flags);
}

sqlite3_io_methods const methods = {
    2,
    [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); },
    [](sqlite3_file* f, void* to, int n, sqlite3_int64 at) {
      return real(f)->pMethods->xRead(real(f), to, n, at);
    },
    write,
    [](sqlite3_file* f, sqlite3_int64 size) { return real(f)->pMethods->xTruncate(real(f), size); },
    sync,
    [](sqlite3_file* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); },
    [](sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); },
    [](sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); },
    [](sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); },
    [](sqlite3_file* f, int op, void* arg) { return real(f)->pMethods->xFileControl(real(f), op, arg); },
    [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); },
    [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); },
    [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
    },
    [](sqlite3_file* f, int at, int n, int flags) {
      return real(f)->pMethods->xShmLock(real(f), at, n, flags);
    },
    [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); },
    [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); },
    nullptr,
    nullptr,
};

int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* out_flags) {
  auto* const below = static_cast<sqlite3_vfs*>(vfs->pAppData);
  shim(file)->base.pMethods = nullptr;
  shim(file)->is_wal = (flags & SQLITE_OPEN_WAL) != 0;
  int const code = below->xOpen(below, name, real(file), flags, out_flags);
  if (real(file)->pMethods != nullptr) shim(file)->base.pMethods = &methods;
  return code;
}

} // namespace

wal_faults& faults() {
  static wal_faults one;
  return one;
}

std::string failing_vfs() {
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs* const below = sqlite3_vfs_find(nullptr);
    sqlite3_vfs made = *below; // all but xOpen works on names, not on files
    made.pNext = nullptr;
    made.zName = "cleave-failing";
    made.pAppData = below;
    made.szOsFile += static_cast<int>(sizeof(shim_file));
    made.xOpen = open;
    return made;
  }();
  static int const registered = sqlite3_vfs_register(&vfs, 0);
  return registered == SQLITE_OK ? "cleave-failing" : "";
}

} // namespace cleave::test
