// SPDX-License-Identifier: BSL-1.0
// Copies of a live store: what is in them, and what is left when they fail.
#include "faulty_files.hpp"
#include "small_store.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>

using namespace cleave;
using namespace cleave::test;

namespace {

sqlite::event_store open_fast(std::string const& path) {
  return must(sqlite::event_store::open({.path = path, .durability = durability::relaxed}));
}

// Of each event: id, stream, version and data.
std::vector<std::string> log_of(sqlite::event_store& store) {
  std::vector<std::string> log;
  must(store.read_all({}, [&](recorded_event const& event) {
    log.push_back(to_string(event.at.id) + ' ' + std::string(event.at.stream.text()) + ' ' +
                  std::to_string(event.at.version.value()) + ' ' + std::string(event.data));
    return true;
  }));
  return log;
}

void check_sound(sqlite::event_store& store) {
  auto const seen = must(store.verify());
  if (!seen.sound()) FAIL_CHECK(seen.findings.front().table << ": " << seen.findings.front().text);
}

// The names in a folder, without the store's own.
std::vector<std::string> others_in(std::filesystem::path const& folder) {
  std::vector<std::string> names;
  for (auto const& entry : std::filesystem::directory_iterator(folder)) {
    std::string name = entry.path().filename().string();
    if (!name.starts_with("log.db")) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace

TEST_CASE(
    "a copy made while four threads append is a prefix of the log with all that was acknowledged before") {
  scratch_folder const folder;
  auto store = must(sqlite::event_store::open(
      {.path = folder.file("log.db"), .durability = durability::relaxed, .checkpoint_pages = 50}));
  constexpr std::size_t count = 4;
  std::array<std::atomic<std::uint64_t>, count> acknowledged{};
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (std::size_t n = 0; n < count; ++n) {
    threads.emplace_back([&, n] {
      for (std::uint64_t next = 0; !done; ++next) {
        must(append(store, "thing-" + std::to_string(n), expectation::exactly(version(next)),
                    std::to_string(next)));
        acknowledged[n] = next + 1;
      }
    });
  }
  std::vector<std::string> copies;
  std::vector<std::array<std::uint64_t, count>> before;
  for (int i = 0; i < 4; ++i) {
    // More than the copy before.
    std::uint64_t const more = copies.empty() ? 50 : before.back()[0] + 50;
    while (acknowledged[0] < more) std::this_thread::yield();
    std::array<std::uint64_t, count> now{};
    for (std::size_t n = 0; n < count; ++n) now[n] = acknowledged[n];
    before.push_back(now);
    copies.push_back(folder.file("copy-" + std::to_string(i) + ".db"));
    must(store.backup(copies.back()));
  }
  done = true;
  for (std::thread& thread : threads) thread.join();
  auto const log = log_of(store);
  for (std::size_t i = 0; i < copies.size(); ++i) {
    auto copy = open_fast(copies[i]);
    check_sound(copy);
    auto const copied = log_of(copy);
    REQUIRE(copied.size() <= log.size());
    CHECK(std::equal(copied.begin(), copied.end(), log.begin()));
    for (std::size_t n = 0; n < count; ++n) {
      auto const end = must(copy.read_stream("thing-" + std::to_string(n), stream_range::all(),
                                             [](auto const&) { return true; }));
      CHECK(end.value() >= before[i][n]);
    }
  }
}

TEST_CASE(
    "a copy is a whole store: it goes on, knows repeats and commands, and has the application's tables") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  std::string const copied = folder.file("copy.db");
  event_id const id = next_id();
  command_id const command = command_id(next_id().id());
  auto store = open_fast(path);
  must(append(store, "thing-1", expectation::no_stream(), "{}", id));
  command_record const record{.id = command, .command = "do-it", .fingerprint = 1};
  must(store.append({.command = &record}));
  must(store.transact([](sqlite::transaction& inside) {
    return inside.db().run_script("CREATE TABLE mine (n INTEGER); INSERT INTO mine VALUES (42)");
  }));
  using std::filesystem::perms;
  std::filesystem::permissions(path, perms::owner_read | perms::owner_write | perms::group_read);
  must(store.backup(copied));
  CHECK(others_in(folder.path()) == std::vector<std::string>{"copy.db"});
  CHECK(std::filesystem::status(copied).permissions() == std::filesystem::status(path).permissions());

  auto copy = open_fast(copied);
  check_sound(copy);
  CHECK(must(append(copy, "thing-1", expectation::no_stream(), "{}", id)).repeated);
  CHECK(must(copy.find_command(command)).has_value());
  CHECK(must(append(copy, "thing-1", expectation::exactly(version(1)))).position == position(2));
  CHECK(head(store) == 1);
  must(copy.transact([](sqlite::transaction& inside) -> result<void> {
    CHECK(must(inside.db().value<int>("SELECT n FROM mine")) == 42);
    return {};
  }));
  // Also of a store without an event.
  auto empty = open_fast(folder.file("log.db-empty"));
  must(empty.backup(folder.file("empty.db")));
  auto as_empty = open_fast(folder.file("empty.db"));
  CHECK(head(as_empty) == 0);
}

TEST_CASE("a backup replaces nothing, the store itself least of all") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  auto store = open_fast(path);
  must(append(store, "thing-1"));
  std::string const there = folder.file("there.db");
  write_file(there, "precious");
  std::filesystem::create_directory(folder.file("folder"));
  std::filesystem::create_symlink(folder.file("nowhere"), folder.file("link"));
  for (std::string const& target :
       {there, path, path + "-wal", path + "-lock", folder.file("folder"), folder.file("link")}) {
    auto const failed = store.backup(target);
    CHECK(failure_of(failed).code() == errc::already_exists);
    CHECK(failed.error().text().find(target) != std::string::npos);
  }
  CHECK(read_file(there) == "precious");
  // SQLite would take these for the copy's own, and play them into it.
  for (char const* const companion : {"-wal", "-journal"}) {
    std::string const target = folder.file("new") + companion;
    write_file(target, "old");
    CHECK(failure_of(store.backup(folder.file("new"))).code() == errc::already_exists);
    CHECK(read_file(target) == "old");
    std::filesystem::remove(target);
  }
  CHECK(others_in(folder.path()) == std::vector<std::string>{"folder", "link", "there.db"});
  must(append(store, "thing-1"));
  check_sound(store);
}

TEST_CASE("a place where no file can be made is a typed error") {
  scratch_folder const folder;
  std::filesystem::create_directory(folder.file("closed"));
  auto const all = std::filesystem::perms::all;
  std::filesystem::permissions(folder.path(), all);
  std::filesystem::permissions(folder.file("closed"),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec |
                                   std::filesystem::perms::others_read | std::filesystem::perms::others_exec);
  CHECK(as_nobody([&] {
    auto store = sqlite::event_store::open({.path = folder.file("log.db-nobody")});
    if (!store) return false;
    auto const failed = store->backup(folder.file("closed/copy.db"));
    return !failed && failed.error().code() == errc::read_only;
  }));
  auto store = open_fast(folder.file("log.db"));
  CHECK(failure_of(store.backup("")).code() == errc::invalid_argument);
  CHECK(failure_of(store.backup(std::string("a\0b", 3))).code() == errc::invalid_argument);
  CHECK(failure_of(store.backup(folder.file("no/such/copy.db"))).code() == errc::not_found);
  CHECK(failure_of(store.backup(folder.file("log.db/copy.db"))).code() == errc::not_found);
  CHECK(others_in(folder.path()) == std::vector<std::string>{"closed"});
}

TEST_CASE("a backup that fails leaves nothing behind, and is on the disk when it succeeds") {
  scratch_folder const folder;
  faulty_files faults("-partial-");
  auto store = must(sqlite::event_store::open(
      {.path = folder.file("log.db"), .durability = durability::relaxed, .vfs = faulty_files::name}));
  for (int i = 0; i < 60; ++i) must(append(store, "thing-1", expectation::any(), std::string(9'000, 'x')));
  std::string const target = folder.file("copy.db");
  auto const fails_with = [&](errc wanted) {
    CHECK(failure_of(store.backup(target)).code() == wanted);
    CHECK(others_in(folder.path()).empty());
  };
  for (int const after : {0, 1, 50}) {
    faults.writes = {.after = after, .code = SQLITE_FULL};
    fails_with(errc::disk_full);
    faults.writes = {.after = after, .code = SQLITE_IOERR_WRITE};
    fails_with(errc::io_error);
    faults.writes = {};
  }
  faults.syncs = {.after = 0, .code = SQLITE_IOERR_FSYNC};
  fails_with(errc::io_error);
  faults.syncs = {};
  faults.is_there = false;
  fails_with(errc::unsupported);
  faults.is_there = true;

  must(append(store, "thing-1"));
  faults.unsynced = true;
  must(store.backup(target));
  CHECK_FALSE(faults.unsynced);
  CHECK(others_in(folder.path()) == std::vector<std::string>{"copy.db"});
  auto copy = open_fast(target);
  check_sound(copy);
  CHECK(head(copy) == 61);
}

TEST_CASE("a damaged store is not copied in silence") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  {
    auto store = open_fast(path);
    for (int i = 0; i < 100; ++i) must(append(store, "thing-1", expectation::any(), std::string(1'000, 'x')));
  }
  faulty_files faults("log.db");
  auto store = must(sqlite::event_store::open({.path = path, .vfs = faulty_files::name}));
  must(store.head());
  faults.reads = {.after = 5, .code = SQLITE_IOERR_READ};
  CHECK(failure_of(store.backup(folder.file("copy.db"))).code() == errc::io_error);
  faults.reads = {};
  CHECK(others_in(folder.path()).empty());
  must(store.backup(folder.file("copy.db")));
}
