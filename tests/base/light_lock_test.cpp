// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/light_lock.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

using cleave::detail::light_lock;

namespace {

// Another thread, so that none of this is decided by there being only one.
template <class F> bool elsewhere(F&& f) {
  bool said = false;
  std::thread([&] { said = f(); }).join();
  return said;
}

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

TEST_CASE("a light lock lets in one writer, or any number of readers") {
  light_lock lock;
  lock.lock();
  REQUIRE_FALSE(lock.try_lock());
  REQUIRE_FALSE(lock.try_lock_shared());
  REQUIRE_FALSE(elsewhere([&] { return lock.try_lock() || lock.try_lock_shared(); }));
  lock.unlock();
  lock.lock_shared();
  REQUIRE(elsewhere([&] { return lock.try_lock_shared(); }));
  REQUIRE_FALSE(lock.try_lock());
  lock.unlock_shared();
  REQUIRE_FALSE(elsewhere([&] { return lock.try_lock(); }));
  lock.unlock_shared();
  REQUIRE(elsewhere([&] { return lock.try_lock(); }));
  REQUIRE_FALSE(lock.try_lock_shared());
  lock.unlock();
  REQUIRE(lock.try_lock());
  lock.unlock();
}

TEST_CASE(
    "a light lock that is taken before the first other thread starts keeps that one out, until it is woken") {
  bool const writes = GENERATE(false, true);
  light_lock lock;
  std::uint64_t value = 0;
  std::unique_lock held(lock);
  std::atomic<bool> started{false};
  std::uint64_t seen = 0;
  std::thread other([&] {
    started = true;
    if (writes) {
      std::unique_lock const writing(lock);
      seen = value;
    } else {
      std::shared_lock const reading(lock);
      seen = value;
    }
  });
  yield_until([&] { return started.load(); });
  for (int i = 0; i < 1'000; ++i) std::this_thread::yield(); // so that it sleeps, as a rule
  value = 42;
  held.unlock();
  other.join();
  REQUIRE(seen == 42);
}

TEST_CASE("under a light lock writers lose nothing of one another and readers see whole values") {
  constexpr std::uint64_t rounds = 20'000;
  light_lock lock;
  std::uint64_t one = 0;
  std::uint64_t other = 0;
  std::atomic<bool> torn{false};
  std::vector<std::thread> threads;
  for (int w = 0; w < 3; ++w) {
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < rounds; ++i) {
        std::unique_lock const writing(lock);
        ++one;
        ++other;
      }
    });
  }
  for (int r = 0; r < 3; ++r) {
    threads.emplace_back([&] {
      for (std::uint64_t i = 0; i < rounds; ++i) {
        std::shared_lock const reading(lock);
        if (one != other) torn = true;
      }
    });
  }
  for (auto& t : threads) t.join();
  REQUIRE_FALSE(torn);
  REQUIRE(one == 3 * rounds);
  REQUIRE(other == 3 * rounds);
}

TEST_CASE("whoever sleeps on a light lock is woken, also by one that leaves while it falls asleep") {
  // The holder leaves after a pause that sweeps over the time for which others poll. A lost wake-up shows as a test that never ends.
  // Stores that have to wait for memory keep the one that leaves the lock waiting: who looks for sleepers too early misses them.
  constexpr std::size_t stores = 24;
  constexpr std::size_t apart = 4096 + 64;
  std::vector<char> cold(std::size_t{64} << 20);
  std::size_t at = 0;
  light_lock lock;
  std::atomic<std::uint64_t> turn{0};
  std::atomic<std::uint64_t> served{0};
  constexpr std::uint64_t rounds = 40'000;
  // Nobody else comes by who could wake it.
  std::thread other([&] {
    for (std::uint64_t i = 1; i <= rounds; ++i) {
      poll_until([&] { return turn.load() >= i; });
      if (i % 2 == 0) {
        lock.lock();
        lock.unlock();
      } else {
        lock.lock_shared();
        lock.unlock_shared();
      }
      served = i;
    }
  });
  for (std::uint64_t i = 1; i <= rounds; ++i) {
    lock.lock();
    turn = i;
    for (std::uint64_t pause = 3'000 + i % 1'000 * 6; pause > 0; --pause)
      std::atomic_signal_fence(std::memory_order_seq_cst);
    for (std::size_t s = 0; s < stores; ++s, at = (at + apart) % cold.size())
      static_cast<char volatile&>(cold[at]) = 1;
    lock.unlock();
    poll_until([&] { return served.load() == i; });
  }
  other.join();
  REQUIRE(served == rounds);
}
