// SPDX-License-Identifier: BSL-1.0
#include <cleave/config.hpp>

#include "disk_state.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>
#include <new>
#include <utility>

namespace cleave::testing {

namespace detail {

bool disk_state::goes_well(disk_operation what, std::string_view file) {
  if (each) each(what, file);
  std::lock_guard const lock(mutex);
  ++counts[static_cast<std::size_t>(std::countr_zero(static_cast<std::uint32_t>(what)))];
  if (!faulty || !includes(fault.what, what) || !file.ends_with(fault.file_ends)) return true;
  std::uint64_t const number = matched++;
  if (number < fault.after || number - fault.after >= fault.times) return true;
  if (failed++ == 0) first_failed = what;
  return false;
}

void disk_state::change(disk_change::kind what, disk_file const& file, std::uint64_t at,
                        std::string_view bytes) {
  if (!recording || file.id == 0) return;
  record.changes.push_back({.what = what,
                            .file = file.id,
                            .at = at,
                            .from = record.bytes.size(),
                            .size = bytes.size(),
                            .name = {}});
  record.bytes += bytes;
}

void disk_state::rename(disk_change::kind what, disk_file const& file, std::string_view name_of,
                        bool folder_synced) {
  if (!recording) return;
  record.changes.push_back(
      {.what = what, .folder_synced = folder_synced, .file = file.id, .name = std::string(name_of)});
}

} // namespace detail

namespace {

using detail::disk_change;
using detail::disk_file;
using detail::disk_state;

// An open file, as SQLite holds it.
struct handle {
  sqlite3_file base; // must be first
  disk_state* disk;
  std::shared_ptr<disk_file> file;
  std::string name;
  int level;
  bool mapped;
  unsigned map_shared; // bits
  unsigned map_exclusive;
};

handle& of(sqlite3_file* file) noexcept { return *reinterpret_cast<handle*>(file); }
// Sizes and offsets come from SQLite, which never hands out negative ones.
std::size_t positive(sqlite3_int64 number) noexcept { return static_cast<std::size_t>(number); }

void leave_map(handle& self) noexcept {
  if (!self.mapped) return;
  disk_file& file = *self.file;
  for (std::size_t slot = 0; slot < SQLITE_SHM_NLOCK; ++slot) {
    if ((self.map_shared >> slot & 1u) != 0) --file.map_shared[slot];
    if ((self.map_exclusive >> slot & 1u) != 0) file.map_exclusive[slot] = nullptr;
  }
  self.mapped = false;
  self.map_shared = self.map_exclusive = 0;
  // The first who comes to an unused index finds it empty, as the unix VFS does it.
  if (--file.map_users == 0) file.maps.clear();
}

void lower(handle& self, int level) noexcept {
  disk_file& file = *self.file;
  if (self.level <= level) return;
  if (file.reserved == &self) file.reserved = nullptr;
  if (file.pending == &self) file.pending = nullptr;
  if (level == SQLITE_LOCK_NONE && self.level >= SQLITE_LOCK_SHARED) --file.shared;
  self.level = level;
}

int close(sqlite3_file* base) {
  handle& self = of(base);
  disk_state& disk = *self.disk;
  std::lock_guard const lock(disk.mutex);
  leave_map(self);
  lower(self, SQLITE_LOCK_NONE);
  --disk.open;
  self.~handle();
  return SQLITE_OK;
}

int read(sqlite3_file* base, void* to, int count, sqlite3_int64 at) {
  handle& self = of(base);
  if (!self.disk->goes_well(disk_operation::read, self.name)) return SQLITE_IOERR_READ;
  std::lock_guard const lock(self.disk->mutex);
  std::string const& bytes = self.file->bytes;
  std::size_t const wanted = positive(count);
  std::size_t const from = std::min(positive(at), bytes.size());
  std::size_t const there = std::min(wanted, bytes.size() - from);
  std::memcpy(to, bytes.data() + from, there);
  if (there == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + there, 0, wanted - there);
  return SQLITE_IOERR_SHORT_READ;
}

int write(sqlite3_file* base, void const* from, int count, sqlite3_int64 at) {
  handle& self = of(base);
  disk_state& disk = *self.disk;
  bool const good = disk.goes_well(disk_operation::write, self.name);
  std::lock_guard const lock(disk.mutex);
  std::size_t size = positive(count);
  if (!good) size = disk.fault.short_write ? size / 2 : 0;
  if (size != 0) {
    std::string& bytes = self.file->bytes;
    std::size_t const offset = positive(at);
    if (bytes.size() < offset + size) bytes.resize(offset + size);
    std::memcpy(bytes.data() + offset, from, size);
    disk.change(disk_change::kind::write, *self.file, offset, {static_cast<char const*>(from), size});
  }
  if (good) return SQLITE_OK;
  return disk.fault.disk_full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

int truncate(sqlite3_file* base, sqlite3_int64 size) {
  handle& self = of(base);
  if (!self.disk->goes_well(disk_operation::truncate, self.name)) return SQLITE_IOERR_TRUNCATE;
  std::lock_guard const lock(self.disk->mutex);
  self.file->bytes.resize(positive(size));
  self.disk->change(disk_change::kind::truncate, *self.file, positive(size));
  return SQLITE_OK;
}

int sync(sqlite3_file* base, int) {
  handle& self = of(base);
  if (!self.disk->goes_well(disk_operation::sync, self.name)) return SQLITE_IOERR_FSYNC;
  std::lock_guard const lock(self.disk->mutex);
  self.disk->change(disk_change::kind::sync, *self.file);
  return SQLITE_OK;
}

int size(sqlite3_file* base, sqlite3_int64* answer) {
  handle& self = of(base);
  if (!self.disk->goes_well(disk_operation::size, self.name)) return SQLITE_IOERR_FSTAT;
  std::lock_guard const lock(self.disk->mutex);
  *answer = static_cast<sqlite3_int64>(self.file->bytes.size());
  return SQLITE_OK;
}

int lock_file(sqlite3_file* base, int level) {
  handle& self = of(base);
  if (!self.disk->goes_well(disk_operation::lock, self.name)) return SQLITE_IOERR_LOCK;
  std::lock_guard const lock(self.disk->mutex);
  disk_file& file = *self.file;
  if (self.level >= level) return SQLITE_OK;
  auto const others = [&](void const* holder) { return holder != nullptr && holder != &self; };
  if (self.level == SQLITE_LOCK_NONE) {
    if (others(file.pending)) return SQLITE_BUSY;
    ++file.shared;
    self.level = SQLITE_LOCK_SHARED;
  }
  if (level == SQLITE_LOCK_SHARED) return SQLITE_OK;
  if (others(file.reserved) || others(file.pending)) return SQLITE_BUSY;
  if (level == SQLITE_LOCK_RESERVED) {
    file.reserved = &self;
    self.level = SQLITE_LOCK_RESERVED;
    return SQLITE_OK;
  }
  file.pending = &self;
  self.level = SQLITE_LOCK_PENDING;
  if (file.shared > 1) return SQLITE_BUSY;
  self.level = SQLITE_LOCK_EXCLUSIVE;
  return SQLITE_OK;
}

int unlock_file(sqlite3_file* base, int level) {
  handle& self = of(base);
  std::lock_guard const lock(self.disk->mutex);
  lower(self, level);
  return SQLITE_OK;
}

int is_reserved(sqlite3_file* base, int* answer) {
  handle& self = of(base);
  if (!self.disk->goes_well(disk_operation::lock, self.name)) return SQLITE_IOERR_CHECKRESERVEDLOCK;
  std::lock_guard const lock(self.disk->mutex);
  *answer = self.file->reserved != nullptr || self.file->pending != nullptr ? 1 : 0;
  return SQLITE_OK;
}

int share(sqlite3_file* base, int part, int bytes, int extend, void volatile** answer) {
  handle& self = of(base);
  *answer = nullptr;
  if (!self.disk->goes_well(disk_operation::share, self.name)) return SQLITE_IOERR_SHMMAP;
  std::lock_guard const lock(self.disk->mutex);
  disk_file& file = *self.file;
  if (!std::exchange(self.mapped, true)) ++file.map_users;
  std::size_t const wanted = positive(part);
  if (wanted >= file.maps.size()) {
    if (extend == 0) return SQLITE_OK;
    while (file.maps.size() <= wanted) file.maps.push_back(std::make_unique<std::byte[]>(positive(bytes)));
  }
  *answer = file.maps[wanted].get();
  return SQLITE_OK;
}

int lock_shared(sqlite3_file* base, int first, int count, int flags) {
  handle& self = of(base);
  bool const takes = (flags & SQLITE_SHM_LOCK) != 0;
  if (takes && !self.disk->goes_well(disk_operation::lock_shared, self.name)) return SQLITE_IOERR_SHMLOCK;
  std::lock_guard const lock(self.disk->mutex);
  disk_file& file = *self.file;
  bool const exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
  std::size_t const end = positive(first + count);
  if (takes) {
    for (std::size_t slot = positive(first); slot < end; ++slot) {
      int const own = static_cast<int>(self.map_shared >> slot & 1u);
      void const* const holder = file.map_exclusive[slot];
      if (holder != nullptr && holder != &self) return SQLITE_BUSY;
      if (exclusive && file.map_shared[slot] > own) return SQLITE_BUSY;
    }
  }
  for (std::size_t slot = positive(first); slot < end; ++slot) {
    unsigned const bit = 1u << slot;
    if (exclusive) {
      self.map_exclusive = takes ? self.map_exclusive | bit : self.map_exclusive & ~bit;
      file.map_exclusive[slot] = takes ? &self : nullptr;
    } else if (takes != ((self.map_shared & bit) != 0)) {
      self.map_shared ^= bit;
      file.map_shared[slot] += takes ? 1 : -1;
    }
  }
  return SQLITE_OK;
}

void barrier(sqlite3_file* base) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  // The unix VFS has a mutex here, too.
  std::lock_guard const lock(of(base).disk->mutex);
}

int unshare(sqlite3_file* base, int) {
  handle& self = of(base);
  std::lock_guard const lock(self.disk->mutex);
  leave_map(self);
  return SQLITE_OK;
}

int release_map(sqlite3_file* base, sqlite3_int64, void*) {
  handle& self = of(base);
  static_cast<void>(self.disk->goes_well(disk_operation::release_map, self.name));
  return SQLITE_OK;
}

sqlite3_io_methods const methods = {
    3,
    close,
    read,
    write,
    truncate,
    sync,
    size,
    lock_file,
    unlock_file,
    is_reserved,
    [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; },
    [](sqlite3_file*) { return 4096; },
    // As the unix VFS has it: a write does not touch the bytes beside it, even when the power goes.
    [](sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; },
    share,
    lock_shared,
    barrier,
    unshare,
    [](sqlite3_file*, sqlite3_int64, int, void** answer) {
      *answer = nullptr; // nothing is mapped: SQLite reads
      return SQLITE_OK;
    },
    release_map,
};

disk_state& disk_of(sqlite3_vfs* vfs) noexcept { return *static_cast<disk_state*>(vfs->pAppData); }

int open(sqlite3_vfs* vfs, sqlite3_filename path, sqlite3_file* base, int flags, int* flags_given) {
  disk_state& disk = disk_of(vfs);
  base->pMethods = nullptr;
  std::string const name = path == nullptr ? "" : path;
  if (!disk.goes_well(disk_operation::open, name)) return SQLITE_CANTOPEN;
  std::lock_guard const lock(disk.mutex);
  std::shared_ptr<disk_file> file;
  if (path == nullptr) {
    file = std::make_shared<disk_file>();
  } else if (auto const known = disk.files.find(name); known != disk.files.end()) {
    file = known->second;
  } else {
    if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
    file = std::make_shared<disk_file>();
    file->id = ++disk.last_id;
    disk.files.emplace(name, file);
    disk.rename(disk_change::kind::create, *file, name);
  }
  new (base) handle{{&methods}, &disk, std::move(file), name, SQLITE_LOCK_NONE, false, 0, 0};
  ++disk.open;
  if (flags_given != nullptr) *flags_given = flags;
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, char const* path, int sync_folder) {
  disk_state& disk = disk_of(vfs);
  if (!disk.goes_well(disk_operation::remove, path)) return SQLITE_IOERR_DELETE;
  std::lock_guard const lock(disk.mutex);
  auto const known = disk.files.find(std::string_view(path));
  if (known == disk.files.end()) return SQLITE_IOERR_DELETE_NOENT;
  disk.rename(disk_change::kind::remove, *known->second, path, sync_folder != 0);
  disk.files.erase(known);
  return SQLITE_OK;
}

int find(sqlite3_vfs* vfs, char const* path, int flags, int* answer) {
  disk_state& disk = disk_of(vfs);
  *answer = 0;
  if (!disk.goes_well(disk_operation::find, path)) return SQLITE_IOERR_ACCESS;
  std::lock_guard const lock(disk.mutex);
  auto const known = disk.files.find(std::string_view(path));
  if (known == disk.files.end()) return SQLITE_OK;
  // An empty file is none to SQLite's question whether there is a journal, as in the unix VFS.
  *answer = flags == SQLITE_ACCESS_EXISTS && known->second->bytes.empty() ? 0 : 1;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, char const* path, int room, char* answer) {
  if (std::strlen(path) >= positive(room)) return SQLITE_CANTOPEN;
  std::strcpy(answer, path);
  return SQLITE_OK;
}

} // namespace

simulated_disk::simulated_disk(std::string name) : state_(std::make_unique<detail::disk_state>()) {
  state_->name = std::move(name);
  CLEAVE_ASSERT(sqlite3_vfs_find(state_->name.c_str()) == nullptr, "a VFS of that name is registered");
  // Time, sleep and randomness are the default's.
  sqlite3_vfs* const usual = sqlite3_vfs_find(nullptr);
  state_->vfs = *usual;
  sqlite3_vfs& made = state_->vfs;
  made.iVersion = 2; // no system calls to replace
  made.szOsFile = sizeof(handle);
  made.mxPathname = 1'024;
  made.pNext = nullptr;
  made.zName = state_->name.c_str();
  made.pAppData = state_.get();
  made.xOpen = open;
  made.xDelete = remove;
  made.xAccess = find;
  made.xFullPathname = full_path;
  [[maybe_unused]] int const code = sqlite3_vfs_register(&made, 0);
  CLEAVE_ASSERT(code == SQLITE_OK, "SQLite refuses the VFS");
}

simulated_disk::~simulated_disk() {
  CLEAVE_ASSERT(open_files() == 0, "a simulated disk goes before the last of its files is closed");
  sqlite3_vfs_unregister(&state_->vfs);
}

std::string const& simulated_disk::vfs() const noexcept { return state_->name; }

void simulated_disk::inject(disk_fault const& fault) {
  std::lock_guard const lock(state_->mutex);
  state_->faulty = true;
  state_->fault = fault;
  state_->matched = 0;
  state_->failed = 0;
  state_->first_failed = disk_operation::any;
}

void simulated_disk::heal() {
  std::lock_guard const lock(state_->mutex);
  state_->faulty = false;
}

std::uint64_t simulated_disk::failed() const {
  std::lock_guard const lock(state_->mutex);
  return state_->failed;
}

disk_operation simulated_disk::first_failed() const {
  std::lock_guard const lock(state_->mutex);
  return state_->first_failed;
}

std::uint64_t simulated_disk::operations(disk_operation what) const {
  std::lock_guard const lock(state_->mutex);
  std::uint64_t sum = 0;
  for (std::size_t bit = 0; bit < state_->counts.size(); ++bit) {
    if (includes(what, static_cast<disk_operation>(1u << bit))) sum += state_->counts[bit];
  }
  return sum;
}

void simulated_disk::observe(observer each) { state_->each = std::move(each); }

disk_image simulated_disk::image() const {
  std::lock_guard const lock(state_->mutex);
  disk_image files;
  for (auto const& [name, file] : state_->files) files.emplace(name, file->bytes);
  return files;
}

void simulated_disk::load(disk_image const& files) {
  std::lock_guard const lock(state_->mutex);
  CLEAVE_ASSERT(state_->open == 0, "the files of a simulated disk are replaced while one is open");
  state_->recording = false;
  state_->files.clear();
  for (auto const& [name, bytes] : files) {
    auto file = std::make_shared<disk_file>();
    file->id = ++state_->last_id;
    file->bytes = bytes;
    state_->files.emplace(name, std::move(file));
  }
}

std::uint64_t simulated_disk::open_files() const {
  std::lock_guard const lock(state_->mutex);
  return state_->open;
}

void simulated_disk::record() {
  std::lock_guard const lock(state_->mutex);
  state_->record = {};
  for (auto const& [name, file] : state_->files) {
    state_->record.names.emplace(name, file->id);
    state_->record.files.emplace(file->id, file->bytes);
  }
  state_->recording = true;
}

std::uint64_t simulated_disk::recorded() const {
  std::lock_guard const lock(state_->mutex);
  return state_->record.changes.size();
}

} // namespace cleave::testing
