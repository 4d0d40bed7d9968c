// SPDX-License-Identifier: BSL-1.0
// Boundaries that are decided inside the commit, on states that are cached by their queries.
#include <cleave/application.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/sqlite/simulated_disk.hpp>

#include "school.hpp"
#include "temporary_folder.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using cleave::errc;

namespace {

// Seats of a course, by themselves: each command of a course asks the same query.
struct take_seat {
  std::string course;
  int count = 1;
};
struct seats {
  static inline std::atomic<int> folded{0};
  static inline std::function<void(int free)> on_enrolled; // behind each, with the seats that are left
  using commands = cleave::command_set<take_seat>;
  using events = cleave::event_set<school::course_defined, school::enrolled>;
  static constexpr std::string_view category = "course";
  static std::string const& id(take_seat const& c) { return c.course; }
  static cleave::boundary_query boundary(take_seat const& c) {
    return cleave::events_with<school::course_defined, school::enrolled>("course:" + c.course);
  }
  int free = 0;
  void evolve(school::course_defined const& e) {
    free += e.seats;
    ++folded;
  }
  void evolve(school::enrolled const&) {
    --free;
    ++folded;
    if (on_enrolled) on_enrolled(free);
  }
  cleave::decision<school::enrolled> decide(take_seat const& c) const {
    if (c.count > free) return cleave::reject("course-full", "only {} left", free);
    cleave::decision<school::enrolled> all;
    for (int i = 0; i < c.count; ++i) all.add(school::enrolled{c.course, "somebody"});
    return all;
  }
};

cleave::sqlite::event_store opened(cleave::sqlite::event_store_options const& options) {
  auto store = cleave::sqlite::event_store::open(options);
  REQUIRE(store);
  return std::move(*store);
}
struct in_memory {
  cleave::memory::event_store store;
};
struct in_file {
  cleave_test::temporary_folder folder;
  cleave::sqlite::event_store store = opened({.path = folder.file("school.db")});
};

template <class Store> void define(Store& store, int seats, std::string const& course = "c") {
  school::course_defined const event{course, seats};
  cleave::tag_list const tags(event);
  auto made = cleave::to_new_event(cleave::event_id(cleave::id_source_ref().next({})), event);
  made.tags = tags.view();
  std::string const stream = "course-" + course;
  cleave::stream_append const part{stream, cleave::expectation::any(), {&made, 1}};
  REQUIRE(store.append(cleave::append_request{.streams = {&part, 1}}));
}
template <class App> std::string said(App& app, int count, std::string const& course = "c") {
  auto const done = app.execute(take_seat{course, count});
  return done ? "done" : done.error().message();
}

} // namespace

TEMPLATE_TEST_CASE("a boundary reads no event twice, and what others have appended since", "", in_memory,
                   in_file) {
  TestType in;
  cleave::application ours{in.store, cleave::boundaries<seats>};
  cleave::application others{in.store, cleave::boundaries<seats>};
  define(in.store, 30);
  for (int i = 0; i < 10; ++i) REQUIRE(said(ours, 1) == "done");
  seats::folded = 0;
  REQUIRE(said(ours, 10) == "done");
  CHECK(seats::folded == 1); // the last one's event
  CHECK(said(others, 11) == "rejected: course-full: only 10 left");
  CHECK(said(others, 11) != "done"); // it is kept from the second time on
  REQUIRE(said(others, 10) == "done");
  CHECK(said(ours, 1) == "rejected: course-full: only 0 left");
  define(in.store, 1);
  CHECK(said(ours, 1) == "done");
  CHECK(said(others, 1) == "rejected: course-full: only 0 left");
}

TEST_CASE("a boundary sees what another process's store has appended") {
  cleave_test::temporary_folder folder;
  auto one = opened({.path = folder.file("school.db")});
  auto two = opened({.path = folder.file("school.db")});
  cleave::application here{one, cleave::boundaries<seats>};
  cleave::application there{two, cleave::boundaries<seats>};
  for (int i = 0; i < 10; ++i) {
    define(one, 2);
    REQUIRE(said(there, 1) == "done");
    REQUIRE(said(here, 1) == "done");
    REQUIRE(said(here, 1) != "done");
    REQUIRE(said(there, 1) != "done");
  }
}

TEMPLATE_TEST_CASE("a boundary with a cache for a few queries, or none, decides the same", "", in_memory,
                   in_file) {
  for (std::size_t const entries : {std::size_t{0}, std::size_t{8}}) {
    TestType in;
    cleave::application school{in.store, cleave::boundaries<seats>,
                               cleave::application_options{.write = {.cached_boundaries = entries}}};
    for (int i = 0; i < 40; ++i) define(in.store, 5 + i, std::to_string(i));
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 40; ++i) {
        CHECK(said(school, 6 + i, std::to_string(i)) != "done");
        CHECK(said(school, 2, std::to_string(i)) == "done");
      }
    }
    for (int i = 0; i < 40; ++i) CHECK(said(school, 2 + i, std::to_string(i)) != "done");
  }
}

TEST_CASE("a failed commit voids the boundaries that were folded in it") {
  cleave::testing::simulated_disk disk("full");
  auto store = opened({.path = "/school.db", .shared = false, .vfs = disk.vfs()});
  cleave::application school{store, cleave::boundaries<seats>};
  define(store, 5);
  REQUIRE(said(school, 1) == "done");
  disk.inject({.what = cleave::testing::disk_operation::write, .file_ends = "-wal", .disk_full = true});
  auto const failed = school.execute(take_seat{"c", 3});
  REQUIRE_FALSE(failed);
  REQUIRE(failed.error().error().code() == errc::disk_full);
  disk.heal();
  CHECK(said(school, 5) == "rejected: course-full: only 4 left");
  CHECK(said(school, 4) == "done");
  CHECK(said(school, 1) == "rejected: course-full: only 0 left");
}

TEST_CASE("a boundary that was folded in a group that is repeated is folded anew") {
  in_file in;
  cleave::application school{in.store, cleave::boundaries<seats>};
  define(in.store, 150);
  std::atomic<bool> go{true};
  // Each of these loses its transaction, and with it those that share it; and nobody is left a seat.
  std::thread spoiler([&] {
    cleave::uuid_v7_source ids;
    while (go) {
      auto const spoilt = in.store.decide_in_commit(
          [&](cleave::sqlite::commit_scope& at) -> cleave::result<void> {
            school::course_defined const event{"c", -1'000};
            cleave::tag_list const tags(event);
            auto made = cleave::to_new_event(cleave::event_id(ids.next({})), event);
            made.tags = tags.view();
            cleave::stream_append const part{"course-c", cleave::expectation::any(), {&made, 1}};
            if (auto done = at.append({.streams = {&part, 1}}); !done)
              return cleave::unexpected(done.error());
            return cleave::unexpected(cleave::error(errc::invalid_argument, "changed my mind"));
          });
      if (spoilt) std::abort();
    }
  });
  std::vector<std::thread> students;
  std::atomic<int> taken{0};
  for (int t = 0; t < 4; ++t) {
    students.emplace_back([&] {
      for (int i = 0; i < 50; ++i) taken += school.execute(take_seat{"c"}) ? 1 : 0;
    });
  }
  for (auto& thread : students) thread.join();
  go = false;
  spoiler.join();
  CHECK(taken == 150);
  CHECK(in.store.head().value() == cleave::position(151));
}

TEMPLATE_TEST_CASE("a boundary of many events is decided on all of them", "", in_memory, in_file) {
  TestType in;
  define(in.store, 2'000);
  {
    cleave::application school{in.store, cleave::boundaries<seats>};
    REQUIRE(said(school, 1'999) == "done");
  }
  cleave::application school{in.store, cleave::boundaries<seats>};
  CHECK(said(school, 2) == "rejected: course-full: only 1 left");
  CHECK(said(school, 1) == "done");
  CHECK(said(school, 1) == "rejected: course-full: only 0 left");
}

TEST_CASE(
    "what is appended while the many events of a boundary are read outside the commit is decided on, too") {
  in_file in;
  define(in.store, 2'000);
  {
    cleave::application school{in.store, cleave::boundaries<seats>};
    REQUIRE(said(school, 1'500) == "done");
  }
  bool came = false;
  seats::on_enrolled = [&](int free) {
    if (free != 500 || std::exchange(came, true)) return;
    define(in.store, -500);
  };
  cleave::application school{in.store, cleave::boundaries<seats>};
  CHECK(said(school, 1) == "rejected: course-full: only 0 left");
  seats::on_enrolled = nullptr;
  CHECK(came);
}

TEMPLATE_TEST_CASE("sixteen threads take each seat once", "", in_memory, in_file) {
  TestType in;
  cleave::application school{in.store, cleave::boundaries<seats>};
  define(in.store, 100);
  std::atomic<int> taken{0};
  std::atomic<int> failed{0};
  std::vector<std::thread> at_once;
  for (int t = 0; t < 16; ++t) {
    at_once.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        auto const done = school.execute(take_seat{"c"});
        if (done) ++taken;
        else if (!done.error().is_rejection()) ++failed;
      }
    });
  }
  for (auto& thread : at_once) thread.join();
  CHECK(taken == 100);
  CHECK(failed == 0);
}
