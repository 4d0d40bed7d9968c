// SPDX-License-Identifier: BSL-1.0
// What happens when the disk fails while a commit is under way.
#include <cleave/testing/sqlite/simulated_disk.hpp>

#include "small_store.hpp"

#include <thread>

using namespace cleave;
using namespace cleave::test;

namespace {

constexpr char const* file = "/log.db";

sqlite::event_store open_on(testing::simulated_disk const& disk) {
  return must(sqlite::event_store::open({.path = file, .shared = false, .vfs = disk.vfs()}));
}

testing::disk_fault failing(testing::disk_operation what) { return {.what = what, .file_ends = "-wal"}; }

} // namespace

TEST_CASE(
    "after a failed sync nobody is acknowledged and writes are refused until the store is opened again") {
  testing::simulated_disk disk("failing");
  {
    auto store = open_on(disk);
    must(append(store, "thing-1", expectation::any(), "1"));
    disk.inject(failing(testing::disk_operation::sync));
    CHECK(failure_of(append(store, "thing-1", expectation::any(), "2")).code() == errc::io_error);
    disk.heal();

    auto const refused = append(store, "thing-1", expectation::any(), "3");
    REQUIRE(failure_of(refused).code() == errc::store_failed);
    REQUIRE(refused.error().cause() != nullptr);
    CHECK(refused.error().cause()->code() == errc::io_error);
    CHECK(failure_of(store.transact([](sqlite::transaction&) { return result<void>(); })).code() ==
          errc::store_failed);

    CHECK(stream_data(store, "thing-1") == std::vector<std::string>{"1"});
    CHECK(store.commits().last() == position(1));
  }
  auto store = open_on(disk);
  // The commit that failed may have reached the disk; what was refused never did.
  auto const stored = stream_data(store, "thing-1");
  CHECK((stored == std::vector<std::string>{"1"} || stored == std::vector<std::string>{"1", "2"}));
  must(append(store, "thing-1", expectation::exactly(version(stored.size()))));
}

TEST_CASE("after a failed write of a commit the store refuses writes") {
  testing::simulated_disk disk("failing");
  auto store = open_on(disk);
  must(append(store, "thing-1", expectation::any(), "1"));
  disk.inject(failing(testing::disk_operation::write));
  CHECK(failure_of(append(store, "thing-1", expectation::any(), "2")).code() == errc::io_error);
  disk.heal();
  CHECK(failure_of(append(store, "thing-1", expectation::any(), "3")).code() == errc::store_failed);
  CHECK(stream_data(store, "thing-1") == std::vector<std::string>{"1"});
}

TEST_CASE("a full disk fails the append, loses nothing, and the store goes on when there is room again") {
  testing::simulated_disk disk("failing");
  {
    auto store = open_on(disk);
    must(append(store, "thing-1", expectation::any(), "1"));
    disk.inject({.what = testing::disk_operation::write, .file_ends = "-wal", .disk_full = true});
    event_id const id = next_id();
    auto const refused = append(store, "thing-1", expectation::exactly(version(1)), "2", id);
    CHECK(failure_of(refused).code() == errc::disk_full);
    CHECK(refused.error().text().find("log.db") != std::string::npos);
    CHECK(failure_of(append(store, "thing-2", expectation::no_stream(), "2")).code() == errc::disk_full);
    disk.heal();
    CHECK(must(append(store, "thing-1", expectation::exactly(version(1)), "2", id)).position == position(2));
    CHECK(must(append(store, "thing-2", expectation::no_stream(), "3")).position == position(3));
  }
  auto store = open_on(disk);
  CHECK(stream_data(store, "thing-1") == std::vector<std::string>{"1", "2"});
  CHECK(stream_data(store, "thing-2") == std::vector<std::string>{"3"});
}

TEST_CASE("a group whose commit fails has no winner") {
  testing::simulated_disk disk("failing");
  auto store = open_on(disk);
  must(append(store, "thing-0"));
  disk.inject(failing(testing::disk_operation::sync));
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
  testing::simulated_disk disk("failing");
  {
    sqlite::step_hook const only_then{[](void* context, char const* step) {
                                        auto& failed = *static_cast<testing::simulated_disk*>(context);
                                        if (std::string_view(step) == "checkpoint")
                                          failed.inject(failing(testing::disk_operation::sync));
                                        if (std::string_view(step) == "checkpointed") failed.heal();
                                      },
                                      &disk};
    auto store = must(sqlite::event_store::open(
        {.path = file, .checkpoint_pages = 10, .shared = false, .vfs = disk.vfs(), .on_step = only_then}));
    for (int i = 0; i < 100; ++i) must(append(store, "thing-1", expectation::any(), std::to_string(i)));
    CHECK(disk.image().at("/log.db-wal").size() > 100 * 4096);
  }
  auto store = open_on(disk);
  CHECK(stream_data(store, "thing-1").size() == 100);
}
