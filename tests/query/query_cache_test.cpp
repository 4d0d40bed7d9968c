// SPDX-License-Identifier: BSL-1.0
#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/memory/query_cache.hpp>
#include <cleave/testing/manual_clock.hpp>

#include "small_read_store.hpp"
#include "ticks.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <barrier>
#include <map>
#include <mutex>
#include <random>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <vector>

using cleave::at_least;
using cleave::errc;
using cleave::position;
using cleave_test::tick;
using clockwork::ticked;
using cache_type = cleave::memory::query_cache;
static_assert(cleave::query_cache<cache_type>);

namespace {

struct ticks_of { // depends on one stream
  using result_type = std::int64_t;
  std::string stream;
  std::string depends_on() const { return stream; }
};
struct all_ticks { // depends on everything; compared by its own means
  using result_type = std::int64_t;
  friend bool operator==(all_ticks, all_ticks) = default;
};
struct square { // answered by a handler
  using result_type = std::int64_t;
  std::int64_t of = 0;
};
struct text_of {
  using result_type = std::string;
  std::size_t length = 0;
};
BOOST_DESCRIBE_STRUCT(text_of, (), (length))
BOOST_DESCRIBE_STRUCT(ticks_of, (), (stream))
BOOST_DESCRIBE_STRUCT(square, (), (of))

} // namespace
template <> struct std::hash<all_ticks> {
  std::size_t operator()(all_ticks) const noexcept { return 0; }
};
namespace {

std::atomic<int> answers = 0; // computed, in this program; set to 0 by each test

struct counter {
  using events = cleave::event_set<ticked>;
  using queries = cleave::query_set<ticks_of, all_ticks>;
  static constexpr std::string_view name = "counter.v1";
  void on(ticked const& e, cleave::envelope const& at) {
    of[std::string(at.stream.text())] += e.by;
    sum += e.by;
  }
  std::int64_t answer(ticks_of const& q) const {
    ++answers;
    auto const found = of.find(q.stream);
    return found == of.end() ? 0 : found->second;
  }
  std::int64_t answer(all_ticks const&) const {
    ++answers;
    return sum;
  }
  std::map<std::string, std::int64_t> of;
  std::int64_t sum = 0;
};

struct stored_counter {
  using events = cleave::event_set<ticked>;
  using queries = cleave::query_set<ticks_of>;
  using session = cleave_test::small_read_store::session;
  static constexpr std::string_view name = "stored-counter.v1";
  // The words in which queries say what they depend on are the projection's own.
  static std::array<std::string, 2> touches(ticked const&, cleave::envelope const& at) {
    return {"unused", std::string(at.stream.text())};
  }
  void on(ticked const& e, cleave::envelope const& at, session& rows) {
    rows.rows[std::string(at.stream.text())] += e.by;
  }
  std::int64_t answer(ticks_of const& q, session& rows) const {
    ++answers;
    return rows.rows[q.stream];
  }
};

struct squares {
  using queries = cleave::query_set<square>;
  std::int64_t answer(square const& q) const {
    ++answers;
    if (q.of < 0) throw std::runtime_error("negative");
    return q.of * q.of;
  }
};

cleave::application_options const stepped{.projector = {.threads = false}};

} // namespace

TEST_CASE("an answer is computed once and kept until an event touches what it depends on") {
  answers = 0;
  cleave::memory::event_store store;
  cache_type cache;
  cleave::application app{store, cleave::projections<counter>,
                          cleave::cached_queries<ticks_of, all_ticks>(cache), stepped};
  tick(store, 1, "clock-1");
  auto const first = tick(store, 2, "clock-2");
  for (int i = 0; i < 3; ++i) {
    REQUIRE(*app.query(ticks_of{"clock-1"}, at_least(first)) == 1);
    REQUIRE(*app.query(ticks_of{"clock-2"}, at_least(first)) == 2);
    REQUIRE(*app.query(all_ticks{}, at_least(first)) == 3);
  }
  REQUIRE(answers == 3);

  auto const second = tick(store, 10, "clock-2");
  // Nobody has asked the projection to go on: the old answer is what the model says.
  REQUIRE(*app.query(ticks_of{"clock-2"}) == 2);
  REQUIRE(answers == 3);
  REQUIRE(*app.query(ticks_of{"clock-2"}, at_least(second)) == 12);
  REQUIRE(*app.query(ticks_of{"clock-1"}, at_least(second)) == 1); // kept
  REQUIRE(*app.query(all_ticks{}) == 13);
  REQUIRE(answers == 5);
  auto const stats = cache.stats();
  REQUIRE(stats.hits == 8);
  REQUIRE(stats.misses == 5);
  REQUIRE(stats.entries == 3);
  REQUIRE(stats.evictions == 0);
  // What is not there is not waited for in vain, and told as without a cache.
  REQUIRE(app.query(all_ticks{}, at_least(second.next(), std::chrono::seconds(0))).error().code() ==
          errc::stale);
}

TEST_CASE("queries that are not listed are not kept, and those of different type and value are kept apart") {
  answers = 0;
  cleave::memory::event_store store;
  cache_type cache;
  cleave::application app{store, cleave::projections<counter>, cleave::query_handlers<squares>,
                          cleave::cached_queries<square>(cache), stepped};
  for (int i = 0; i < 2; ++i) {
    REQUIRE(*app.query(all_ticks{}) == 0);
    for (std::int64_t n = 0; n < 100; ++n) REQUIRE(*app.query(square{n}) == n * n);
  }
  REQUIRE(answers == 102);
  REQUIRE(cache.stats().entries == 100);
}

TEST_CASE("an inline projection's answers are new with the command that changes them") {
  cleave::memory::event_store store;
  cache_type cache;
  cleave::projector_options const options{};
  cleave::memory_projector<counter, cleave::memory::event_store> projector(store, {}, options, true);
  cleave::detail::cache_link link{
      .cache = &cache,
      .touch = [](void* c, cleave::cache_key key,
                  position at) noexcept { static_cast<cache_type*>(c)->touch(key, at); },
      .rewritten = [](void* c) noexcept { static_cast<cache_type*>(c)->rewritten(); }};
  projector.progress().add_cache(link);
  cleave::query_bus bus{projector};
  for (std::int64_t n = 1; n <= 10; ++n) {
    projector.inline_open();
    clockwork::ticked const event{1};
    auto const sent = cleave::to_new_event(
        cleave::event_id(cleave::id_source_ref().next(cleave::timestamp())), event);
    cleave::stream_append const part{"clock-1", cleave::expectation::any(), {&sent, 1}};
    bool touched = false;
    auto const done = store.append({.streams = {&part, 1}}, [&](cleave::unopened_event auto const& found) {
      touched = true;
      return projector.inline_apply(found);
    });
    REQUIRE(done);
    projector.inline_close(touched, done->position);
    for (int i = 0; i < 2; ++i) REQUIRE(*bus.ask_cached(ticks_of{"clock-1"}, {}, cache) == n);
  }
  REQUIRE(cache.stats().hits == 10);
}

TEST_CASE("an error is told to who asked and not kept") {
  answers = 0;
  cleave::memory::event_store store;
  cache_type cache;
  cleave::application app{store, cleave::query_handlers<squares>, cleave::cached_queries<square>(cache),
                          stepped};
  for (int i = 0; i < 2; ++i) REQUIRE(app.query(square{-1}).error().code() == errc::handler_failed);
  REQUIRE(answers == 2);
  REQUIRE(cache.stats().entries == 0);
}

TEST_CASE("an answer is kept for its time and no longer, also when the clock is set back") {
  answers = 0;
  cleave::testing::manual_clock clock;
  cleave::memory::event_store store;
  cache_type cache({.ttl_us = 1000, .clock = clock});
  cleave::application app{store, cleave::query_handlers<squares>, cleave::cached_queries<square>(cache),
                          stepped};
  REQUIRE(*app.query(square{3}) == 9);
  clock.advance_us(999);
  REQUIRE(*app.query(square{3}) == 9);
  REQUIRE(answers == 1);
  clock.advance_us(1);
  REQUIRE(*app.query(square{3}) == 9);
  REQUIRE(answers == 2);
  clock.advance_us(-1);
  REQUIRE(*app.query(square{3}) == 9);
  REQUIRE(answers == 3);
  REQUIRE(cache.stats().entries == 1);
}

TEST_CASE("a cache is bounded in entries, and keeps what is asked for again") {
  answers = 0;
  cleave::memory::event_store store;
  cache_type cache({.entries = 10});
  cleave::application app{store, cleave::query_handlers<squares>, cleave::cached_queries<square>(cache),
                          stepped};
  for (std::int64_t n = 1; n <= 1000; ++n) {
    REQUIRE(*app.query(square{n}) == n * n);
    REQUIRE(*app.query(square{1}) == 1);
    REQUIRE(cache.stats().entries <= 10);
  }
  REQUIRE(answers == 1000);
  REQUIRE(cache.stats().evictions == 990);
}

TEST_CASE("a cache is bounded in bytes, and an answer that is greater than all of it is not kept") {
  cache_type cache({.entries = 1000, .bytes = 64 * 1024});
  for (std::size_t length = 1; length <= 100; ++length) {
    auto const make = [&]() -> cleave::result<std::string> { return std::string(length * 100, 'x'); };
    REQUIRE(cache.get(text_of{length}, {}, position(), make)->size() == length * 100);
    REQUIRE(cache.stats().bytes <= 64 * 1024);
  }
  auto const stats = cache.stats();
  REQUIRE(stats.entries >= 5);
  REQUIRE(stats.entries < 8);
  REQUIRE(stats.evictions == 100 - stats.entries);
  auto const large = [&]() -> cleave::result<std::string> { return std::string(64 * 1024, 'x'); };
  REQUIRE(cache.get(text_of{0}, {}, position(), large)->size() == 64 * 1024);
  REQUIRE(cache.stats().entries == stats.entries);
}

TEST_CASE("64 threads that ask one question get the answer of one handler call") {
  constexpr int threads = 64;
  cache_type cache;
  std::atomic<int> calls = 0;
  std::barrier begin(threads);
  std::binary_semaphore all_asked(0);
  std::atomic<int> right = 0;
  std::vector<std::thread> askers;
  for (int i = 0; i < threads; ++i) {
    askers.emplace_back([&] {
      begin.arrive_and_wait();
      auto const compute = [&]() -> cleave::result<std::int64_t> {
        ++calls;
        all_asked.acquire();
        return 42;
      };
      if (*cache.get(square{7}, {}, position(), compute) == 42) ++right;
    });
  }
  while (cache.stats().joined < threads - 1) std::this_thread::yield();
  all_asked.release();
  for (auto& asker : askers) asker.join();
  REQUIRE(calls == 1);
  REQUIRE(right == threads);
  REQUIRE(cache.stats().misses == 1);
}

TEST_CASE("when a computation is thrown out, one of those that wait for it computes instead") {
  cache_type cache;
  std::binary_semaphore computing(0);
  std::binary_semaphore go_on(0);
  bool thrown = false;
  std::int64_t answer = 0;
  std::thread first([&] {
    auto const fails = [&]() -> cleave::result<std::int64_t> {
      computing.release();
      go_on.acquire();
      throw std::bad_alloc();
    };
    try {
      static_cast<void>(cache.get(square{7}, {}, position(), fails));
    } catch (std::bad_alloc const&) {
      thrown = true;
    }
  });
  computing.acquire();
  std::thread second([&] {
    auto const compute = [] { return cleave::result<std::int64_t>(49); };
    answer = *cache.get(square{7}, {}, position(), compute);
  });
  while (cache.stats().joined < 1) std::this_thread::yield();
  go_on.release();
  first.join();
  second.join();
  REQUIRE(thrown);
  REQUIRE(answer == 49);
  REQUIRE(cache.stats().entries == 1);
}

TEST_CASE(
    "an answer that was touched while it was computed goes to those who asked before, and to nobody later") {
  cache_type cache;
  auto const key = cleave::detail::make_cache_key("p.v1", "clock-1");
  bool const rewrite = GENERATE(false, true);
  std::binary_semaphore computing(0);
  std::binary_semaphore go_on(0);
  std::int64_t early_answer = 0;
  std::thread early([&] {
    auto const slow = [&]() -> cleave::result<std::int64_t> {
      computing.release();
      go_on.acquire();
      return 1;
    };
    early_answer = *cache.get(ticks_of{"clock-1"}, "p.v1", position(4), slow);
  });
  computing.acquire();
  if (rewrite) cache.rewritten();
  else cache.touch(key, position(5));
  // Asks anew, while the first one is not done yet; and again, behind its end.
  std::int64_t late_answer = 0;
  std::thread late([&] {
    auto const compute = [] { return cleave::result<std::int64_t>(2); };
    late_answer = *cache.get(ticks_of{"clock-1"}, "p.v1", position(5), compute);
  });
  while (cache.stats().misses + cache.stats().joined < 2) std::this_thread::yield();
  go_on.release();
  early.join();
  late.join();
  REQUIRE(early_answer == 1);
  REQUIRE(late_answer == 2);
  auto const never = [] { return cleave::result<std::int64_t>(3); };
  REQUIRE(*cache.get(ticks_of{"clock-1"}, "p.v1", position(5), never) == 2);
  REQUIRE(cache.stats().entries == 1);
}

TEST_CASE("what another projector has done to the rows is asked for anew") {
  answers = 0;
  cleave::memory::event_store store;
  cleave_test::small_read_store rows;
  cache_type cache;
  cleave::application here{store, cleave::stored_projections<stored_counter>(rows),
                           cleave::cached_queries<ticks_of>(cache), stepped};
  REQUIRE(*here.query(ticks_of{"clock-1"}, at_least(tick(store))) == 1);
  REQUIRE(*here.query(ticks_of{"clock-1"}) == 1);
  auto const second = tick(store);
  cleave::application there{store, cleave::stored_projections<stored_counter>(rows), stepped};
  REQUIRE(*there.query(ticks_of{"clock-1"}, at_least(second)) == 2);
  // The checkpoint is not where this one left it.
  auto const third = tick(store, 1, "clock-2");
  REQUIRE(*here.query(ticks_of{"clock-1"}, at_least(third)) == 2);
}

TEST_CASE("a projection that has stopped gives no kept answers either") {
  cleave::projection_progress progress("p.v1");
  cache_type cache;
  cleave::detail::cache_link link{
      .cache = &cache,
      .touch = [](void*, cleave::cache_key, position) noexcept {},
      .rewritten = [](void* c) noexcept { static_cast<cache_type*>(c)->rewritten(); }};
  progress.add_cache(link);
  int calls = 0;
  auto const compute = [&] { return cleave::result<std::int64_t>(++calls); };
  REQUIRE(*cache.get(square{1}, "p.v1", position(), compute) == 1);
  REQUIRE(*cache.get(square{1}, "p.v1", position(), compute) == 1);
  progress.fail(cleave::error(errc::handler_failed, "broken"));
  REQUIRE(*cache.get(square{1}, "p.v1", position(), compute) == 2);
}

// Writers append to streams and then ask at_least for what they have written; nobody else writes to their streams, so the answer
// is known. Readers must never see a stream go backwards when they ask for the last position that they know of.
namespace {
template <class Application, class Store> void attack(Application& app, Store& store, cache_type& cache) {
  constexpr std::size_t streams = 6;
  std::atomic<std::int64_t> wrong = 0;
  std::array<std::atomic<std::int64_t>, streams> written{};
  std::vector<std::thread> threads;
  for (std::size_t writer = 0; writer < 3; ++writer) {
    threads.emplace_back([&, writer] {
      std::mt19937_64 random(writer);
      for (int round = 0; round < 400; ++round) {
        auto const stream = writer * 2 + random() % 2;
        auto const name = "clock-" + std::to_string(stream);
        auto const at = tick(store, 1, name);
        auto const wanted = ++written[stream];
        for (int i = 0; i < 2; ++i) {
          auto const answer = app.query(ticks_of{name}, at_least(at, std::chrono::minutes(1)));
          if (!answer || *answer != wanted) ++wrong;
        }
      }
    });
  }
  for (std::size_t reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&, reader] {
      std::mt19937_64 random(100 + reader);
      for (int round = 0; round < 1500; ++round) {
        auto const stream = random() % streams;
        auto const known = written[stream].load();
        auto const at = store.head().value();
        // A quarter asks for what is there, the others for all that is known.
        bool const fresh = random() % 4 != 0;
        auto const answer = app.query(ticks_of{"clock-" + std::to_string(stream)},
                                      fresh ? at_least(at, std::chrono::minutes(1)) : at_least());
        if (!answer || (fresh && *answer < known)) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(wrong == 0);
  auto const stats = cache.stats();
  REQUIRE(stats.hits > 0);
  REQUIRE(stats.entries <= streams);
}
} // namespace

TEST_CASE("at_least holds through a cache while writers, readers and the projector of a memory model race") {
  cleave::memory::event_store store;
  cache_type cache;
  cleave::application app{store, cleave::projections<counter>, cleave::cached_queries<ticks_of>(cache)};
  attack(app, store, cache);
}

TEST_CASE("at_least holds through a cache while writers, readers and the projector of a stored model race") {
  cleave::memory::event_store store;
  cleave_test::small_read_store rows;
  cache_type cache;
  cleave::application app{store, cleave::stored_projections<stored_counter>(rows),
                          cleave::cached_queries<ticks_of>(cache)};
  attack(app, store, cache);
}
