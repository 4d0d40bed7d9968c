// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/commit_signal.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

using cleave::commit_signal;
using cleave::commit_subscription;
using cleave::position;

namespace {

constexpr std::int64_t a_minute_us = 60'000'000;

struct heard {
  std::vector<std::uint64_t> heads;
  static void listen(void* self, position head) noexcept {
    static_cast<heard*>(self)->heads.push_back(head.value());
  }
};

// How a growth is said: by any thread, or by publishers that take turns.
struct at_any_time {
  static void publish(commit_signal& signal, position head) { signal.publish(head); }
};
struct in_turn {
  static void publish(commit_signal& signal, position head) {
    if (signal.raise(head)) signal.tell(head);
  }
};

// Without giving the core away, unless it lasts.
template <class Condition> void poll_until(Condition condition) {
  for (unsigned polls = 1; !condition(); ++polls) {
    if (polls % 4096 == 0) std::this_thread::yield();
  }
}

template <class Condition> void yield_until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

} // namespace

TEMPLATE_TEST_CASE("a commit signal's head only grows", "", at_any_time, in_turn) {
  commit_signal signal;
  REQUIRE(signal.last() == position());
  TestType::publish(signal, position(3));
  TestType::publish(signal, position(2));
  REQUIRE(signal.last() == position(3));
  TestType::publish(signal, position(4));
  REQUIRE(signal.last() == position(4));
}

TEST_CASE("raising a commit signal asks to tell it where somebody listens and the head grows, else not") {
  commit_signal signal;
  REQUIRE_FALSE(signal.raise(position(1)));
  heard one;
  auto subscribed = signal.on_commit(&one, &heard::listen);
  REQUIRE_FALSE(signal.raise(position(1)));
  REQUIRE(signal.raise(position(2)));
  REQUIRE(one.heads.empty());
  signal.tell(position(2));
  REQUIRE(one.heads == std::vector<std::uint64_t>{2});
  subscribed.reset();
  REQUIRE_FALSE(signal.raise(position(3)));
  REQUIRE(signal.last() == position(3));
}

TEMPLATE_TEST_CASE("a commit listener hears every growth and nothing else", "", at_any_time, in_turn) {
  commit_signal signal;
  heard first;
  heard second;
  TestType::publish(signal, position(1));
  auto const one = signal.on_commit(&first, &heard::listen);
  TestType::publish(signal, position(2));
  auto const two = signal.on_commit(&second, &heard::listen);
  TestType::publish(signal, position(2));
  TestType::publish(signal, position(5));
  REQUIRE(first.heads == std::vector<std::uint64_t>{2, 5});
  REQUIRE(second.heads == std::vector<std::uint64_t>{5});
}

TEST_CASE("a commit subscription ends with its handle, and moves with it") {
  commit_signal signal;
  heard one;
  commit_subscription kept;
  REQUIRE_FALSE(kept);
  {
    auto made = signal.on_commit(&one, &heard::listen);
    kept = std::move(made);
  }
  signal.publish(position(1));
  REQUIRE(one.heads == std::vector<std::uint64_t>{1});
  kept = commit_subscription();
  signal.publish(position(2));
  REQUIRE(one.heads == std::vector<std::uint64_t>{1});
}

TEST_CASE("a commit listener may end its own subscription, the next one's, and add another") {
  commit_signal signal;
  struct meddler {
    commit_signal* signal = nullptr;
    commit_subscription own{};
    commit_subscription next{};
    commit_subscription added{};
    heard newcomer{};
    int calls = 0;
    static void listen(void* self, position) noexcept {
      auto& m = *static_cast<meddler*>(self);
      ++m.calls;
      m.own.reset();
      m.next.reset();
      m.added = m.signal->on_commit(&m.newcomer, &heard::listen);
    }
  } middle{.signal = &signal};
  heard before;
  heard removed;
  heard last;
  auto const a = signal.on_commit(&before, &heard::listen);
  middle.own = signal.on_commit(&middle, &meddler::listen);
  middle.next = signal.on_commit(&removed, &heard::listen);
  auto const d = signal.on_commit(&last, &heard::listen);

  signal.publish(position(1));
  REQUIRE(middle.calls == 1);
  REQUIRE(before.heads == std::vector<std::uint64_t>{1});
  REQUIRE(removed.heads.empty());
  REQUIRE(last.heads == std::vector<std::uint64_t>{1});
  REQUIRE(middle.newcomer.heads.empty());

  signal.publish(position(2));
  REQUIRE(middle.calls == 1);
  REQUIRE(last.heads == std::vector<std::uint64_t>{1, 2});
  REQUIRE(middle.newcomer.heads == std::vector<std::uint64_t>{2});
}

TEST_CASE("a commit listener may publish") {
  commit_signal signal;
  struct echo {
    commit_signal* signal;
    heard seen{};
    static void listen(void* self, position head) noexcept {
      auto& e = *static_cast<echo*>(self);
      e.seen.heads.push_back(head.value());
      if (head.value() < 3) e.signal->publish(head.next());
    }
  } echo{&signal};
  auto const sub = signal.on_commit(&echo, &echo::listen);
  signal.publish(position(1));
  REQUIRE(echo.seen.heads == std::vector<std::uint64_t>{1, 2, 3});
}

TEST_CASE("a wait for a position that is reached returns at once, one that is not is stale after its time") {
  commit_signal signal;
  signal.publish(position(7));
  REQUIRE(signal.wait_for(position(7), 0));
  REQUIRE_FALSE(signal.wait_for(position(8), 0));
  REQUIRE_FALSE(signal.wait_for(position(8), -1));
  auto const start = std::chrono::steady_clock::now();
  REQUIRE_FALSE(signal.wait_for(position(8), 2'000));
  REQUIRE(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(2));
}

TEST_CASE("waiters for different positions are each woken when theirs is reached") {
  commit_signal signal;
  std::atomic<int> served{0};
  std::vector<std::thread> waiters;
  for (std::uint64_t wanted = 1; wanted <= 8; ++wanted) {
    waiters.emplace_back([&, wanted] {
      bool const reached = signal.wait_for(position(wanted), a_minute_us);
      if (reached && signal.last() >= position(wanted)) ++served;
    });
  }
  for (std::uint64_t head = 1; head <= 8; ++head) {
    signal.publish(position(head));
    yield_until([&] { return served.load() >= static_cast<int>(head); });
  }
  for (auto& w : waiters) w.join();
  REQUIRE(served == 8);
}

TEMPLATE_TEST_CASE("no wake-up is lost, whether the waiter polls, is about to park, or is parked", "",
                   at_any_time, in_turn) {
  // The publisher answers after a pause that sweeps over the time for which a waiter polls.
  constexpr std::uint64_t rounds = 4'000;
  commit_signal ask;
  commit_signal answer;
  std::atomic<bool> late{false};
  std::thread publisher([&] {
    for (std::uint64_t i = 1; i <= rounds && !late; ++i) {
      if (!ask.wait_for(position(i), a_minute_us)) late = true;
      auto const start = std::chrono::steady_clock::now();
      while (std::chrono::steady_clock::now() - start < std::chrono::nanoseconds(i % 400 * 200)) {
      }
      TestType::publish(answer, position(i));
    }
  });
  for (std::uint64_t i = 1; i <= rounds && !late; ++i) {
    TestType::publish(ask, position(i));
    auto const start = std::chrono::steady_clock::now();
    // A lost wake-up shows as a wait that only its time-out ended.
    if (!answer.wait_for(position(i), 5'000'000) ||
        std::chrono::steady_clock::now() - start > std::chrono::seconds(5)) {
      late = true;
      answer.publish(position(i));
    }
  }
  publisher.join();
  REQUIRE_FALSE(late);
}

TEST_CASE("of a subscription and a growth at the same moment one sees the other") {
  constexpr std::uint64_t rounds = 10'000;
  // Stores that have to wait for memory keep those behind them waiting: who reads too early is found out.
  constexpr std::size_t stores = 24;
  constexpr std::size_t apart = 4096 + 64;
  std::vector<char> cold(std::size_t{64} << 20);
  commit_signal signal;
  struct counter {
    std::atomic<std::uint64_t> greatest{0};
    static void listen(void* self, position head) noexcept {
      static_cast<counter*>(self)->greatest.store(head.value());
    }
  } heard;
  std::atomic<std::uint64_t> ready{0};
  std::atomic<std::uint64_t> go{0};
  std::atomic<std::uint64_t> raised{0};
  std::thread publisher([&] {
    std::size_t at = 0;
    for (std::uint64_t i = 1; i <= rounds; ++i) {
      ready = i;
      poll_until([&] { return go.load() >= i; });
      for (std::size_t s = 0; s < stores; ++s, at = (at + apart) % cold.size())
        static_cast<char volatile&>(cold[at]) = 1;
      if (signal.raise(position(i))) signal.tell(position(i));
      raised = i;
    }
  });
  std::uint64_t missed = 0;
  for (std::uint64_t i = 1; i <= rounds; ++i) {
    poll_until([&] { return ready.load() >= i; });
    go = i;
    for (std::uint64_t pause = i % 64 * 40; pause > 0; --pause)
      std::atomic_signal_fence(std::memory_order_seq_cst);
    auto const subscribed = signal.on_commit(&heard, &counter::listen);
    bool const seen = signal.last() == position(i);
    poll_until([&] { return raised.load() >= i; });
    if (!seen && heard.greatest < i) ++missed;
  }
  publisher.join();
  REQUIRE(missed == 0);
}

TEST_CASE("an interrupt ends every wait that is under way, polling or parked") {
  commit_signal signal;
  for (int pause = 0; pause < 3'000; pause += 200) {
    std::atomic<int> ended{0};
    std::vector<std::thread> waiters;
    auto const seen = signal.interrupts();
    for (int i = 0; i < 4; ++i) {
      waiters.emplace_back([&] {
        if (!signal.wait_for(position(1), a_minute_us, seen)) ++ended;
      });
    }
    for (int i = 0; i < pause; ++i) std::this_thread::yield();
    signal.interrupt();
    for (auto& w : waiters) w.join();
    REQUIRE(ended == 4);
  }
}

TEST_CASE("an interrupt that was sent before the wait is not missed, a later wait is not touched by it") {
  commit_signal signal;
  auto const seen = signal.interrupts();
  signal.interrupt();
  REQUIRE_FALSE(signal.wait_for(position(1), a_minute_us, seen));
  signal.publish(position(1));
  REQUIRE(signal.wait_for(position(1), a_minute_us, signal.interrupts()));
}

TEST_CASE("several publishers leave the greatest head, and each growth that a listener hears is a new one") {
  commit_signal signal;
  struct counter {
    std::atomic<std::uint64_t> calls{0};
    std::atomic<std::uint64_t> greatest{0};
    static void listen(void* self, position head) noexcept {
      auto& c = *static_cast<counter*>(self);
      ++c.calls;
      std::uint64_t seen = c.greatest;
      while (seen < head.value() && !c.greatest.compare_exchange_weak(seen, head.value())) {
      }
    }
  } count;
  auto const sub = signal.on_commit(&count, &counter::listen);
  std::vector<std::thread> publishers;
  for (std::uint64_t p = 0; p < 4; ++p) {
    publishers.emplace_back([&signal, p] {
      for (std::uint64_t i = 0; i < 2'000; ++i) signal.publish(position(1 + i * 4 + p));
    });
  }
  for (auto& p : publishers) p.join();
  REQUIRE(signal.last() == position(8'000));
  REQUIRE(count.greatest == 8'000);
  REQUIRE(count.calls <= 8'000);
}

TEST_CASE("ending a subscription waits for the listener that another thread is running") {
  for (int round = 0; round < 50; ++round) {
    commit_signal signal;
    struct slow {
      std::atomic<bool> entered{false};
      std::atomic<bool> ending{false};
      std::atomic<bool> done{false};
      static void listen(void* self, position) noexcept {
        auto& s = *static_cast<slow*>(self);
        s.entered = true;
        yield_until([&] { return s.ending.load(); });
        for (int i = 0; i < 200; ++i) std::this_thread::yield();
        s.done = true;
      }
    } slow;
    auto sub = signal.on_commit(&slow, &slow::listen);
    std::thread publisher([&] { signal.publish(position(1)); });
    yield_until([&] { return slow.entered.load(); });
    slow.ending = true;
    sub.reset();
    bool const done = slow.done;
    publisher.join();
    REQUIRE(done);
  }
}

TEST_CASE("two listeners that end each other's subscription at once on two threads do not deadlock") {
  for (int round = 0; round < 200; ++round) {
    commit_signal signal;
    struct duel {
      std::atomic<int> entered{0};
      std::atomic<std::uint64_t> threads_in{0};
      commit_subscription first{};
      commit_subscription second{};
      // The first thread to come in runs listener one and waits there until another thread runs listener two.
      static void one(void* self, position head) noexcept {
        auto& d = *static_cast<duel*>(self);
        if (head != position(1)) return;
        ++d.entered;
        yield_until([&] { return d.entered == 2; });
        d.second.reset();
      }
      static void two(void* self, position head) noexcept {
        auto& d = *static_cast<duel*>(self);
        if (head != position(2)) return;
        ++d.entered;
        yield_until([&] { return d.entered == 2; });
        d.first.reset();
      }
    } d;
    d.first = signal.on_commit(&d, &duel::one);
    d.second = signal.on_commit(&d, &duel::two);
    std::thread a([&] { signal.publish(position(1)); });
    std::thread b([&] {
      yield_until([&] { return d.entered >= 1; });
      signal.publish(position(2));
    });
    a.join();
    b.join();
    REQUIRE_FALSE(d.first);
    REQUIRE_FALSE(d.second);
  }
}
