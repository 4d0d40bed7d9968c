// SPDX-License-Identifier: BSL-1.0
// The queue alone, on a transaction that only writes down what happens to it.
#include "sqlite/commit_queue.hpp"
#include "sqlite/process_lock.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace cleave;
using namespace cleave::sqlite;

namespace {

// Groups that do not end because the machine is busy.
constexpr commit_queue::bounds patient{.us = INT64_MAX};

// Not thread-safe on purpose: only one thread may lead, or ThreadSanitizer speaks.
struct recording_transaction final : group_transaction {
  result<void> begin(std::int64_t) override {
    log.emplace_back("begin");
    if (on_begin) on_begin();
    return begin_fails ? unexpected(error(errc::busy, "begin")) : result<void>();
  }
  health check() override { return std::exchange(next_health, health::good); }
  error failure() override { return error(errc::disk_full, "apply"); }
  void roll_back() override { log.emplace_back("rollback"); }
  result<void> commit() override {
    log.emplace_back("commit");
    if (on_commit) on_commit();
    return commit_fails ? unexpected(error(errc::io_error, "commit")) : result<void>();
  }
  bool wants_tidying() const override { return tidies; }
  void tidy() override { log.emplace_back("tidy"); }

  std::vector<std::string> log;
  std::function<void()> on_begin;
  std::function<void()> on_commit;
  bool begin_fails = false;
  bool commit_fails = false;
  bool tidies = false;
  health next_health = health::good;
};

struct job final : queued_write {
  job(recording_transaction& to, std::string says, bool own = false, std::size_t bytes = 1)
      : queued_write(own ? kind::own_thread : kind::plain, 0, bytes),
        transaction(to),
        name(std::move(says)) {}
  void apply() override {
    ran_on = std::this_thread::get_id();
    ++times;
    failed = false;
    transaction.log.push_back(name);
    if (on_apply) on_apply();
  }
  void fail(error const& reason) override {
    failed = true;
    code = reason.code();
  }

  recording_transaction& transaction;
  std::string name;
  std::function<void()> on_apply{};
  std::thread::id ran_on{};
  int times = 0;
  bool failed = false;
  errc code{};
};

// Runs `first`; while it is being applied, lets the others queue up behind it, in order, each on a thread of its own.
struct crowd {
  commit_queue& queue;
  std::vector<job*> others;
  std::vector<std::thread> threads{};
  std::vector<std::thread::id> ids{};

  void run(job& first) {
    auto const before = std::exchange(first.on_apply, {});
    first.on_apply = [&, before] {
      if (before) before();
      if (!threads.empty()) return; // applied again
      for (job* other : others) {
        std::size_t const waiting = queue.waiting();
        threads.emplace_back([this, other] { queue.run(*other); });
        ids.push_back(threads.back().get_id());
        while (queue.waiting() == waiting) std::this_thread::yield();
      }
    };
    queue.run(first);
    for (std::thread& thread : threads) thread.join();
  }
};

} // namespace

TEST_CASE("a lone write is committed at once on its own thread") {
  recording_transaction to;
  commit_queue queue(to, patient);
  job one(to, "one");
  queue.run(one);
  CHECK(to.log == std::vector<std::string>{"begin", "one", "commit"});
  CHECK(one.ran_on == std::this_thread::get_id());
  CHECK_FALSE(one.failed);
}

TEST_CASE("what has queued up is committed together, in order") {
  recording_transaction to;
  commit_queue queue(to, patient);
  job a(to, "a");
  job b(to, "b");
  job c(to, "c");
  crowd{queue, {&b, &c}}.run(a);
  CHECK(to.log == std::vector<std::string>{"begin", "a", "b", "c", "commit"});
}

// A commit that takes a millisecond, and leaders that wait for as long as it takes.
void takes_a_millisecond() {
  auto const end = steady_us() + 1'000;
  while (steady_us() < end) std::this_thread::yield();
}
constexpr commit_queue::bounds waits_for_others{.us = INT64_MAX, .gather = 1e9};
constexpr commit_queue::bounds sleeps_for_others{.us = INT64_MAX, .gather = 1e9, .longest_yield_us = 0};

TEST_CASE("who was answered with others shares the next commit with them") {
  recording_transaction to;
  to.on_commit = takes_a_millisecond;
  commit_queue queue(to, GENERATE(waits_for_others, sleeps_for_others));
  job a(to, "a");
  job b(to, "b");
  crowd{queue, {&b}}.run(a);
  to.log.clear();

  job c(to, "c");
  job d(to, "d");
  std::thread other;
  c.on_apply = [&] { other = std::thread([&] { queue.run(d); }); }; // it comes when c is applied
  queue.run(c);
  other.join();
  CHECK(to.log == std::vector<std::string>{"begin", "c", "d", "commit"});
}

TEST_CASE("who was answered alone waits for nobody") {
  recording_transaction to;
  to.on_commit = takes_a_millisecond;
  commit_queue queue(to, waits_for_others);
  job a(to, "a");
  job b(to, "b");
  queue.run(a);
  queue.run(b); // else for ever
  CHECK(to.log == std::vector<std::string>{"begin", "a", "commit", "begin", "b", "commit"});
}

TEST_CASE("a failed commit fails the whole group, and the next group is another one") {
  recording_transaction to;
  to.commit_fails = true;
  commit_queue queue(to, patient);
  job a(to, "a");
  job b(to, "b");
  crowd{queue, {&b}}.run(a);
  CHECK((a.failed && a.code == errc::io_error));
  CHECK((b.failed && b.code == errc::io_error));
  to.commit_fails = false;
  job c(to, "c");
  queue.run(c);
  CHECK_FALSE(c.failed);
}

TEST_CASE("a transaction that cannot begin fails its leader, and the next one leads") {
  recording_transaction to;
  commit_queue queue(to, patient);
  job a(to, "a");
  job b(to, "b");
  std::thread other;
  to.begin_fails = true;
  to.on_begin = [&] {
    if (other.joinable()) {
      to.begin_fails = false;
      return;
    }
    other = std::thread([&] { queue.run(b); });
    while (queue.waiting() == 0) std::this_thread::yield();
  };
  queue.run(a);
  other.join();
  CHECK((a.failed && a.code == errc::busy));
  CHECK_FALSE(b.failed);
  CHECK(to.log == std::vector<std::string>{"begin", "begin", "b", "commit"});
}

TEST_CASE("code of the application runs on its own thread inside the group of others") {
  recording_transaction to;
  commit_queue queue(to, patient);
  job a(to, "a");
  job b(to, "b", true);
  job c(to, "c");
  job d(to, "d", true);
  crowd all{queue, {&b, &c, &d}};
  all.run(a);
  CHECK(to.log == std::vector<std::string>{"begin", "a", "b", "c", "d", "commit"});
  CHECK(b.ran_on == all.ids[0]);
  CHECK(d.ran_on == all.ids[2]);
}

TEST_CASE("a write that loses the transaction is left out when the others are repeated") {
  recording_transaction to;
  commit_queue queue(to, patient);
  job a(to, "a");
  job b(to, "b");
  job culprit(to, "culprit", true);
  job c(to, "c");
  culprit.on_apply = [&] { to.next_health = group_transaction::health::lost; };
  crowd{queue, {&b, &culprit, &c}}.run(a);
  CHECK(to.log ==
        std::vector<std::string>{"begin", "a", "b", "culprit", "rollback", "begin", "a", "b", "c", "commit"});
  CHECK(culprit.times == 1);
  CHECK(a.times == 2);
  CHECK_FALSE(a.failed);
}

TEST_CASE("a write on another's thread that loses the transaction is answered too") {
  recording_transaction to;
  commit_queue queue(to, patient);
  job a(to, "a");
  job culprit(to, "culprit");
  job c(to, "c");
  culprit.on_apply = [&] { to.next_health = group_transaction::health::lost; };
  crowd{queue, {&culprit, &c}}.run(a);
  CHECK(to.log == std::vector<std::string>{"begin", "a", "culprit", "rollback", "begin", "a", "c", "commit"});
}

TEST_CASE("trouble of the machine fails the whole group at once") {
  recording_transaction to;
  commit_queue queue(to, patient);
  job a(to, "a");
  job b(to, "b");
  job c(to, "c");
  b.on_apply = [&] { to.next_health = group_transaction::health::failed; };
  crowd{queue, {&b, &c}}.run(a);
  CHECK(to.log == std::vector<std::string>{"begin", "a", "b", "rollback", "begin", "c", "commit"});
  CHECK((a.failed && a.code == errc::disk_full));
  CHECK((b.failed && b.code == errc::disk_full));
  CHECK_FALSE(c.failed);
}

TEST_CASE("a group ends when it has enough writes or bytes, and another thread leads the next") {
  recording_transaction to;
  commit_queue queue(to, patient);
  job a(to, "a", false, patient.bytes);
  job b(to, "b");
  crowd{queue, {&b}}.run(a);
  CHECK(to.log == std::vector<std::string>{"begin", "a", "commit", "begin", "b", "commit"});
  CHECK(a.ran_on != b.ran_on);

  commit_queue pairs(to, {.writes = 2, .us = INT64_MAX});
  to.log.clear();
  job c(to, "c");
  job d(to, "d");
  job e(to, "e");
  crowd{pairs, {&d, &e}}.run(c);
  CHECK(to.log == std::vector<std::string>{"begin", "c", "d", "commit", "begin", "e", "commit"});
}

TEST_CASE("a group ends after its time, so that nobody serves others for long") {
  recording_transaction to;
  commit_queue queue(to, {.us = 0});
  job a(to, "a");
  job b(to, "b");
  crowd{queue, {&b}}.run(a);
  CHECK(to.log == std::vector<std::string>{"begin", "a", "commit", "begin", "b", "commit"});
}

TEST_CASE("everybody is answered before the leader tidies up, and nobody leads meanwhile") {
  recording_transaction to;
  to.tidies = true;
  commit_queue queue(to, patient);
  job a(to, "a");
  job b(to, "b");
  crowd{queue, {&b}}.run(a);
  CHECK(to.log == std::vector<std::string>{"begin", "a", "b", "commit", "tidy"});
}

TEST_CASE("many threads: each write is applied once and answered once") {
  recording_transaction to;
  commit_queue queue(to, patient);
  constexpr int threads = 16;
  constexpr int each = 200;
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        job one(to, "w", (t + i) % 3 == 0);
        auto const self = std::this_thread::get_id();
        queue.run(one);
        if (one.times != 1 || one.failed || ((t + i) % 3 == 0 && one.ran_on != self)) std::abort();
      }
    });
  }
  for (std::thread& thread : all) thread.join();
  CHECK(std::count(to.log.begin(), to.log.end(), "w") == threads * each);
  CHECK(std::count(to.log.begin(), to.log.end(), "begin") ==
        std::count(to.log.begin(), to.log.end(), "commit"));
}
