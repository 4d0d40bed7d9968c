// SPDX-License-Identifier: BSL-1.0
// Events of 64 bytes from thread to thread, beside the queues that C++ programs use for that. Two threads on two cores: elsewhere
// the scheduler is measured, not the queue.
//   async_1p1c, async_2p1c   one or two publishers, one consumer
//   async_1p3c               three consumers that see everything; the peers need a queue for each
//   async_ping_pong          median of a round trip over two buses; raw: of one cache line
//   async_p999               the 99.9th percentile of that
//   async_idle               the part of one core that three consumers take which have nothing to do
#include <cleave/event/async_event_bus.hpp>

#include "paired.hpp"

#if __has_include(<boost/lockfree/spsc_queue.hpp>)
#include <boost/lockfree/queue.hpp>
#include <boost/lockfree/spsc_queue.hpp>
#define CLEAVE_BENCH_LOCKFREE
#endif
#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>
#define CLEAVE_BENCH_MOODYCAMEL
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <span>
#include <thread>
#include <vector>

namespace {

using cleave::async_event_bus;
using cleave::closing;
using cleave::producers;
using cleave::publish_outcome;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t events = 1'000'000; // of a measurement, all publishers together
constexpr std::size_t capacity = 65536;
constexpr std::size_t batch = 256;

struct tick {
  std::array<std::uint64_t, 8> words{};
  static tick of(std::uint64_t n) noexcept { return {{n, n, n, n, n, n, n, n}}; }
};

// Waits as our consumers do, but for the parking.
class patience {
public:
  void lose() {
    if (++rounds_ > 400) std::this_thread::yield();
    else cleave::detail::native_machine::relax();
  }
  void regain() { rounds_ = 0; }

private:
  unsigned rounds_ = 0;
};

void check(bool right) {
  if (right) return;
  std::fprintf(stderr, "bus/async: events were lost or doubled\n");
  std::abort();
}

// Runs publish(p, n) on each of `publishers` threads for n = 0, 1, ..., and stops the time when finish() returns.
template <class Publish, class Finish>
double seconds_per_event(std::size_t publishers, Publish publish, Finish finish) {
  std::uint64_t const each = events / publishers;
  std::atomic<bool> go{false};
  std::vector<std::thread> others;
  auto const run = [&](std::size_t p) {
    for (std::uint64_t n = 0; n < each; ++n) publish(p, n);
  };
  for (std::size_t p = 1; p < publishers; ++p) {
    others.emplace_back([&, p] {
      while (!go.load(std::memory_order_acquire)) std::this_thread::yield();
      run(p);
    });
  }
  auto const start = steady::now();
  go.store(true, std::memory_order_release);
  run(0);
  for (auto& t : others) t.join();
  finish();
  return std::chrono::duration<double>(steady::now() - start).count() /
         static_cast<double>(each * publishers);
}

struct alignas(64) sum {
  std::uint64_t seen = 0;
  std::uint64_t of_words = 0;
  void add(tick const& e) {
    ++seen;
    of_words += e.words[0];
  }
};

template <producers P> double ours(std::size_t publishers, std::size_t consumers) {
  async_event_bus<tick, P> bus({.capacity = capacity, .batch = batch});
  std::vector<sum> sums(consumers);
  for (auto& s : sums) {
    bus.subscribe([&s](std::span<tick const> some) {
      for (auto const& e : some) s.add(e);
    });
  }
  bus.start();
  double const seconds = seconds_per_event(
      publishers, [&](std::size_t, std::uint64_t n) { static_cast<void>(bus.publish(tick::of(n))); },
      [&] { bus.close(closing::drain); });
  for (auto const& s : sums) check(s.seen == events && s.of_words == sums[0].of_words);
  return seconds;
}

// A peer has push(queue, publisher, event) and pop(queue, events) -> count.
template <class Peer> double peer(std::size_t publishers, std::size_t consumers) {
  std::vector<std::unique_ptr<Peer>> queues;
  for (std::size_t c = 0; c < consumers; ++c) queues.push_back(std::make_unique<Peer>(publishers));
  std::vector<sum> sums(consumers);
  std::vector<std::thread> threads;
  for (std::size_t c = 0; c < consumers; ++c) {
    threads.emplace_back([&queue = *queues[c], &s = sums[c]] {
      std::array<tick, batch> some;
      patience patient;
      while (s.seen < events) {
        std::size_t const count = queue.pop(some);
        if (count == 0) {
          patient.lose();
          continue;
        }
        patient.regain();
        for (std::size_t i = 0; i < count; ++i) s.add(some[i]);
      }
    });
  }
  double const seconds = seconds_per_event(
      publishers,
      [&](std::size_t p, std::uint64_t n) {
        for (auto& queue : queues) {
          for (patience patient; !queue->push(p, tick::of(n));) patient.lose();
        }
      },
      [&] {
        for (auto& t : threads) t.join();
      });
  for (auto const& s : sums) check(s.of_words == sums[0].of_words);
  return seconds;
}

#if defined(CLEAVE_BENCH_LOCKFREE)
class boost_spsc {
public:
  explicit boost_spsc(std::size_t) {}
  bool push(std::size_t, tick const& e) { return queue_.push(e); }
  std::size_t pop(std::span<tick> to) { return queue_.pop(to.data(), to.size()); }

private:
  boost::lockfree::spsc_queue<tick, boost::lockfree::capacity<capacity>> queue_;
};

class boost_queue {
public:
  explicit boost_queue(std::size_t) {}
  bool push(std::size_t, tick const& e) { return queue_.bounded_push(e); }
  std::size_t pop(std::span<tick> to) {
    std::size_t count = 0;
    while (count < to.size() && queue_.pop(to[count])) ++count;
    return count;
  }

private:
  boost::lockfree::queue<tick> queue_{capacity};
};
#endif

#if defined(CLEAVE_BENCH_MOODYCAMEL)
class moodycamel_queue {
public:
  explicit moodycamel_queue(std::size_t publishers) : consumer_(queue_) {
    for (std::size_t p = 0; p < publishers; ++p) publishers_.emplace_back(queue_);
  }
  bool push(std::size_t p, tick const& e) { return queue_.enqueue(publishers_[p], e); }
  std::size_t pop(std::span<tick> to) { return queue_.try_dequeue_bulk(consumer_, to.data(), to.size()); }

private:
  moodycamel::ConcurrentQueue<tick> queue_;
  std::vector<moodycamel::ProducerToken> publishers_;
  moodycamel::ConsumerToken consumer_;
};
#endif

// --- round trips ---

constexpr std::size_t trips = 20'000;

struct percentiles {
  double median;
  double p999;
};

// go(n) sends n and returns when it has come back.
template <class Go> percentiles round_trips(Go go) {
  std::vector<double> seconds;
  seconds.reserve(trips);
  for (std::uint64_t n = 1; n <= trips; ++n) {
    auto const start = steady::now();
    go(n);
    seconds.push_back(std::chrono::duration<double>(steady::now() - start).count());
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[trips / 2], seconds[trips * 999 / 1000]};
}

percentiles ours_there_and_back() {
  async_event_bus<tick, producers::one> there({.capacity = capacity});
  async_event_bus<tick, producers::one> back({.capacity = capacity});
  std::uint64_t heard = 0;
  there.subscribe([&](tick const& e) { static_cast<void>(back.publish(e)); });
  back.subscribe([&](tick const& e) { heard = e.words[7]; });
  there.start();
  auto const found = round_trips([&](std::uint64_t n) {
    static_cast<void>(there.publish(tick::of(n)));
    patience patient;
    while (heard != n) {
      if (back.step(0) != cleave::step::worked) patient.lose();
    }
  });
  there.close(closing::drain);
  return found;
}

template <class Peer> struct pair_of {
  Peer there{1};
  Peer back{1};
};

template <class Peer> percentiles peer_there_and_back() {
  auto const queues = std::make_unique<pair_of<Peer>>(); // some are too large for a stack
  Peer& there = queues->there;
  Peer& back = queues->back;
  std::thread echo([&] {
    std::array<tick, 1> e;
    for (std::size_t n = 0; n < trips; ++n) {
      for (patience patient; there.pop(e) == 0;) patient.lose();
      back.push(0, e[0]);
    }
  });
  auto const found = round_trips([&](std::uint64_t n) {
    std::array<tick, 1> e;
    there.push(0, tick::of(n));
    for (patience patient; back.pop(e) == 0;) patient.lose();
    check(e[0].words[7] == n);
  });
  echo.join();
  return found;
}

percentiles cache_line_there_and_back() {
  struct alignas(64) line {
    std::atomic<std::uint64_t> value{0};
  };
  line there;
  line back;
  auto const wait_for = [](line const& l, std::uint64_t n) {
    for (patience patient; l.value.load(std::memory_order_acquire) != n;) patient.lose();
  };
  std::thread echo([&] {
    for (std::uint64_t n = 1; n <= trips; ++n) {
      wait_for(there, n);
      back.value.store(n, std::memory_order_release);
    }
  });
  auto const found = round_trips([&](std::uint64_t n) {
    there.value.store(n, std::memory_order_release);
    wait_for(back, n);
  });
  echo.join();
  return found;
}

// --- idleness ---

double processor_seconds() {
  std::timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Processor time in percent of one core, from the moment when the last event is handled.
double ours_idle() {
  async_event_bus<tick> bus({.capacity = capacity});
  std::atomic<int> heard{0};
  for (int i = 0; i < 3; ++i)
    bus.subscribe([&](tick const&) { heard.fetch_add(1, std::memory_order_release); });
  bus.start();
  static_cast<void>(bus.publish(tick::of(1)));
  while (heard.load(std::memory_order_acquire) != 3) std::this_thread::yield();
  auto const start = steady::now();
  double const used = processor_seconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  double const elapsed = std::chrono::duration<double>(steady::now() - start).count();
  return (processor_seconds() - used) / elapsed * 100 * bench::one_unit;
}

// A peer's way in the list of a case, where the peer is there.
#if defined(CLEAVE_BENCH_LOCKFREE)
#define CLEAVE_BENCH_IF_LOCKFREE(...) __VA_ARGS__
#else
#define CLEAVE_BENCH_IF_LOCKFREE(...)
#endif
#if defined(CLEAVE_BENCH_MOODYCAMEL)
#define CLEAVE_BENCH_IF_MOODYCAMEL(...) __VA_ARGS__
#else
#define CLEAVE_BENCH_IF_MOODYCAMEL(...)
#endif

bool add_all() {
  bench::add_paired_case(
      "bus/async_1p1c",
      {{"ours", [] { return ours<producers::one>(1, 1); }},
       CLEAVE_BENCH_IF_MOODYCAMEL({"moodycamel", [] { return peer<moodycamel_queue>(1, 1); }}, )
           CLEAVE_BENCH_IF_LOCKFREE({"boost_spsc", [] { return peer<boost_spsc>(1, 1); }}, )});
  bench::add_paired_case(
      "bus/async_2p1c",
      {{"ours", [] { return ours<producers::many>(2, 1); }},
       CLEAVE_BENCH_IF_MOODYCAMEL({"moodycamel", [] { return peer<moodycamel_queue>(2, 1); }}, )
           CLEAVE_BENCH_IF_LOCKFREE({"boost_queue", [] { return peer<boost_queue>(2, 1); }}, )});
  bench::add_paired_case(
      "bus/async_1p3c",
      {{"ours", [] { return ours<producers::one>(1, 3); }},
       CLEAVE_BENCH_IF_MOODYCAMEL({"moodycamel", [] { return peer<moodycamel_queue>(1, 3); }}, )
           CLEAVE_BENCH_IF_LOCKFREE({"boost_spsc", [] { return peer<boost_spsc>(1, 3); }}, )});
  bench::add_paired_case("bus/async_ping_pong",
                         {{"ours", [] { return ours_there_and_back().median; }},
                          {"raw", [] { return cache_line_there_and_back().median; }},
                          CLEAVE_BENCH_IF_MOODYCAMEL(
                              {"moodycamel", [] { return peer_there_and_back<moodycamel_queue>().median; }}, )
                              CLEAVE_BENCH_IF_LOCKFREE({"boost_spsc", [] {
                                                          return peer_there_and_back<boost_spsc>().median;
                                                        }}, )});
  bench::add_paired_case("bus/async_p999", {{"ours", [] { return ours_there_and_back().p999; }},
                                            {"raw", [] { return cache_line_there_and_back().p999; }},
                                            {"limit_5_us", [] { return 5e-6; }}});
  bench::add_paired_case("bus/async_idle",
                         {{"ours", ours_idle}, {"limit_2_percent", [] { return 2 * bench::one_unit; }}}, "%");
  return true;
}

[[maybe_unused]] bool const added = add_all();

} // namespace
