// SPDX-License-Identifier: BSL-1.0
// What the appends and decisions of one transaction see of each other, and what is left when one of them has to go.
#include "small_store.hpp"

#include <atomic>
#include <functional>
#include <thread>

using namespace cleave;
using namespace cleave::test;

namespace {

struct thing {
  scratch_folder folder{};
  sqlite::event_store store = open_store(folder.file("log.db"));

  // Calls begin() while the writer is busy: what it begins shares one transaction, in this order. Returns when `waiting` of them wait.
  void together(std::size_t waiting, std::function<void()> const& begin) {
    bool begun = false;
    must(store.transact([&](sqlite::transaction&) -> result<void> {
      if (begun) return {}; // the transaction is repeated
      begun = true;
      begin();
      while (store.counts().waiting < waiting) std::this_thread::yield();
      return {};
    }));
  }
  void begin_append(new_event const& event, result<appended>& to, std::atomic<int>& answered) {
    stream_append const part{"thing-1", expectation::any(), {&event, 1}};
    must(store.async_append({.streams = {&part, 1}}, [&](result<appended> outcome) {
      to = std::move(outcome);
      ++answered;
      answered.notify_all();
    }));
  }
  std::vector<std::string> all() {
    std::vector<std::string> data;
    must(store.read_all({}, [&](recorded_event const& event) {
      data.emplace_back(event.data);
      return true;
    }));
    return data;
  }
};

void wait_until(std::atomic<int>& answered, int count) {
  for (int now = answered; now < count; now = answered) answered.wait(now);
}

result<void> append_in(sqlite::commit_scope& scope, std::string_view data) {
  new_event const event = happened(data);
  stream_append const part{"thing-1", expectation::any(), {&event, 1}};
  auto const done = scope.append({.streams = {&part, 1}});
  return done ? result<void>() : unexpected(done.error());
}

} // namespace

TEST_CASE("a batch that is sent twice within one transaction is stored once") {
  thing one;
  new_event const event = happened("1");
  result<appended> first;
  result<appended> second;
  std::atomic<int> answered = 0;
  one.together(2, [&] {
    one.begin_append(event, first, answered);
    one.begin_append(event, second, answered);
  });
  wait_until(answered, 2);
  CHECK_FALSE(must(first).repeated);
  CHECK(must(second).repeated);
  CHECK(must(second).position == must(first).position);
  CHECK(one.all() == std::vector<std::string>{"1"});
}

TEST_CASE("a decision sees what was appended before it in its transaction, stream by stream and in the log") {
  thing one;
  result<appended> outcome;
  std::atomic<int> answered = 0;
  std::vector<std::string> in_stream;
  std::vector<std::string> in_log;
  auto const note = [](std::vector<std::string>& to) {
    return [&to](recorded_event const& event) {
      to.emplace_back(event.data);
      return true;
    };
  };
  std::thread decider;
  one.together(2, [&] {
    one.begin_append(happened("1"), outcome, answered);
    decider = std::thread([&] {
      must(one.store.decide_in_commit([&](sqlite::commit_scope& scope) -> result<void> {
        if (auto const read = scope.read_stream("thing-1", {}, note(in_stream)); !read)
          return unexpected(read.error());
        if (auto good = append_in(scope, "2"); !good) return good;
        auto const read = scope.read_all({}, note(in_log));
        return read ? result<void>() : unexpected(read.error());
      }));
    });
  });
  decider.join();
  wait_until(answered, 1);
  CHECK(in_stream == std::vector<std::string>{"1"});
  CHECK(in_log == std::vector<std::string>{"1", "2"});
  CHECK(one.all() == in_log);
}

TEST_CASE("a decision that fails behind its append takes nothing of the others of its transaction with it") {
  thing one;
  result<appended> outcome;
  std::atomic<int> answered = 0;
  std::thread decider;
  one.together(2, [&] {
    one.begin_append(happened("1"), outcome, answered);
    decider = std::thread([&] {
      auto const failed = one.store.decide_in_commit([&](sqlite::commit_scope& scope) -> result<void> {
        if (auto good = append_in(scope, "2"); !good) return good;
        return unexpected(error(errc::handler_failed, "it has changed its mind"));
      });
      CHECK(failure_of(failed).code() == errc::handler_failed);
    });
  });
  decider.join();
  wait_until(answered, 1);
  CHECK(must(outcome).position == position(1));
  CHECK(one.all() == std::vector<std::string>{"1"});
}

TEST_CASE("a decision's events are stored as they were when it appended them") {
  thing one;
  must(one.store.decide_in_commit([&](sqlite::commit_scope& scope) -> result<void> {
    std::string data = R"({"text":"a text that is too long to lie in the string itself"})";
    auto good = append_in(scope, data);
    data.assign(data.size(), '?');
    return good;
  }));
  CHECK(one.all() ==
        std::vector<std::string>{R"({"text":"a text that is too long to lie in the string itself"})"});
}
