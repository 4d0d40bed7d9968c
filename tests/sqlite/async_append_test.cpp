// SPDX-License-Identifier: BSL-1.0
// Appends that nobody waits for.
#include <cleave/testing/sqlite/simulated_disk.hpp>

#include "small_store.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

using namespace cleave;
using namespace cleave::test;

namespace {

sqlite::event_store open_fast(std::string const& path) {
  return must(sqlite::event_store::open({.path = path, .durability = durability::relaxed}));
}

// Counts what was answered, and lets a test wait for that.
class answers {
public:
  void add(result<appended> outcome) {
    std::lock_guard const lock(mutex_);
    outcomes_.push_back(std::move(outcome));
    changed_.notify_all();
  }
  std::vector<result<appended>> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return outcomes_.size() >= count; });
    return outcomes_;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<result<appended>> outcomes_;
};

// The request and its texts are gone when it returns.
template <class Done>
result<void> async_append(sqlite::event_store& store, std::string stream, expectation expected,
                          std::string data, Done done) {
  std::string const tag = "tag-" + data;
  std::string_view const tags[] = {tag};
  header const headers[] = {{"reason", tag}};
  new_event event = happened(data);
  event.tags = tags;
  event.metadata.headers = headers;
  stream_append const part{stream, expected, {&event, 1}};
  return store.async_append({.streams = {&part, 1}}, std::move(done));
}

} // namespace

TEST_CASE("an asynchronous append is stored as it was given and answered once, in the order of the calls") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  answers got;
  constexpr std::size_t count = 2'000;
  for (std::size_t n = 0; n < count; ++n) {
    must(async_append(store, "thing-" + std::to_string(n % 3), expectation::exactly(version(n / 3)),
                      std::to_string(n), [&](result<appended> outcome) { got.add(std::move(outcome)); }));
  }
  auto const outcomes = got.wait_for(count);
  REQUIRE(outcomes.size() == count);
  for (std::size_t n = 0; n < count; ++n) {
    CHECK(must(outcomes[n]).position == position(n + 1));
    CHECK(must(outcomes[n]).version == version(n / 3 + 1));
  }
  std::size_t n = 0;
  must(store.read_all({}, [&](recorded_event const& event) {
    std::string const data = std::to_string(n);
    CHECK(event.data == data);
    REQUIRE(event.at.tags.size() == 1);
    CHECK(event.at.tags[0] == "tag-" + data);
    REQUIRE(event.at.metadata.headers.size() == 1);
    CHECK(event.at.metadata.headers[0].value == "tag-" + data);
    ++n;
    return true;
  }));
  CHECK(n == count);
}

TEST_CASE("an asynchronous append carries its condition and its command") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  answers got;
  auto const begin = [&](command_id id, position after) {
    std::string const name = "open-thing";
    std::string const tag = "thing:1";
    std::string_view const tags[] = {tag};
    query_item const item{.tags = tags};
    append_condition const condition{.query = {.items = {&item, 1}}, .after = after};
    command_record const command{.id = id, .command = name, .fingerprint = 7};
    new_event event = happened();
    event.tags = tags;
    stream_append const part{"thing-1", expectation::any(), {&event, 1}};
    must(store.async_append({.streams = {&part, 1}, .condition = &condition, .command = &command},
                            [&](result<appended> outcome) { got.add(std::move(outcome)); }));
  };
  command_id const first(next_id().id());
  begin(first, position());
  begin(command_id(next_id().id()), position());
  begin(first, position());
  auto const outcomes = got.wait_for(3);
  CHECK_FALSE(must(outcomes[0]).repeated);
  CHECK(failure_of(outcomes[1]).code() == errc::version_conflict);
  CHECK(must(outcomes[2]).repeated);
  CHECK(must(store.find_command(first))->command == "open-thing");
  CHECK(head(store) == 1);
}

TEST_CASE("an append that serves again holds nothing of the one before") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  constexpr std::size_t count = 300; // the first are given back after 64
  answers got;
  for (std::size_t n = 0; n < count; ++n) {
    bool const full = n % 2 == 0;
    std::string const data = '"' + std::string(n % 7 * 10, 'x') + '"';
    std::string_view const tags[] = {"tag"};
    header const headers[] = {{"reason", "none"}};
    query_item const item{.tags = tags};
    append_condition const condition{.query = {.items = {&item, 1}}, .after = position(n)};
    command_record const command{.id = command_id(next_id().id()), .command = "do", .fingerprint = n};
    new_event event = happened(data);
    if (full) event.tags = tags;
    if (full) event.metadata.headers = headers;
    stream_append const part{full ? "full-1" : "bare-1", expectation::any(), {&event, 1}};
    append_request request{.streams = {&part, 1}};
    if (full) request.condition = &condition;
    if (full) request.command = &command;
    must(store.async_append(request, [&](result<appended> outcome) { got.add(std::move(outcome)); }));
    CHECK_FALSE(must(got.wait_for(n + 1).back()).repeated);
  }
  std::size_t n = 0;
  must(store.read_all({}, [&](recorded_event const& event) {
    std::size_t const parts = n % 2 == 0 ? 1 : 0;
    CHECK(event.at.tags.size() == parts);
    CHECK(event.at.metadata.headers.size() == parts);
    CHECK(event.data.size() == n % 7 * 10 + 2);
    ++n;
    return true;
  }));
  CHECK(n == count);
}

TEST_CASE("a refused append fails alone among its group") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  answers got;
  for (std::size_t n = 0; n < 300; ++n) {
    must(async_append(store, "thing-1", expectation::exactly(version(n / 3)), "1",
                      [&](result<appended> outcome) { got.add(std::move(outcome)); }));
  }
  std::size_t conflicts = 0;
  for (auto const& outcome : got.wait_for(300)) {
    if (outcome) continue;
    CHECK(outcome.error().code() == errc::version_conflict);
    ++conflicts;
  }
  CHECK(conflicts == 200);
  CHECK(head(store) == 100);
}

TEST_CASE("what has no form is refused at once, and nobody is called") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  auto const never = [](result<appended>) { FAIL("it was called"); };
  CHECK(failure_of(async_append(store, "", expectation::any(), "1", never)).code() == errc::invalid_argument);
  CHECK(failure_of(async_append(store, std::string(300, 'x'), expectation::any(), "1", never)).code() ==
        errc::limit_exceeded);
}

TEST_CASE("beyond the stated number or bytes an asynchronous append is refused until one is completed") {
  scratch_folder const folder;
  auto store = must(sqlite::event_store::open({.path = folder.file("log.db"),
                                               .durability = durability::relaxed,
                                               .async_appends = 4,
                                               .async_bytes = 10'000}));
  answers got;
  auto const note = [&](result<appended> outcome) { got.add(std::move(outcome)); };
  std::size_t begun = 0;
  // Nothing can be committed meanwhile.
  must(store.transact([&](sqlite::transaction&) -> result<void> {
    while (begun < 4) {
      must(async_append(store, "thing-1", expectation::any(), "1", note));
      ++begun;
    }
    auto const refused = async_append(store, "thing-1", expectation::any(), "1", note);
    CHECK(failure_of(refused).code() == errc::limit_exceeded);
    return {};
  }));
  got.wait_for(begun);
  CHECK(
      failure_of(async_append(store, "thing-1", expectation::any(), std::string(20'000, ' '), note)).code() ==
      errc::limit_exceeded);
  must(async_append(store, "thing-1", expectation::any(), "1", note));
  got.wait_for(begun + 1);
  CHECK(head(store) == begun + 1);
}

TEST_CASE("a completion may begin the next append, and may not wait for one") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  answers got;
  std::function<void(result<appended>)> next = [&](result<appended> outcome) {
    bool const enough = must(outcome).position == position(500);
    CHECK(failure_of(append(store, "thing-1")).code() == errc::invalid_argument);
    CHECK(failure_of(store.transact([](sqlite::transaction&) { return result<void>(); })).code() ==
          errc::invalid_argument);
    CHECK(must(store.head()) >= must(outcome).position);
    if (enough) got.add(std::move(outcome));
    else must(async_append(store, "thing-1", expectation::any(), "1", next));
  };
  must(async_append(store, "thing-1", expectation::any(), "1", next));
  got.wait_for(1);
  CHECK(head(store) == 500);
}

TEST_CASE("destroying a store completes what was begun") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  std::atomic<std::size_t> completed = 0;
  std::size_t const count = 1'000;
  {
    auto store = open_fast(path);
    for (std::size_t n = 0; n < count; ++n) {
      must(async_append(store, "thing-1", expectation::any(), "1", [&](result<appended> outcome) {
        if (outcome) ++completed;
      }));
    }
  }
  CHECK(completed == count);
  auto store = open_store(path);
  CHECK(head(store) == count);
}

TEST_CASE("waiting, asynchronous and transactional writers share the file") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  constexpr std::size_t each = 400;
  answers got;
  std::atomic<bool> failed = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      for (std::size_t n = 0; n < each; ++n) {
        auto const note = [&](result<appended> outcome) { got.add(std::move(outcome)); };
        if (!async_append(store, "async", expectation::any(), "1", note)) failed = true;
      }
    });
    threads.emplace_back([&, t] {
      for (std::size_t n = 0; n < each; ++n) {
        if (!append(store, "waiting-" + std::to_string(t), expectation::exactly(version(n)))) failed = true;
      }
    });
    threads.emplace_back([&] {
      for (std::size_t n = 0; n < each; ++n) {
        bool const refuse = n % 4 == 0;
        auto const done = store.transact([&](sqlite::transaction& inside) -> result<void> {
          auto const good = append(inside, "transact");
          if (!good) return unexpected(good.error());
          if (refuse) return unexpected(make_error(errc::invalid_argument, "not this time"));
          return {};
        });
        if (done.has_value() == refuse) failed = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  position last;
  for (auto const& outcome : got.wait_for(2 * each)) {
    CHECK(must(outcome).position > last);
    last = must(outcome).position;
  }
  CHECK_FALSE(failed);
  CHECK(head(store) == 2 * each * 2 + 2 * each * 3 / 4);
}

TEST_CASE("after a failed sync every asynchronous append is told so") {
  testing::simulated_disk disk("failing");
  auto store = must(sqlite::event_store::open({.path = "/log.db", .shared = false, .vfs = disk.vfs()}));
  must(append(store, "thing-1"));
  answers got;
  std::size_t begun = 0;
  disk.inject({.what = testing::disk_operation::sync, .file_ends = "-wal"});
  must(async_append(store, "thing-1", expectation::any(), "1",
                    [&](result<appended> outcome) { got.add(std::move(outcome)); }));
  ++begun;
  for (int n = 0; n < 200; ++n) {
    auto const taken = async_append(store, "thing-1", expectation::any(), "1",
                                    [&](result<appended> outcome) { got.add(std::move(outcome)); });
    if (taken) ++begun;
    else CHECK(taken.error().code() == errc::store_failed);
  }
  for (auto const& outcome : got.wait_for(begun)) {
    CHECK((failure_of(outcome).code() == errc::io_error || failure_of(outcome).code() == errc::store_failed));
  }
}
