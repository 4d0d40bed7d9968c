// SPDX-License-Identifier: BSL-1.0
// The application's own tables in the store's transaction: transact, and inline projections.
#include "small_store.hpp"

#include <atomic>
#include <stdexcept>
#include <thread>

using namespace cleave;
using namespace cleave::test;

namespace {

struct shop {
  scratch_folder folder;
  sqlite::event_store store = open_store(folder.file("shop.db"));

  shop() {
    must(store.transact([](sqlite::transaction& in) {
      return in.db().run_script(
          "CREATE TABLE product (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, stock INTEGER NOT NULL DEFAULT 0);"
          "CREATE TABLE part (product INTEGER NOT NULL REFERENCES product (id) DEFERRABLE INITIALLY DEFERRED)");
    }));
  }
  std::int64_t products() {
    std::int64_t count = -1;
    must(store.transact([&](sqlite::transaction& in) -> result<void> {
      auto const found = in.db().value<std::int64_t>("SELECT count(*) FROM product");
      if (!found) return unexpected(found.error());
      count = found->value_or(-1);
      return {};
    }));
    return count;
  }
};

result<void> add_product(sqlite::transaction& in, std::string_view name) {
  auto const added = in.db().execute("INSERT INTO product (name) VALUES (?1)", name);
  if (!added) return unexpected(added.error());
  return {};
}

} // namespace

TEST_CASE("rows and events of a transaction are stored together") {
  shop s;
  appended stored;
  must(s.store.transact([&](sqlite::transaction& in) -> result<void> {
    if (auto good = add_product(in, "chai"); !good) return good;
    auto done = append(in, "product-1", expectation::no_stream());
    if (!done) return unexpected(done.error());
    stored = *done;
    CHECK(must(in.head()) == position(1));
    return {};
  }));
  CHECK(stored.position == position(1));
  CHECK(s.products() == 1);
  CHECK(head(s.store) == 1);
  CHECK(s.store.commits().last() == position(1));
}

TEST_CASE("an error or an exception undoes rows and events, and caches what is not stored nowhere") {
  shop s;
  must(append(s.store, "product-0"));
  auto const fail_with = [&](auto leave) {
    return s.store.transact([&](sqlite::transaction& in) -> result<void> {
      if (auto good = add_product(in, "chai"); !good) return good;
      must(append(in, "product-0", expectation::exactly(version(1))));
      must(append(in, "product-1", expectation::no_stream()));
      return leave();
    });
  };
  auto const refused = fail_with([]() -> result<void> { return unexpected(error(errc::not_found, "mine")); });
  CHECK(failure_of(refused).code() == errc::not_found);
  auto const thrown = fail_with([]() -> result<void> { throw std::runtime_error("oh no"); });
  REQUIRE(failure_of(thrown).code() == errc::handler_failed);
  CHECK(thrown.error().message().find("oh no") != std::string::npos);

  CHECK(s.products() == 0);
  CHECK(head(s.store) == 1);
  // The heads that the undone appends saw are forgotten.
  CHECK(must(append(s.store, "product-0", expectation::exactly(version(1)))).position == position(2));
  CHECK(must(append(s.store, "product-1", expectation::no_stream())).position == position(3));
}

TEST_CASE("an append that is refused inside a transaction leaves the transaction whole") {
  shop s;
  must(append(s.store, "product-1"));
  must(s.store.transact([&](sqlite::transaction& in) -> result<void> {
    CHECK(failure_of(append(in, "product-1", expectation::no_stream())).code() == errc::version_conflict);
    CHECK(failure_of(append(in, "")).code() == errc::invalid_argument);
    must(append(in, "product-1", expectation::exactly(version(1))));
    return add_product(in, "chai");
  }));
  CHECK(head(s.store) == 2);
  CHECK(s.products() == 1);
}

TEST_CASE("a transaction reads what it has appended, and others do not before the commit") {
  shop s;
  must(append(s.store, "product-1", expectation::any(), "1"));
  must(s.store.transact([&](sqlite::transaction& in) -> result<void> {
    must(append(in, "product-1", expectation::any(), "2"));
    std::vector<std::string> seen;
    auto const last = must(in.read_stream("product-1", stream_range::all(), [&](recorded_event const& event) {
      seen.emplace_back(event.data);
      return true;
    }));
    CHECK(last == version(2));
    CHECK(seen == std::vector<std::string>{"1", "2"});
    CHECK(stream_data(s.store, "product-1") == std::vector<std::string>{"1"});
    CHECK(head(s.store) == 1);
    return {};
  }));
  CHECK(stream_data(s.store, "product-1").size() == 2);
}

TEST_CASE("the outcome of a command can be stored and found in a transaction") {
  shop s;
  command_id const id(uuid_v7_source().next(timestamp(1)));
  command_record const record{.id = id, .command = "add_product", .fingerprint = 42};
  must(s.store.transact([&](sqlite::transaction& in) -> result<void> {
    CHECK_FALSE(must(in.find_command(id)).has_value());
    new_event const event = happened();
    stream_append const part{"product-1", expectation::any(), {&event, 1}};
    must(in.append({.streams = {&part, 1}, .command = &record}));
    CHECK(must(in.find_command(id)).has_value());
    return {};
  }));
  auto const outcome = must(s.store.find_command(id));
  REQUIRE(outcome.has_value());
  CHECK(outcome->position == position(1));
}

TEST_CASE("append and transact inside a transaction are refused instead of waiting for themselves") {
  shop s;
  must(s.store.transact([&](sqlite::transaction&) -> result<void> {
    CHECK(failure_of(append(s.store, "product-1")).code() == errc::invalid_argument);
    CHECK(failure_of(s.store.transact([](sqlite::transaction&) { return result<void>(); })).code() ==
          errc::invalid_argument);
    return {};
  }));
  // Another store is another matter.
  scratch_folder const folder;
  auto other = open_store(folder.file("other.db"));
  must(s.store.transact([&](sqlite::transaction&) -> result<void> {
    must(append(other, "thing-1"));
    return {};
  }));
}

TEST_CASE("a function that ends the transaction fails and is undone, and the store lives on") {
  shop s;
  for (std::string_view const sql : {"COMMIT", "ROLLBACK", "END"}) {
    auto const done = s.store.transact([&](sqlite::transaction& in) -> result<void> {
      if (auto good = add_product(in, "chai"); !good) return good;
      must(append(in, "product-1"));
      static_cast<void>(in.db().run_script(sql).has_value());
      return {};
    });
    CHECK(failure_of(done).code() == errc::invalid_argument);
    CHECK(head(s.store) == 0);
    CHECK(s.products() == 0);
  }
  must(append(s.store, "product-1", expectation::no_stream()));
}

TEST_CASE("a function that ends the transaction costs the others of its group nothing") {
  shop s;
  std::atomic<bool> go{false};
  std::atomic<int> stored{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      while (!go) std::this_thread::yield();
      for (int i = 0; i < 40; ++i) {
        if (append(s.store, "thing-" + std::to_string(t),
                   expectation::exactly(version(static_cast<std::uint64_t>(i)))))
          ++stored;
      }
    });
  }
  threads.emplace_back([&] {
    while (!go) std::this_thread::yield();
    for (int i = 0; i < 40; ++i) {
      auto const done = s.store.transact(
          [&](sqlite::transaction& in) { return in.db().run_script("ROLLBACK"); });
      if (done) std::abort();
    }
  });
  go = true;
  for (std::thread& thread : threads) thread.join();
  CHECK(stored == 160);
  CHECK(head(s.store) == 160);
}

TEST_CASE("deferred foreign keys are checked before the group's commit") {
  shop s;
  auto const dangling = s.store.transact(
      [](sqlite::transaction& in) { return in.db().run_script("INSERT INTO part VALUES (77)"); });
  CHECK(failure_of(dangling).code() == errc::constraint_violated);
  must(append(s.store, "product-1"));
  must(s.store.transact([](sqlite::transaction& in) {
    return in.db().run_script(
        "INSERT INTO part VALUES (77); INSERT INTO product (id, name) VALUES (77, 'chang')");
  }));
}

TEST_CASE("an inline projection sees each event with its place, and its rows are stored with them") {
  shop s;
  must(append(s.store, "order-1"));
  new_event const events[] = {happened("{\"n\":1}"), happened("{\"n\":2}")};
  new_event const more = happened("{\"n\":3}");
  stream_append const parts[] = {{"order-1", expectation::exactly(version(1)), events},
                                 {"order-2", expectation::no_stream(), {&more, 1}}};
  std::vector<std::string> seen;
  auto const done = must(
      s.store.append({.streams = parts}, [&](recorded_event const& event, sqlite::transaction& in) {
        seen.push_back(std::to_string(event.at.position.value()) + " " + std::string(event.at.stream.text()) +
                       " " + std::to_string(event.at.version.value()) + " " + std::string(event.data));
        CHECK(event.at.recorded_at != timestamp());
        return add_product(in, seen.back());
      }));
  CHECK(done.position == position(4));
  CHECK(seen ==
        std::vector<std::string>{"2 order-1 2 {\"n\":1}", "3 order-1 3 {\"n\":2}", "4 order-2 1 {\"n\":3}"});
  CHECK(s.products() == 3);
}

TEST_CASE("an inline projection that fails or throws undoes its append alone") {
  shop s;
  auto const failed = [&](auto leave) {
    new_event const event = happened();
    stream_append const part{"order-1", expectation::no_stream(), {&event, 1}};
    return s.store.append({.streams = {&part, 1}},
                          [&](recorded_event const&, sqlite::transaction& in) -> result<void> {
                            must(add_product(in, "chai"));
                            return leave();
                          });
  };
  CHECK(failure_of(failed([]() -> result<void> { return unexpected(error(errc::stale, "mine")); })).code() ==
        errc::stale);
  CHECK(failure_of(failed([]() -> result<void> { throw 7; })).code() == errc::handler_failed);
  CHECK(s.products() == 0);
  CHECK(head(s.store) == 0);
  CHECK(stream_data(s.store, "order-1").empty());
}

TEST_CASE("a repeated append does not run the inline projection again") {
  shop s;
  new_event const event = happened();
  stream_append const part{"order-1", expectation::no_stream(), {&event, 1}};
  int calls = 0;
  auto const hook = [&](recorded_event const&, sqlite::transaction&) {
    ++calls;
    return result<void>();
  };
  must(s.store.append({.streams = {&part, 1}}, hook));
  CHECK(must(s.store.append({.streams = {&part, 1}}, hook)).repeated);
  CHECK(calls == 1);
}

TEST_CASE("functions of the application run on the thread that asked for them") {
  shop s;
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      auto const self = std::this_thread::get_id();
      for (int i = 0; i < 25; ++i) {
        if (t % 2 == 0) {
          if (!append(s.store, "plain-" + std::to_string(t))) ++wrong;
          continue;
        }
        auto const done = s.store.transact([&](sqlite::transaction& in) -> result<void> {
          if (std::this_thread::get_id() != self) ++wrong;
          if (auto good = add_product(in, std::to_string(t) + "-" + std::to_string(i)); !good) return good;
          auto const stored = append(in, "product-" + std::to_string(t));
          if (!stored) return unexpected(stored.error());
          return {};
        });
        if (!done) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(head(s.store) == 200);
  CHECK(s.products() == 100);
}
