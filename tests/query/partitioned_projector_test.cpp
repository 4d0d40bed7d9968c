// SPDX-License-Identifier: BSL-1.0
#include <cleave/cleave.hpp>
#include <cleave/memory/query_cache.hpp>

#include "ticks.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using Catch::Contains;
using cleave::at_least;
using cleave::errc;
using cleave::position;
using cleave::step;
using cleave::memory::event_store;
using cleave_test::tick;
using clockwork::ticked;

namespace looms {

struct thread_of {
  using result_type = std::int64_t;
  std::string stream;
  std::string_view key() const { return stream; }
};
BOOST_DESCRIBE_STRUCT(thread_of, (), (stream))
struct length {
  using result_type = std::int64_t;
};

} // namespace looms

namespace {

using looms::length;
using looms::thread_of;

std::int64_t woven(std::int64_t before, std::int64_t by) { return (before * 31 + by) % 1'000'003; }

std::mutex applied_mutex;
std::set<std::uint64_t> applied; // positions, by any worker
std::atomic<bool> mended = false;

// Its value tells the order: two events of a stream that change places make another one.
struct weaver {
  using events = cleave::event_set<ticked>;
  using queries = cleave::query_set<thread_of, length>;
  static constexpr std::string_view name = "weaver.v1";

  void on(ticked const& e, cleave::envelope const& at) {
    if (e.by == 666 && !mended) throw std::runtime_error("a knot");
    auto& thread = threads[std::string(at.stream.text())];
    thread = woven(thread, e.by);
    ++count;
    std::scoped_lock const lock(applied_mutex);
    applied.insert(at.position.value());
  }
  std::int64_t answer(thread_of const& q) const {
    auto const found = threads.find(q.stream);
    return found == threads.end() ? 0 : found->second;
  }
  std::int64_t answer(length const&) const { return count; }
  static std::int64_t merge(length const&, std::int64_t a, std::int64_t b) { return a + b; }

  std::map<std::string, std::int64_t> threads;
  std::int64_t count = 0;
};
struct parking_weaver : weaver {
  static constexpr auto on_failure = cleave::failure_policy::park;
};
// The number behind the dash is the loom: all streams of a loom are one key.
struct weaver_by_loom : weaver {
  static std::string key(cleave::envelope const& at) {
    auto const text = at.stream.text();
    return std::string(text.substr(text.find('-') + 1));
  }
};

template <class P> using projector = cleave::partitioned_projector<P, event_store>;

cleave::projector_options stepped(std::uint64_t batch) {
  cleave::projector_options options;
  options.threads = false;
  options.batch = batch;
  options.retry_us = 0;
  return options;
}

struct commands {
  event_store log;
  std::map<std::string, std::int64_t> expected;
  std::vector<std::string> streams;

  commands() {
    mended = false;
    applied.clear();
  }
  void send(std::string const& stream, std::int64_t by) {
    tick(log, by, stream);
    expected[stream] = woven(expected[stream], by);
    streams.push_back(stream);
  }
  void send_many(std::mt19937_64& random, int count) {
    for (int i = 0; i < count; ++i)
      send("loom-" + std::to_string(random() % 40), static_cast<std::int64_t>(1 + random() % 99));
  }
};

void run(auto& at) {
  while (at.step() == step::worked) {
  }
}
// Every event up to what is reached has been applied.
template <class P> bool contiguous(projector<P>& at) {
  for (std::uint64_t i = 1; i <= at.reached().value(); ++i) {
    if (!applied.contains(i)) return false;
  }
  return true;
}

} // namespace

TEST_CASE(
    "in whatever order workers come, each key is applied in order, and what is reached is applied without a gap") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    commands all;
    all.send_many(random, 300);
    projector<weaver> at(all.log, {}, stepped(1 + random() % 20), 1 + random() % 6);
    for (int i = 0; i < 200; ++i) {
      at.workers()[random() % at.workers().size()].step();
      REQUIRE(contiguous(at));
      if (i % 10 == 0) all.send_many(random, 3);
    }
    run(at);
    REQUIRE(at.reached() == *all.log.head());
    for (auto const& [stream, value] : all.expected) REQUIRE(at.answer(thread_of{stream}).value() == value);
    REQUIRE(at.answer(length{}).value() == static_cast<std::int64_t>(all.streams.size()));
    REQUIRE(applied.size() == all.streams.size());
  }
}

TEST_CASE("nothing is reached past a worker that comes no more") {
  std::mt19937_64 random(7);
  commands all;
  all.send_many(random, 200);
  projector<weaver> at(all.log, {}, stepped(1000), 4);
  for (std::size_t i = 0; i < 3; ++i) {
    while (at.workers()[i].step() == step::worked) {
    }
  }
  CHECK(at.reached() == position());
  CHECK(at.progress().wait(at_least(position(1), std::chrono::milliseconds(1))).error().code() ==
        errc::stale);
  CHECK(at.workers()[3].step() == step::worked);
  CHECK(at.reached() > position());
  CHECK(contiguous(at));
}

TEST_CASE("a worker that fails stops before its event, and the others go on") {
  std::mt19937_64 random(8);
  commands all;
  all.send_many(random, 100);
  auto const knot = tick(all.log, 666, "loom-0");
  all.send_many(random, 100);
  projector<weaver> at(all.log, {}, stepped(1000), 4);
  run(at);
  CHECK(at.progress().failed());
  CHECK(at.reached() < knot);
  CHECK(contiguous(at));
  CHECK_THAT(at.progress().status().failure,
             Contains("weaver.v1") && Contains("position 101") && Contains("a knot"));
  CHECK(at.wait(at_least(knot)).error().code() == errc::stale);
  CHECK_FALSE(at.answer(thread_of{"loom-0"}));
  CHECK_FALSE(at.answer(length{}));
  int others = 0;
  for (auto const& [stream, value] : all.expected) {
    auto const answer = at.answer(thread_of{stream});
    if (!answer) continue;
    ++others;
    CHECK(*answer == value); // up to the log's end
  }
  CHECK(others > 10);
}

TEST_CASE("a worker parks its events, the others do not wait, and a retry brings them in, in order") {
  std::mt19937_64 random(9);
  commands all;
  all.send_many(random, 50);
  auto const first = tick(all.log, 666, "loom-1");
  auto const second = tick(all.log, 666, "loom-2");
  for (std::string const stream : {"loom-1", "loom-2"})
    all.expected[stream] = woven(all.expected[stream], 666);
  all.send_many(random, 100);
  projector<parking_weaver> at(all.log, {}, stepped(16), 3);
  run(at);
  CHECK_FALSE(at.progress().failed());
  CHECK(at.reached() == *all.log.head());
  std::vector<std::uint64_t> letters;
  auto const list = [&](cleave::dead_letter const& letter) {
    letters.push_back(letter.position.value());
    return true;
  };
  REQUIRE(at.dead_letters({}, list));
  std::vector<std::uint64_t> waiting{first.value(), second.value()};
  for (std::size_t i = 50; i < all.streams.size(); ++i) {
    if (all.streams[i] == "loom-1" || all.streams[i] == "loom-2") waiting.push_back(i + 3);
  }
  CHECK(waiting.size() > 2);
  CHECK(letters == waiting);
  CHECK(at.count_dead_letters().value() == waiting.size());
  letters.clear();
  REQUIRE(at.dead_letters({.limit = 2}, list));
  CHECK(letters == std::vector<std::uint64_t>{first.value(), second.value()});
  CHECK(at.discard(position(1), "none").error().code() == errc::not_found);
  mended = true;
  auto const one = at.retry("loom-1");
  REQUIRE(one);
  CHECK(at.answer(thread_of{"loom-1"}).value() == all.expected["loom-1"]);
  auto const rest = at.retry();
  REQUIRE(rest);
  CHECK(one->applied + rest->applied == waiting.size());
  CHECK(at.count_dead_letters().value() == 0);
  for (auto const& [stream, value] : all.expected) CHECK(at.answer(thread_of{stream}).value() == value);
}

TEST_CASE("what belongs together by a key of its own is with one worker") {
  commands all;
  for (int i = 0; i < 60; ++i) {
    tick(all.log, i, "left-" + std::to_string(i % 6));
    tick(all.log, i, "right-" + std::to_string(i % 6));
  }
  projector<weaver_by_loom> at(all.log, {}, stepped(7), 4);
  run(at);
  CHECK(at.answer(length{}).value() == 120);
  // Who asks by the key meets both streams of it.
  struct asked : thread_of {
    std::string loom;
    std::string_view key() const { return loom; }
  };
  for (int i = 0; i < 6; ++i) {
    for (std::string const side : {"left-", "right-"}) {
      asked q;
      q.stream = side + std::to_string(i);
      q.loom = std::to_string(i);
      CHECK(at.answer(q).value() != 0);
    }
  }
}

TEST_CASE("workers with threads of their own keep up, and a kept answer is touched by each of them") {
  commands all;
  cleave::memory::query_cache cache;
  cleave::application app{all.log, cleave::partitioned_projections<weaver>(3),
                          cleave::cached_queries<thread_of>(cache)};
  std::vector<std::thread> clients;
  clients.reserve(3);
  std::atomic<int> wrong = 0;
  for (int c = 0; c < 3; ++c) {
    clients.emplace_back([&, c] {
      std::map<std::string, std::int64_t> mine;
      for (int i = 0; i < 200; ++i) {
        auto const stream = "loom-" + std::to_string(c) + std::to_string(i % 10);
        auto const at = tick(all.log, i, stream);
        mine[stream] = woven(mine[stream], i);
        auto const answer = app.query(thread_of{stream}, at_least(at, std::chrono::seconds(20)));
        if (!answer || *answer != mine[stream]) ++wrong;
      }
    });
  }
  for (auto& client : clients) client.join();
  CHECK(wrong == 0);
  CHECK(app.query(length{}, at_least(*all.log.head())).value() == 600);
  CHECK(app.projector<weaver>().reached() == position(600));
}
