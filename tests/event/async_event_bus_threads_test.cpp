// SPDX-License-Identifier: BSL-1.0
// The asynchronous bus with threads; tests/model shows the ring's memory orders on simulated memory.
#include <cleave/event/async_event_bus.hpp>
#include <cleave/event/event_bus.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <thread>
#include <vector>

using cleave::async_event_bus;
using cleave::async_event_bus_options;
using cleave::closing;
using cleave::consumers;
using cleave::producers;
using cleave::publish_outcome;
using cleave::waiting;
using cleave::when_full;

namespace {

// Fills a cache line, so that a torn one would show.
struct tick {
  std::uint64_t producer = 0;
  std::uint64_t number = 0; // 1, 2, 3, ... of each producer
  std::array<std::uint64_t, 6> copies{};
  tick() = default;
  tick(std::uint64_t p, std::uint64_t n) noexcept : producer(p), number(n) { copies.fill(n); }
  bool is_whole() const noexcept {
    for (auto c : copies) {
      if (c != number) return false;
    }
    return true;
  }
};

// What one consumer has seen. Written by its thread alone; read when that is done.
struct record {
  std::array<std::uint64_t, 4> last{}; // by producer
  std::uint64_t seen = 0;
  std::uint64_t torn = 0;
  std::uint64_t gaps = 0;
  std::uint64_t backwards = 0;
  void add(tick const& e) {
    ++seen;
    if (!e.is_whole()) ++torn;
    auto& before = last[e.producer];
    if (e.number > before + 1) ++gaps;
    if (e.number <= before) ++backwards;
    before = e.number;
  }
};

template <class Bus> void publish_all(Bus& bus, std::uint64_t producer, std::uint64_t count) {
  for (std::uint64_t n = 1; n <= count; ++n) {
    if (bus.publish(tick(producer, n)) != publish_outcome::taken) return;
  }
}

template <producers P> void broadcast(std::size_t capacity, waiting waits, std::uint64_t count) {
  constexpr std::uint64_t publishers = P == producers::one ? 1 : 2;
  async_event_bus<tick, P> bus({.capacity = capacity, .waits = waits, .batch = 16});
  std::array<record, 2> records;
  for (auto& r : records) {
    bus.subscribe([&r](std::span<tick const> batch) {
      for (auto const& e : batch) r.add(e);
    });
  }
  bus.start();
  std::vector<std::thread> threads;
  for (std::uint64_t p = 0; p < publishers; ++p)
    threads.emplace_back([&bus, p, count] { publish_all(bus, p, count); });
  for (auto& t : threads) t.join();
  bus.close(closing::drain);
  for (auto const& r : records) {
    REQUIRE(r.seen == publishers * count);
    REQUIRE(r.torn == 0);
    REQUIRE(r.gaps == 0);
    REQUIRE(r.backwards == 0);
  }
}

template <class Condition> void yield_until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

} // namespace

TEST_CASE("on threads every consumer sees every event of every publisher, whole and in order", "[async]") {
  auto const waits = GENERATE(waiting::adaptive, waiting::park, waiting::spin);
  for (std::size_t const capacity : {1U, 2U, 16U, 1024U}) {
    std::uint64_t const count = capacity < 16 ? 100 : 3'000;
    broadcast<producers::one>(capacity, waits, count);
    broadcast<producers::many>(capacity, waits, count);
  }
}

TEST_CASE("publishers that come, publish in bursts and end take turns, and no event is lost", "[async]") {
  constexpr std::uint64_t bursts = 30;
  constexpr std::uint64_t burst = 300;
  async_event_bus<tick> bus({.capacity = 1024});
  record seen;
  bus.subscribe([&](std::span<tick const> batch) {
    for (auto const& e : batch) seen.add(e);
  });
  bus.start();
  std::atomic<int> refused{0};
  auto const publish = [&](std::uint64_t p, std::uint64_t from, std::uint64_t count) {
    for (std::uint64_t n = from + 1; n <= from + count; ++n) {
      if (bus.publish(tick(p, n)) != publish_outcome::taken) ++refused;
    }
  };
  std::vector<std::thread> threads;
  for (std::uint64_t p = 0; p < 2; ++p) {
    threads.emplace_back([&, p] {
      for (std::uint64_t b = 0; b < bursts; ++b) {
        std::thread([&, p, b] { publish(p, b * burst, burst); }).join();
      }
    });
  }
  threads.emplace_back([&] { // one at a time, to whoever owns the count by then
    for (std::uint64_t n = 0; n < bursts; ++n) {
      publish(2, n, 1);
      std::this_thread::yield();
    }
  });
  for (auto& t : threads) t.join();
  bus.close(closing::drain);
  REQUIRE(refused == 0);
  REQUIRE(seen.seen == 2 * bursts * burst + bursts);
  REQUIRE(seen.torn == 0);
  REQUIRE(seen.gaps == 0);
  REQUIRE(seen.backwards == 0);
}

TEMPLATE_TEST_CASE_SIG("on threads a consumer sees what those before it did to the same event", "[async]",
                       ((producers P), P), producers::one, producers::many) {
  constexpr std::size_t count = 2'000;
  async_event_bus<tick, P> bus({.capacity = 16});
  std::vector<std::uint64_t> by_one(count + 1);
  std::vector<std::uint64_t> by_workers(count + 1);
  std::size_t wrong = 0;
  auto const one = bus.subscribe([&](tick const& e) { by_one[e.number] = e.number; });
  auto const workers = bus.compete(2, [&](tick const& e) { by_workers[e.number] = 2 * e.number; });
  bus.subscribe(
      [&](tick const& e) {
        if (by_one[e.number] != e.number || by_workers[e.number] != 2 * e.number) ++wrong;
      },
      {one, workers});
  bus.start();
  publish_all(bus, 0, count);
  bus.close(closing::drain);
  REQUIRE(wrong == 0);
  for (std::size_t n = 1; n <= count; ++n) REQUIRE(by_workers[n] == 2 * n);
}

TEST_CASE("on threads each event goes to one of the consumers that compete, and each key to one part",
          "[async]") {
  constexpr std::uint64_t count = 2'000;
  auto const waits = GENERATE(waiting::adaptive, waiting::park);
  async_event_bus<tick> bus({.capacity = 16, .waits = waits, .batch = 3});
  std::vector<std::atomic<int>> competed(count + 1);
  bus.compete(3, [&](tick const& e) { competed[e.number].fetch_add(1, std::memory_order_relaxed); });
  std::array<std::uint64_t, 7> last{}; // by key: only the thread of the key's part touches it
  std::atomic<std::uint64_t> in_parts{0};
  std::atomic<std::uint64_t> out_of_order{0};
  bus.partition(
      3, [](tick const& e) { return e.number % 7; },
      [&](tick const& e) {
        in_parts.fetch_add(1, std::memory_order_relaxed);
        if (e.number <= last[e.number % 7]) out_of_order.fetch_add(1, std::memory_order_relaxed);
        last[e.number % 7] = e.number;
      });
  bus.start();
  publish_all(bus, 0, count);
  bus.close(closing::drain);
  for (std::uint64_t n = 1; n <= count; ++n) REQUIRE(competed[n] == 1);
  REQUIRE(in_parts == count);
  REQUIRE(out_of_order == 0);
}

TEMPLATE_TEST_CASE_SIG("on threads every event is either handled, whole and in order, or counted as dropped",
                       "[async]", ((producers P), P), producers::one, producers::many) {
  constexpr std::uint64_t publishers = P == producers::one ? 1 : 2;
  constexpr std::uint64_t count = 2'000;
  for (std::size_t const capacity : {1U, 2U, 16U}) {
    async_event_bus<tick, P> bus({.capacity = capacity, .full = when_full::drop_oldest, .batch = 4});
    record alone;
    std::atomic<std::uint64_t> shared{0};
    std::atomic<std::uint64_t> torn{0};
    auto const one = bus.subscribe([&](tick const& e) { alone.add(e); });
    auto const workers = bus.compete(2, [&](tick const& e) {
      shared.fetch_add(1, std::memory_order_relaxed);
      if (!e.is_whole()) torn.fetch_add(1, std::memory_order_relaxed);
    });
    bus.start();
    std::vector<std::thread> threads;
    for (std::uint64_t p = 0; p < publishers; ++p)
      threads.emplace_back([&bus, p] { publish_all(bus, p, count); });
    for (auto& t : threads) t.join();
    bus.close(closing::drain);
    REQUIRE(alone.seen + bus.dropped(one) == publishers * count);
    REQUIRE(alone.torn == 0);
    REQUIRE(alone.backwards == 0);
    REQUIRE(shared + bus.dropped(workers) == publishers * count);
    REQUIRE(torn == 0);
  }
}

TEST_CASE("a thread that publishes in a handler gets an outcome, however full the ring is", "[async]") {
  for (std::size_t const capacity : {1U, 2U, 16U}) {
    for (when_full const full : {when_full::wait, when_full::fail, when_full::drop_oldest}) {
      async_event_bus<tick> bus({.capacity = capacity, .full = full, .batch = 2});
      std::atomic<std::uint64_t> answers_taken{0};
      std::atomic<std::uint64_t> answers_refused{0};
      std::atomic<std::uint64_t> answers_heard{0};
      std::atomic<std::uint64_t> questions_heard{0};
      auto const all = bus.subscribe([&](tick const& e) {
        if (e.producer == 1) {
          answers_heard.fetch_add(1, std::memory_order_relaxed);
          return;
        }
        questions_heard.fetch_add(1, std::memory_order_relaxed);
        for (int i = 0; i < 2; ++i) {
          auto& counter = bus.publish(tick(1, e.number)) == publish_outcome::taken ? answers_taken
                                                                                   : answers_refused;
          counter.fetch_add(1, std::memory_order_relaxed);
        }
      });
      bus.start();
      std::uint64_t questions_taken = 0;
      for (std::uint64_t n = 1; n <= 500; ++n) {
        if (bus.publish(tick(0, n)) == publish_outcome::taken) ++questions_taken;
      }
      // An answer to an event that was taken before the close may come after it: then it is refused.
      bus.close(closing::drain);
      REQUIRE(answers_taken + answers_refused == 2 * questions_heard);
      REQUIRE(questions_heard + answers_heard + bus.dropped(all) == questions_taken + answers_taken);
      if (full != when_full::fail) REQUIRE(questions_taken == 500);
    }
  }
}

TEST_CASE("two buses whose handlers publish on each other do not wait in a circle", "[async]") {
  async_event_bus<tick> one({.capacity = 1});
  async_event_bus<tick> other({.capacity = 1});
  std::atomic<std::uint64_t> heard{0};
  auto const pass_on = [&heard](auto& to) {
    return [&heard, &to](tick const& e) {
      heard.fetch_add(1, std::memory_order_relaxed);
      for (int i = 0; i < 3; ++i) static_cast<void>(to.publish(tick(1, e.number)));
    };
  };
  one.subscribe(pass_on(other));
  other.subscribe(pass_on(one));
  one.start();
  other.start();
  publish_all(one, 0, 300);
  publish_all(other, 0, 300);
  one.close(closing::discard);
  other.close(closing::discard);
  REQUIRE(heard >= 598);
}

TEMPLATE_TEST_CASE_SIG("closing ends publishers that wait for room, and what was taken by then is handled",
                       "[async]", ((producers P), P), producers::one, producers::many) {
  for (waiting const waits : {waiting::adaptive, waiting::park, waiting::spin}) {
    async_event_bus<tick, P> bus({.capacity = 2, .waits = waits, .batch = 1});
    std::atomic<bool> held{true};
    std::atomic<std::uint64_t> handled{0};
    bus.subscribe([&](tick const&) {
      yield_until([&] { return !held.load(std::memory_order_acquire); });
      handled.fetch_add(1, std::memory_order_relaxed);
    });
    bus.start();
    std::atomic<std::uint64_t> taken{0};
    std::thread publisher([&] {
      while (bus.publish(tick(0, 1)) == publish_outcome::taken) taken.fetch_add(1, std::memory_order_release);
    });
    yield_until([&] { return taken.load(std::memory_order_acquire) == 2; });
    std::thread closer([&] { bus.close(closing::drain); });
    publisher.join(); // the consumer still holds the first event
    REQUIRE(taken == 2);
    held.store(false, std::memory_order_release);
    closer.join();
    REQUIRE(handled == 2);
  }
}

TEST_CASE("discarding cuts draining short, and counts what nobody will handle", "[async]") {
  async_event_bus<tick> bus({.capacity = 16, .batch = 1});
  std::atomic<bool> held{true};
  std::atomic<int> handled{0};
  auto const all = bus.subscribe([&](tick const&) {
    handled.fetch_add(1, std::memory_order_release);
    yield_until([&] { return !held.load(std::memory_order_acquire); });
  });
  bus.start();
  publish_all(bus, 0, 10);
  yield_until([&] { return handled.load(std::memory_order_acquire) == 1; });
  std::thread draining([&] { bus.close(closing::drain); });
  std::thread discarding([&] { bus.close(closing::discard); });
  yield_until([&] { return bus.is_done(all.first); });
  held.store(false, std::memory_order_release);
  draining.join();
  discarding.join();
  REQUIRE(handled == 1);
  REQUIRE(bus.discarded(all) == 9);
}

TEST_CASE("a handler may close its bus, and a bus may be destroyed with events left", "[async]") {
  std::atomic<int> handled{0};
  {
    async_event_bus<tick> bus({.capacity = 16, .batch = 1});
    bus.subscribe([&](tick const&) {
      handled.fetch_add(1, std::memory_order_relaxed);
      bus.close(closing::discard);
    });
    bus.start();
    publish_all(bus, 0, 10);
    yield_until([&] { return bus.is_done(0); });
  }
  REQUIRE(handled == 1);
}

TEST_CASE("a parked consumer is woken by the next event, and a parked publisher by the next room",
          "[async]") {
  async_event_bus<tick> bus({.capacity = 1, .waits = waiting::park});
  std::atomic<std::uint64_t> heard{0};
  auto const first = bus.compete(2, [](tick const&) {});
  bus.subscribe([&](tick const& e) { heard.store(e.number, std::memory_order_release); }, {first});
  bus.start();
  for (std::uint64_t n = 1; n <= 300; ++n) {
    REQUIRE(bus.publish(tick(0, n)) == publish_outcome::taken);
    if (n % 3 == 0) yield_until([&] { return heard.load(std::memory_order_acquire) == n; });
  }
  bus.close(closing::drain);
  REQUIRE(heard == 300);
}

TEST_CASE("on threads what handlers throw is counted and reported, and every event is handled", "[async]") {
  constexpr std::uint64_t count = 300;
  cleave::event_bus failures;
  std::atomic<std::uint64_t> reported{0};
  auto const listening = failures.subscribe<cleave::handler_failure>(
      [&](cleave::handler_failure const&) { reported.fetch_add(1, std::memory_order_relaxed); });
  async_event_bus<tick> bus({.capacity = 4, .failures = &failures});
  std::atomic<std::uint64_t> heard{0};
  auto const all = bus.compete(2, [&](tick const& e) {
    heard.fetch_add(1, std::memory_order_relaxed);
    if (e.number % 2 == 0) throw std::runtime_error("an even number");
  });
  bus.start();
  publish_all(bus, 0, count);
  bus.close(closing::drain);
  REQUIRE(heard == count);
  REQUIRE(bus.failed(all) == count / 2);
  REQUIRE(reported == count / 2);
}
