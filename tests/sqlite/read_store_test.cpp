// SPDX-License-Identifier: BSL-1.0
#include <cleave/sqlite/read_store.hpp>

#include "small_store.hpp"

#include <atomic>
#include <optional>
#include <stdexcept>
#include <thread>

using namespace cleave;
using namespace cleave::test;

namespace {

// The same facts hold in a file of its own and in the log's file.
struct file_of_its_own {
  scratch_folder folder;
  std::optional<sqlite::read_store> store;
  void open() {
    store.emplace(must(sqlite::read_store::open({.path = folder.file("views.db"), .busy_wait_ms = 200})));
  }
  void close() { store.reset(); }
};
struct file_of_the_log {
  scratch_folder folder;
  std::optional<sqlite::event_store> log;
  std::optional<sqlite::read_store> store;
  void open() {
    log.emplace(must(sqlite::event_store::open({.path = folder.file("log.db"), .busy_wait_ms = 200})));
    store.emplace(must(sqlite::read_store::of(*log)));
  }
  void close() {
    store.reset();
    log.reset();
  }
};

result<void> add(sqlite::database& db, std::int64_t n) {
  auto const added = db.execute("INSERT INTO number VALUES (?1)", n);
  if (!added) return unexpected(added.error());
  return {};
}

result<void> make_table(sqlite::read_store& store) {
  return store.apply("numbers.v1", must(store.checkpoint("numbers.v1")),
                     [&](sqlite::database& db) -> result<position> {
                       if (auto good = db.run_script("CREATE TABLE IF NOT EXISTS number (n)"); !good)
                         return unexpected(good.error());
                       return must(store.checkpoint("numbers.v1"));
                     });
}

result<void> add_at(sqlite::read_store& store, std::uint64_t from, std::uint64_t to) {
  return store.apply("numbers.v1", position(from), [&](sqlite::database& db) -> result<position> {
    if (auto good = add(db, static_cast<std::int64_t>(to)); !good) return unexpected(good.error());
    return position(to);
  });
}

std::int64_t count(sqlite::read_store& store) {
  std::int64_t rows = -1;
  must(store.read([&](sqlite::database& db) -> result<void> {
    rows = must(db.value<std::int64_t>("SELECT count(*) FROM number")).value_or(-1);
    return {};
  }));
  return rows;
}

} // namespace

TEMPLATE_TEST_CASE("rows and checkpoint are stored together and survive a restart", "", file_of_its_own,
                   file_of_the_log) {
  TestType f;
  f.open();
  CHECK(must(f.store->checkpoint("numbers.v1")) == position(0));
  must(make_table(*f.store));
  CHECK(must(f.store->checkpoint("numbers.v1")) == position(0));
  must(add_at(*f.store, 0, 7));
  must(add_at(*f.store, 7, 9));
  f.close();
  f.open();
  CHECK(must(f.store->checkpoint("numbers.v1")) == position(9));
  CHECK(must(f.store->checkpoint("others.v1")) == position(0));
  CHECK(count(*f.store) == 2);
}

TEMPLATE_TEST_CASE("nothing is stored when fill fails or throws", "", file_of_its_own, file_of_the_log) {
  TestType f;
  f.open();
  must(make_table(*f.store));
  auto const failed = f.store->apply("numbers.v1", position(0), [](sqlite::database& db) -> result<position> {
    must(add(db, 1));
    return unexpected(error(errc::decode_failed, "mine"));
  });
  CHECK(failure_of(failed).code() == errc::decode_failed);
  auto const thrown = f.store->apply("numbers.v1", position(0), [](sqlite::database& db) -> result<position> {
    must(add(db, 1));
    throw std::runtime_error("oh no");
  });
  CHECK(failure_of(thrown).code() == errc::handler_failed);
  CHECK(count(*f.store) == 0);
  CHECK(must(f.store->checkpoint("numbers.v1")) == position(0));
  must(add_at(*f.store, 0, 1));
}

TEMPLATE_TEST_CASE(
    "a checkpoint that is not where the projector thinks is a conflict, and it never goes back", "",
    file_of_its_own, file_of_the_log) {
  TestType f;
  f.open();
  must(make_table(*f.store));
  must(add_at(*f.store, 0, 5));
  CHECK(failure_of(add_at(*f.store, 0, 6)).code() == errc::version_conflict);
  CHECK(failure_of(add_at(*f.store, 6, 7)).code() == errc::version_conflict);
  CHECK(failure_of(add_at(*f.store, 5, 4)).code() == errc::invalid_argument);
  CHECK(count(*f.store) == 1);
  CHECK(must(f.store->checkpoint("numbers.v1")) == position(5));
}

TEMPLATE_TEST_CASE("names of projections have limits", "", file_of_its_own, file_of_the_log) {
  TestType f;
  f.open();
  CHECK(failure_of(f.store->checkpoint("")).code() == errc::invalid_argument);
  CHECK(failure_of(f.store->checkpoint(std::string(128, 'n'))).code() == errc::limit_exceeded);
  CHECK(failure_of(f.store->checkpoint(std::string_view("a\0b", 3))).code() == errc::invalid_argument);
}

TEMPLATE_TEST_CASE("a read sees one snapshot and changes nothing", "", file_of_its_own, file_of_the_log) {
  TestType f;
  f.open();
  must(make_table(*f.store));
  must(add_at(*f.store, 0, 1));
  must(f.store->read([&](sqlite::database& db) -> result<void> {
    CHECK(must(db.value<int>("SELECT count(*) FROM number")) == 1);
    must(add_at(*f.store, 1, 2)); // a writer does not wait for this reader
    CHECK(must(db.value<int>("SELECT count(*) FROM number")) == 1);
    CHECK(failure_of(db.execute("DELETE FROM number")).code() == errc::read_only);
    return {};
  }));
  CHECK(count(*f.store) == 2);
  auto const thrown = f.store->read([](sqlite::database&) -> result<void> { throw 1; });
  CHECK(failure_of(thrown).code() == errc::handler_failed);
  auto const failed = f.store->read(
      [](sqlite::database&) -> result<void> { return unexpected(error(errc::not_found, "x")); });
  CHECK(failure_of(failed).code() == errc::not_found);
}

TEMPLATE_TEST_CASE("apply inside apply is refused", "", file_of_its_own, file_of_the_log) {
  TestType f;
  f.open();
  must(make_table(*f.store));
  must(f.store->apply("numbers.v1", position(0), [&](sqlite::database&) -> result<position> {
    CHECK(failure_of(add_at(*f.store, 0, 1)).code() == errc::invalid_argument);
    return position(1);
  }));
}

TEMPLATE_TEST_CASE("of several projectors of one name each step is won by one", "", file_of_its_own,
                   file_of_the_log) {
  TestType f;
  f.open();
  must(make_table(*f.store));
  std::vector<std::thread> threads;
  std::atomic<int> won{0};
  std::atomic<int> odd{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (;;) {
        auto const at = f.store->checkpoint("numbers.v1");
        if (!at || at->value() >= 100) return;
        auto const done = add_at(*f.store, at->value(), at->value() + 1);
        if (done) ++won;
        else if (done.error().code() != errc::version_conflict) ++odd;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(odd == 0);
  CHECK(won == 100);
  CHECK(count(*f.store) == 100);
}

TEST_CASE("all read connections in use is busy after the wait") {
  scratch_folder const folder;
  auto store = must(
      sqlite::read_store::open({.path = folder.file("views.db"), .busy_wait_ms = 10, .readers = 1}));
  must(store.read([&](sqlite::database&) -> result<void> {
    CHECK(failure_of(store.read([](sqlite::database&) { return result<void>(); })).code() == errc::busy);
    return {};
  }));
  must(store.read([](sqlite::database&) { return result<void>(); }));
}
