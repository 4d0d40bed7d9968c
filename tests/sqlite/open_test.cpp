// SPDX-License-Identifier: BSL-1.0
// What a store says of a file that it cannot use, and that the file is as before.
#include <cleave/sqlite/read_store.hpp>
#include <cleave/testing/sqlite/simulated_disk.hpp>

#include "small_store.hpp"
#include "sqlite/schema.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

error open_failure(std::string const& path) {
  return failure_of(sqlite::event_store::open({.path = path, .busy_wait_ms = 20}));
}

// A closed store with some events of a few pages.
std::string filled_store(scratch_folder const& folder) {
  std::string const path = folder.file("log.db");
  auto store = open_store(path);
  std::string const data(2'000, 'x');
  for (int i = 0; i < 50; ++i) must(append(store, "thing-" + std::to_string(i), expectation::any(), data));
  return path;
}

} // namespace

TEST_CASE("a closed store is one file") {
  scratch_folder const folder;
  std::string const path = filled_store(folder);
  CHECK_FALSE(std::filesystem::exists(path + "-wal"));
  CHECK_FALSE(std::filesystem::exists(path + "-shm"));
  std::filesystem::copy_file(path, folder.file("copy.db"));
  auto copy = open_store(folder.file("copy.db"));
  CHECK(head(copy) == 50);
}

TEST_CASE("somebody else's SQLite file is not_a_store and stays as it is") {
  scratch_folder const folder;
  std::string const path = folder.file("theirs.db");
  {
    auto db = must(sqlite::database::open({.path = path}));
    must(db.run_script("CREATE TABLE users (name); INSERT INTO users VALUES ('Ada')"));
  }
  std::string const before = read_file(path);
  error const refused = open_failure(path);
  CHECK(refused.code() == errc::not_a_store);
  CHECK(refused.text().find(path) != std::string::npos);
  CHECK(read_file(path) == before);
  CHECK_FALSE(std::filesystem::exists(path + "-lock"));
}

TEST_CASE("garbage is not_a_store and stays as it is") {
  scratch_folder const folder;
  for (std::string const& garbage :
       {std::string(10'000, 'g'), std::string("short"), std::string(4096, '\0')}) {
    std::string const path = folder.file("garbage");
    write_file(path, garbage);
    CHECK(open_failure(path).code() == errc::not_a_store);
    CHECK(read_file(path) == garbage);
  }
}

TEST_CASE("a read store and an event store do not take each other's files") {
  scratch_folder const folder;
  {
    must(sqlite::read_store::open({.path = folder.file("views.db")}));
  }
  CHECK(open_failure(folder.file("views.db")).code() == errc::not_a_store);
  {
    open_store(folder.file("log.db"));
  }
  CHECK(failure_of(sqlite::read_store::open({.path = folder.file("log.db")})).code() == errc::not_a_store);
}

TEST_CASE("a newer schema is refused and named") {
  scratch_folder const folder;
  std::string const path = filled_store(folder);
  {
    auto db = must(sqlite::database::open({.path = path}));
    must(db.run_script("UPDATE cleave_meta SET value = 99 WHERE name = 'schema_version'"));
  }
  error const refused = open_failure(path);
  CHECK(refused.code() == errc::newer_schema);
  CHECK(refused.text().find("version 99") != std::string::npos);
  {
    auto db = must(sqlite::database::open({.path = path}));
    must(db.run_script("UPDATE cleave_meta SET value = 7 WHERE name = 'schema_version'"));
  }
  auto store = open_store(path);
  CHECK(head(store) == 50);
}

TEST_CASE("a store without a readable schema version is corrupt") {
  scratch_folder const folder;
  std::string const path = filled_store(folder);
  for (std::string_view const damage :
       {"UPDATE cleave_meta SET value = 'x'", "DELETE FROM cleave_meta", "DROP TABLE cleave_meta"}) {
    {
      auto db = must(sqlite::database::open({.path = path}));
      must(db.run_script(damage));
    }
    CHECK(open_failure(path).code() == errc::corrupt);
  }
}

TEST_CASE("an older schema is brought up to date in one transaction, or not at all") {
  using sqlite::schema;
  using sqlite::schema_step;
  scratch_folder const folder;
  auto db = must(sqlite::database::open({.path = folder.file("x.db")}));
  schema_step const steps[] = {
      {1,
       "CREATE TABLE cleave_meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID; CREATE TABLE t (a); INSERT INTO t VALUES (1)"},
      {2, "ALTER TABLE t ADD COLUMN b DEFAULT 2"},
      {3, "UPDATE t SET a = a + 10; INSERT INTO nowhere VALUES (1)"},
  };
  std::span<schema_step const> const all = steps;
  must(sqlite::bring_up_to_date(db, {7, "thing", all.first(1)}));
  CHECK(must(sqlite::read_schema_version(db, {7, "thing", all.first(2)})) == 1);

  CHECK_FALSE(sqlite::bring_up_to_date(db, {7, "thing", all}).has_value());
  CHECK(must(sqlite::read_schema_version(db, {7, "thing", all})) == 1);
  CHECK_FALSE(db.value<int>("SELECT b FROM t").has_value());

  must(sqlite::bring_up_to_date(db, {7, "thing", all.first(2)}));
  CHECK(must(sqlite::read_schema_version(db, {7, "thing", all})) == 2);
  CHECK(must(db.value<int>("SELECT a + b FROM t")) == 3);
  must(sqlite::bring_up_to_date(db, {7, "thing", all.first(2)}));
  CHECK(must(db.value<int>("SELECT a + b FROM t")) == 3);
}

TEST_CASE("damaged pages are corrupt, never wrong data") {
  scratch_folder const folder;
  std::string const path = filled_store(folder);
  std::string const good = read_file(path);
  std::string const data(2'000, 'x');
  int found = 0;
  for (std::size_t page = 1; page < good.size() / 4096; ++page) {
    std::string bad = good;
    bad.replace(page * 4096, 64, std::string(64, '\xA5'));
    write_file(path, bad);
    auto store = sqlite::event_store::open({.path = path});
    if (!store) {
      CHECK(store.error().code() == errc::corrupt);
      ++found;
      continue;
    }
    auto const read = store->read_all({}, [&](recorded_event const& event) {
      // The damage is at the page's head; a row that is found at all is whole.
      CHECK(event.data == data);
      return true;
    });
    if (!read) {
      CHECK(read.error().code() == errc::corrupt);
      ++found;
    }
  }
  CHECK(found > 10);
}

TEST_CASE("a cut-off file is an error, not a crash") {
  scratch_folder const folder;
  std::string const path = filled_store(folder);
  std::string const good = read_file(path);
  for (std::size_t const size :
       {std::size_t{50}, std::size_t{100}, std::size_t{4096}, std::size_t{10'000}, good.size() - 4096}) {
    write_file(path, std::string_view(good).substr(0, size));
    auto store = sqlite::event_store::open({.path = path});
    if (!store) {
      CHECK((store.error().code() == errc::corrupt || store.error().code() == errc::not_a_store));
      continue;
    }
    auto const read = store->read_all({}, [](recorded_event const&) { return true; });
    CHECK(failure_of(read).code() == errc::corrupt);
  }
}

TEST_CASE("a folder or file that cannot be written is read_only") {
  scratch_folder const folder;
  std::string const path = filled_store(folder);
  std::filesystem::remove(path + "-lock");
  using std::filesystem::perms;
  std::filesystem::permissions(path, perms::owner_all | perms::group_all | perms::others_all);
  std::filesystem::permissions(folder.path(), perms::owner_read | perms::owner_exec | perms::others_read |
                                                  perms::others_exec);
  CHECK(as_nobody([&] { return open_failure(path).code() == errc::read_only; }));
  CHECK(as_nobody([&] { return open_failure(folder.file("new.db")).code() == errc::read_only; }));
  std::filesystem::permissions(path, perms::owner_read | perms::others_read);
  CHECK(as_nobody([&] { return open_failure(path).code() == errc::read_only; }));
}

TEST_CASE("a folder that is not there is not_found, a folder as the file is an error") {
  scratch_folder const folder;
  error const refused = open_failure(folder.file("no/such/log.db"));
  CHECK(refused.code() == errc::not_found);
  CHECK(refused.text().find("no/such/log.db") != std::string::npos);
  CHECK(open_failure(folder.path().string()).code() == errc::io_error);
}

TEST_CASE("a file that another connection has locked is busy after the wait, and free after that") {
  scratch_folder const folder;
  std::string const path = filled_store(folder);
  {
    auto other = must(sqlite::database::open({.path = path}));
    must(other.run_script("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"));
    error const refused = open_failure(path);
    CHECK(refused.code() == errc::busy);
    CHECK(refused.text().find(path) != std::string::npos);
  }
  auto store = open_store(path);
  CHECK(head(store) == 50);
}

TEST_CASE("an append that another process keeps waiting is busy after the wait, and nothing is lost") {
  scratch_folder const folder;
  std::string const path = filled_store(folder);
  auto store = must(sqlite::event_store::open({.path = path, .busy_wait_ms = 20}));
  auto other = must(sqlite::database::open({.path = path}));
  must(other.run_script("BEGIN IMMEDIATE"));
  CHECK(failure_of(append(store, "thing-1")).code() == errc::busy);
  CHECK(head(store) == 50); // reads are not kept waiting
  must(other.run_script("ROLLBACK"));
  CHECK(must(append(store, "thing-1")).position == position(51));
}

TEST_CASE("options out of range are refused") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  CHECK(failure_of(sqlite::event_store::open({.path = path, .durability = durability::process})).code() ==
        errc::invalid_argument);
  CHECK(failure_of(sqlite::event_store::open({.path = path, .readers = 0})).code() == errc::invalid_argument);
  CHECK(failure_of(sqlite::event_store::open({.path = path, .readers = 65})).code() ==
        errc::invalid_argument);
  CHECK(failure_of(sqlite::event_store::open({.path = path, .checkpoint_pages = 0})).code() ==
        errc::invalid_argument);
  CHECK(failure_of(sqlite::event_store::open({.path = ""})).code() == errc::invalid_argument);
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("durability is what was asked for, and full means a sync for every commit") {
  for (auto const level : {durability::full, durability::relaxed}) {
    testing::simulated_disk disk("durability");
    auto store = must(sqlite::event_store::open(
        {.path = "/log.db", .durability = level, .shared = false, .vfs = disk.vfs()}));
    CHECK(store.durability() == level);
    must(append(store, "thing-1"));
    std::uint64_t const before = disk.operations(testing::disk_operation::sync);
    for (int i = 0; i < 10; ++i) must(append(store, "thing-1"));
    CHECK(disk.operations(testing::disk_operation::sync) - before == (level == durability::full ? 10 : 0));
  }
}
