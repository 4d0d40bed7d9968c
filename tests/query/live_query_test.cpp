// SPDX-License-Identifier: BSL-1.0
#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/memory/query_cache.hpp>
#include <cleave/query/live_query.hpp>

#include "ticks.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using cleave::errc;
using cleave::position;
using cleave_test::tick;
using clockwork::sum_of;
using namespace std::chrono_literals;

namespace clockwork {
BOOST_DESCRIBE_STRUCT(sum_of, (), (stream))
}

namespace {

struct faces {
  using events = cleave::event_set<clockwork::ticked>;
  using queries = cleave::query_set<sum_of>;
  static constexpr std::string_view name = "faces.v1";
  void on(clockwork::ticked const& e, cleave::envelope const& at) {
    if (e.by == 666) throw std::runtime_error("broken");
    sums[std::string(at.stream.text())] += e.by;
  }
  cleave::result<std::int64_t> answer(sum_of const& q) const {
    auto const found = sums.find(q.stream);
    if (found == sums.end()) return cleave::unexpected(cleave::error(errc::not_found, "no such clock"));
    return found->second;
  }
  std::map<std::string, std::int64_t> sums{{"clock-1", 0}};
};
cleave::application_options const stepped{.projector = {.threads = false}};

// Whose projection goes on between an answer and the moment when it is handed back.
template <class Application> struct overtaken {
  Application& app;
  cleave::memory::event_store& store;
  int still = 0; // times

  template <class Q> cleave::projection_progress& progress_of() { return app.template progress_of<Q>(); }
  bool has_threads() const { return app.has_threads(); }
  auto query(sum_of const& q, cleave::at_least wanted) {
    auto answer = app.query(q, wanted);
    if (still > 0) {
      --still;
      tick(store);
      app.step();
    }
    return answer;
  }
};
template <class Application> overtaken(Application&, cleave::memory::event_store&, int)
    -> overtaken<Application>;

} // namespace

TEST_CASE("a live query tells the first answer, and each one that differs from the one before") {
  cleave::memory::event_store store;
  cleave::application app{store, cleave::projections<faces>, stepped};
  cleave::live_query live(app, sum_of{"clock-1"});
  auto const first = live.next(0s);
  REQUIRE(first->answer == 0);
  REQUIRE(first->reflects == position());
  REQUIRE(live.next(0s).error().code() == errc::timeout);
  tick(store, 5);
  REQUIRE(live.next(0s).error().code() == errc::timeout); // the projection has not gone on
  app.step();
  auto const second = live.next(0s);
  REQUIRE(second->answer == 5);
  REQUIRE(second->reflects == position(1));
  REQUIRE_FALSE(second->lagged);
  // Another clock's tick, and one of nothing, change no answer.
  tick(store, 1, "clock-2");
  app.step();
  tick(store, 0);
  app.step();
  REQUIRE(live.next(0s).error().code() == errc::timeout);
  tick(store, -5);
  app.step();
  REQUIRE(live.next(0s)->answer == 0);
}

TEST_CASE("what comes while a live query is being answered is told next") {
  cleave::memory::event_store store;
  cleave::application app{store, cleave::projections<faces>, stepped};
  overtaken hurried{app, store, 2};
  cleave::live_query live(hurried, sum_of{"clock-1"});
  for (int i = 0; i < 3; ++i) {
    auto const told = live.next(0s);
    REQUIRE(told);
    REQUIRE(told->answer == i);
    REQUIRE(told->reflects == position(static_cast<std::uint64_t>(i)));
  }
  REQUIRE(live.next(0s).error().code() == errc::timeout);
}

TEST_CASE("a consumer that lags is told so, gets a fresh answer, and each further one") {
  cleave::memory::event_store store;
  cleave::application app{store, cleave::projections<faces>, stepped};
  cleave::live_query live(app, sum_of{"clock-1"}, cleave::live_query_options{.queue = 2});
  auto const advance = [&] {
    tick(store);
    app.step();
    live.step();
  };
  live.step();
  for (int i = 0; i < 4; ++i) advance(); // 0 1 | 2 3 | 4
  auto const fresh = live.next(0s);
  REQUIRE(fresh->answer == 4);
  REQUIRE(fresh->reflects == position(4));
  REQUIRE(fresh->lagged);
  advance();
  REQUIRE(live.next(0s)->answer == 5);
  REQUIRE(live.next(0s).error().code() == errc::timeout);
  advance();
  advance();
  auto const sixth = live.next(0s);
  REQUIRE(sixth->answer == 6);
  REQUIRE_FALSE(sixth->lagged);
  REQUIRE(live.next(0s)->answer == 7);
}

TEST_CASE("an error of the query is told, and the answers behind it too") {
  cleave::memory::event_store store;
  cleave::application app{store, cleave::projections<faces>, stepped};
  cleave::live_query live(app, sum_of{"clock-2"});
  REQUIRE(live.next(0s).error().code() == errc::not_found);
  tick(store, 7, "clock-2");
  app.step();
  REQUIRE(live.next(0s)->answer == 7);
}

TEST_CASE("when its projection stops, a live query says so for ever") {
  bool const threads = GENERATE(false, true);
  cleave::memory::event_store store;
  cleave::application app{store, cleave::projections<faces>,
                          cleave::application_options{.projector = {.threads = threads}}};
  cleave::live_query live(app, sum_of{"clock-1"});
  REQUIRE(live.next(1min)->answer == 0);
  tick(store, 666);
  if (!threads) app.step();
  for (int i = 0; i < 3; ++i) REQUIRE(live.next(1min).error().code() == errc::stale);
}

TEST_CASE("while others write, no answer is told twice, none goes backwards, and the last one is told") {
  bool const cached = GENERATE(false, true);
  constexpr std::int64_t ticks = 600;
  constexpr std::int64_t consumers = 3;
  cleave::memory::event_store store;
  cleave::memory::query_cache cache;
  cleave::application plain{store, cleave::projections<faces>};
  cleave::application with_cache{store, cleave::projections<faces>, cleave::cached_queries<sum_of>(cache)};
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  auto const consume = [&](auto& app, std::size_t queue) {
    cleave::live_query live(app, sum_of{"clock-1"}, cleave::live_query_options{.queue = queue});
    std::int64_t last = -1;
    position at;
    while (last < ticks) {
      auto const now = live.next(1min);
      if (!now || now->answer <= last || now->reflects < at || (now->lagged && queue == 10'000)) {
        ++wrong;
        return;
      }
      last = now->answer;
      at = now->reflects;
      // Every second event is of this clock.
      if (last < static_cast<std::int64_t>(at.value() / 2)) ++wrong;
    }
  };
  for (std::int64_t i = 0; i < consumers; ++i) {
    threads.emplace_back([&, queue = i == 0 ? 1 : 10'000] {
      if (cached) consume(with_cache, static_cast<std::size_t>(queue));
      else consume(plain, static_cast<std::size_t>(queue));
    });
  }
  for (std::int64_t i = 0; i < ticks; ++i) {
    tick(store, 1, "clock-1");
    tick(store, 1, "clock-2");
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(wrong == 0);
}
