// SPDX-License-Identifier: BSL-1.0
// The simulated disk tells the truth: locks, faults, and what a power loss leaves.
#include <cleave/sqlite/database.hpp>
#include <cleave/testing/sqlite/power_loss.hpp>

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <set>

using namespace cleave;
using namespace cleave::testing;

namespace {

// The VFS as SQLite uses it, for questions that no database asks.
class raw_file {
public:
  raw_file(simulated_disk& disk, char const* name)
      : vfs_(sqlite3_vfs_find(disk.vfs().c_str())), bytes_(static_cast<std::size_t>(vfs_->szOsFile)) {
    REQUIRE(vfs_->xOpen(vfs_, name, file(), SQLITE_OPEN_CREATE | SQLITE_OPEN_READWRITE, nullptr) ==
            SQLITE_OK);
  }
  raw_file(raw_file const&) = delete;
  raw_file& operator=(raw_file const&) = delete;
  ~raw_file() { file()->pMethods->xClose(file()); }

  int write(std::string const& text, sqlite3_int64 at = 0) {
    return file()->pMethods->xWrite(file(), text.data(), static_cast<int>(text.size()), at);
  }
  int sync() { return file()->pMethods->xSync(file(), SQLITE_SYNC_FULL); }
  int truncate(sqlite3_int64 size) { return file()->pMethods->xTruncate(file(), size); }
  int lock(int level) { return file()->pMethods->xLock(file(), level); }
  int unlock(int level) { return file()->pMethods->xUnlock(file(), level); }
  int map_lock(int slot, int flags) { return file()->pMethods->xShmLock(file(), slot, 1, flags); }

private:
  sqlite3_file* file() { return reinterpret_cast<sqlite3_file*>(bytes_.data()); }
  sqlite3_vfs* vfs_;
  std::vector<std::byte> bytes_;
};

sqlite::database open_on(simulated_disk& disk, std::uint32_t busy_wait_ms = 0) {
  auto opened = sqlite::database::open({.path = "/a.db", .busy_wait_ms = busy_wait_ms, .vfs = disk.vfs()});
  REQUIRE(opened);
  return std::move(*opened);
}

} // namespace

TEST_CASE("a database on the simulated disk keeps its rows and leaves no open file") {
  simulated_disk disk("test-disk");
  for (char const* const mode : {"delete", "wal"}) {
    auto db = open_on(disk);
    CHECK(*db.value<std::string>(std::string("PRAGMA journal_mode = ") + mode) == mode);
    REQUIRE(db.run_script("CREATE TABLE IF NOT EXISTS t (x); INSERT INTO t VALUES (1), (2)"));
    auto second = open_on(disk);
    CHECK(*second.value<std::int64_t>("SELECT count(*) FROM t") == (std::string(mode) == "wal" ? 4 : 2));
    CHECK(*second.value<std::string>("PRAGMA integrity_check") == "ok");
  }
  CHECK(disk.open_files() == 0);
  CHECK(disk.image().size() == 1);
}

TEST_CASE("connections on the simulated disk exclude each other") {
  simulated_disk disk("test-disk");
  auto one = open_on(disk);
  REQUIRE(one.run_script("PRAGMA journal_mode = WAL; CREATE TABLE t (x)"));
  auto two = open_on(disk);
  REQUIRE(one.execute("BEGIN IMMEDIATE"));
  auto const refused = two.execute("BEGIN IMMEDIATE");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == errc::busy);
  REQUIRE(one.execute("INSERT INTO t VALUES (1)"));
  CHECK(*two.value<std::int64_t>("SELECT count(*) FROM t") == 0);
  REQUIRE(one.execute("COMMIT"));
  CHECK(*two.value<std::int64_t>("SELECT count(*) FROM t") == 1);

  raw_file a(disk, "/b");
  raw_file b(disk, "/b");
  CHECK(a.lock(SQLITE_LOCK_SHARED) == SQLITE_OK);
  CHECK(b.lock(SQLITE_LOCK_SHARED) == SQLITE_OK);
  CHECK(a.lock(SQLITE_LOCK_RESERVED) == SQLITE_OK);
  CHECK(b.lock(SQLITE_LOCK_RESERVED) == SQLITE_BUSY);
  CHECK(a.lock(SQLITE_LOCK_EXCLUSIVE) == SQLITE_BUSY);
  CHECK(b.unlock(SQLITE_LOCK_NONE) == SQLITE_OK);
  CHECK(b.lock(SQLITE_LOCK_SHARED) == SQLITE_BUSY); // `a` waits for the readers to go
  CHECK(a.lock(SQLITE_LOCK_EXCLUSIVE) == SQLITE_OK);
  CHECK(a.unlock(SQLITE_LOCK_SHARED) == SQLITE_OK);
  CHECK(b.lock(SQLITE_LOCK_SHARED) == SQLITE_OK);
  CHECK(a.map_lock(3, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED) == SQLITE_OK);
  CHECK(b.map_lock(3, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED) == SQLITE_OK);
  CHECK(b.map_lock(3, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED) == SQLITE_OK);
  CHECK(b.map_lock(3, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE) == SQLITE_BUSY);
  CHECK(a.map_lock(3, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED) == SQLITE_OK);
  CHECK(b.map_lock(3, SQLITE_SHM_LOCK | SQLITE_SHM_EXCLUSIVE) == SQLITE_OK);
  CHECK(a.map_lock(3, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED) == SQLITE_BUSY);
}

TEST_CASE("a fault hits the operations that it names, as often as it says") {
  simulated_disk disk("test-disk");
  raw_file file(disk, "/b-wal");
  raw_file other(disk, "/b");
  disk.inject(
      {.what = disk_operation::sync | disk_operation::write, .file_ends = "-wal", .after = 1, .times = 2});
  CHECK(other.write("x") == SQLITE_OK);
  CHECK(file.write("abcd") == SQLITE_OK);
  CHECK(file.sync() == SQLITE_IOERR_FSYNC);
  CHECK(file.truncate(4) == SQLITE_OK);
  CHECK(file.write("efgh") == SQLITE_IOERR_WRITE);
  CHECK(file.write("ij") == SQLITE_OK);
  CHECK(disk.failed() == 2);
  CHECK(disk.first_failed() == disk_operation::sync);
  CHECK(disk.image().at("/b-wal") == "ijcd");
  disk.inject({.disk_full = true, .short_write = true});
  CHECK(file.write("klmn") == SQLITE_FULL);
  CHECK(disk.image().at("/b-wal") == "klcd");
  disk.heal();
  CHECK(file.write("klmn") == SQLITE_OK);
  CHECK(disk.operations(disk_operation::write) == 6);
}

TEST_CASE("a power loss keeps what was synced and any part of what was not") {
  simulated_disk disk("test-disk");
  std::string const a(2'000, 'a');
  std::string const b(2'000, 'b');
  disk.load({{"/old", a}});
  disk.record();
  raw_file file(disk, "/new");
  REQUIRE(file.write(a) == SQLITE_OK);
  REQUIRE(file.sync() == SQLITE_OK);
  REQUIRE(disk.recorded() == 3);
  REQUIRE(file.write(b, 300) == SQLITE_OK);
  REQUIRE(file.truncate(2'100) == SQLITE_OK);

  power_loss lost(disk);
  lost.move_to(1);
  CHECK(lost.image(unsynced::dropped) == disk_image{{"/old", a}});
  CHECK(lost.image(unsynced::kept) == disk_image{{"/old", a}, {"/new", ""}});
  lost.move_to(3);
  for (unsynced const how : {unsynced::dropped, unsynced::kept, unsynced::mixed})
    CHECK(lost.image(how) == disk_image{{"/old", a}, {"/new", a}});
  lost.move_to(5);
  CHECK(lost.image(unsynced::dropped).at("/new") == a);
  CHECK(lost.image(unsynced::kept).at("/new") == a.substr(0, 300) + b.substr(0, 1'800));

  // Sectors are 0 to 511, 512 to 1023, ...: the write begins in the first and ends in the fifth.
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    std::string const left = lost.image(unsynced::mixed, seed).at("/new");
    CHECK(lost.image(unsynced::mixed, seed).at("/new") == left);
    seen.insert(left);
    CHECK(left.substr(0, 300) == a.substr(0, 300));
    for (std::size_t const sector :
         {std::size_t{300}, std::size_t{512}, std::size_t{1'024}, std::size_t{1'536}}) {
      std::string const part = left.substr(sector, std::min<std::size_t>(512 - sector % 512, 2'000 - sector));
      CHECK((part == std::string(part.size(), 'a') || part == std::string(part.size(), 'b')));
    }
  }
  CHECK(seen.size() > 20);
  lost.move_to(0);
  CHECK(lost.image(unsynced::kept) == disk_image{{"/old", a}});
}

TEST_CASE("a removal is certain when the folder was synced, and comes back else") {
  for (int const sync_folder : {0, 1}) {
    simulated_disk disk("test-disk");
    disk.load({{"/a", "1"}});
    disk.record();
    sqlite3_vfs* const vfs = sqlite3_vfs_find("test-disk");
    REQUIRE(vfs->xDelete(vfs, "/a", sync_folder) == SQLITE_OK);
    CHECK(disk.image().empty());
    power_loss lost(disk);
    lost.move_to(1);
    CHECK(lost.image(unsynced::dropped).size() == (sync_folder == 0 ? 1 : 0));
    CHECK(lost.image(unsynced::kept).empty());
  }
}

TEST_CASE("a commit with synchronous=FULL survives the power loss, one with NORMAL may not") {
  for (bool const full : {true, false}) {
    simulated_disk disk("test-disk");
    simulated_disk after("test-disk-after");
    std::vector<std::uint64_t> acknowledged;
    {
      auto db = open_on(disk);
      REQUIRE(db.run_script("PRAGMA journal_mode = WAL; CREATE TABLE t (x)"));
      REQUIRE(db.run_script(full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL"));
      disk.record();
      for (int i = 0; i < 5; ++i) {
        REQUIRE(db.execute("INSERT INTO t VALUES (?1)", i));
        acknowledged.push_back(disk.recorded());
      }
    }
    power_loss lost(disk);
    std::int64_t missing = 0;
    for (std::size_t i = 0; i < acknowledged.size(); ++i) {
      lost.move_to(acknowledged[i]);
      after.load(lost.image(unsynced::dropped));
      missing += static_cast<std::int64_t>(i + 1) -
                 **open_on(after).value<std::int64_t>("SELECT count(*) FROM t");
    }
    CHECK((missing == 0) == full);
  }
}
