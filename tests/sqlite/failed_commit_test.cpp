// SPDX-License-Identifier: BSL-1.0
// What happens when the disk fails while a commit is under way.
#include "failing_vfs.hpp"
#include "small_store.hpp"

#include <thread>

using namespace cleave;
using namespace cleave::test;

namespace {

sqlite::event_store open_on_faulty_disk(std::string const& path) {
  return must(sqlite::event_store::open({.path = path, .vfs = failing_vfs()}));
}

struct no_faults {
  ~no_faults() {
    faults().fail_sync = false;
    faults().fail_write = false;
    faults().disk_full = false;
  }
};

} // namespace

TEST_CASE(
    "after a failed sync nobody is acknowledged and writes are refused until the store is opened again") {
  scratch_folder const folder;
  no_faults const restored;
  std::string const path = folder.file("log.db");
  {
    auto store = open_on_faulty_disk(path);
    must(append(store, "thing-1", expectation::any(), "1"));
    faults().fail_sync = true;
    CHECK(failure_of(append(store, "thing-1", expectation::any(), "2")).code() == errc::io_error);
    faults().fail_sync = false;

    auto const refused = append(store, "thing-1", expectation::any(), "3");
    REQUIRE(failure_of(refused).code() == errc::store_failed);
    REQUIRE(refused.error().cause() != nullptr);
    CHECK(refused.error().cause()->code() == errc::io_error);
    CHECK(failure_of(store.transact([](sqlite::transaction&) { return result<void>(); })).code() ==
          errc::store_failed);

    CHECK(stream_data(store, "thing-1") == std::vector<std::string>{"1"});
    CHECK(store.commits().last() == position(1));
  }
  auto store = open_store(path);
  // The commit that failed may have reached the disk; what was refused never did.
  auto const stored = stream_data(store, "thing-1");
  CHECK((stored == std::vector<std::string>{"1"} || stored == std::vector<std::string>{"1", "2"}));
  must(append(store, "thing-1", expectation::exactly(version(stored.size()))));
}

TEST_CASE("after a failed write of a commit the store refuses writes") {
  scratch_folder const folder;
  no_faults const restored;
  auto store = open_on_faulty_disk(folder.file("log.db"));
  must(append(store, "thing-1", expectation::any(), "1"));
  faults().fail_write = true;
  CHECK(failure_of(append(store, "thing-1", expectation::any(), "2")).code() == errc::io_error);
  faults().fail_write = false;
  CHECK(failure_of(append(store, "thing-1", expectation::any(), "3")).code() == errc::store_failed);
  CHECK(stream_data(store, "thing-1") == std::vector<std::string>{"1"});
}

TEST_CASE("a full disk fails the append, loses nothing, and the store goes on when there is room again") {
  scratch_folder const folder;
  no_faults const restored;
  std::string const path = folder.file("log.db");
  {
    auto store = open_on_faulty_disk(path);
    must(append(store, "thing-1", expectation::any(), "1"));
    faults().disk_full = true;
    event_id const id = next_id();
    auto const refused = append(store, "thing-1", expectation::exactly(version(1)), "2", id);
    CHECK(failure_of(refused).code() == errc::disk_full);
    CHECK(refused.error().text().find("log.db") != std::string::npos);
    CHECK(failure_of(append(store, "thing-2", expectation::no_stream(), "2")).code() == errc::disk_full);
    faults().disk_full = false;
    CHECK(must(append(store, "thing-1", expectation::exactly(version(1)), "2", id)).position == position(2));
    CHECK(must(append(store, "thing-2", expectation::no_stream(), "3")).position == position(3));
  }
  auto store = open_store(path);
  CHECK(stream_data(store, "thing-1") == std::vector<std::string>{"1", "2"});
  CHECK(stream_data(store, "thing-2") == std::vector<std::string>{"3"});
}

TEST_CASE("a group whose commit fails has no winner") {
  scratch_folder const folder;
  no_faults const restored;
  auto store = open_on_faulty_disk(folder.file("log.db"));
  must(append(store, "thing-0"));
  faults().fail_sync = true;
  std::atomic<int> acknowledged{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i)
        acknowledged += append(store, "thing-" + std::to_string(t)).has_value() ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(acknowledged == 0);
  CHECK(head(store) == 1);
}

TEST_CASE("a checkpoint that fails loses nothing and is tried again") {
  scratch_folder const folder;
  no_faults const restored;
  std::string const path = folder.file("log.db");
  {
    auto store = must(sqlite::event_store::open({.path = path,
                                                 .checkpoint_pages = 10,
                                                 .vfs = failing_vfs(),
                                                 .on_step = {[](void*, char const* step) {
                                                               if (std::string_view(step) == "checkpoint")
                                                                 faults().fail_sync = true;
                                                               if (std::string_view(step) == "checkpointed")
                                                                 faults().fail_sync = false;
                                                             },
                                                             nullptr}}));
    for (int i = 0; i < 100; ++i) must(append(store, "thing-1", expectation::any(), std::to_string(i)));
    CHECK(std::filesystem::file_size(path + "-wal") > 100 * 4096);
  }
  auto store = open_store(path);
  CHECK(stream_data(store, "thing-1").size() == 100);
}
