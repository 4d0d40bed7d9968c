// SPDX-License-Identifier: BSL-1.0
// A machine on which lock-free code can go wrong in the ways that the memory model of C++ allows, and a driver that runs a small
// program on it through many schedules: a stateless model checker.
//
// The threads of the program are fibers of one real thread. Each operation on an atomic is a point where another thread may go
// on instead. A store adds to the history of its location; a load may return any value of that history that neither coherence
// nor happens-before forbids, not just the newest. Plain data carries the clocks of its last accesses, so that two accesses that
// no happens-before separates are found in any schedule, whether or not they met. After Norris and Demsky, "CDSChecker" (2013),
// and Kang et al., "A Promising Semantics" (2017), of which it has the views. Not modelled: fences, compare_exchange_weak that
// fails for no reason, spurious wake-ups, and stores that become visible before loads that come first.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <source_location>
#include <string>
#include <string_view>

namespace simulated {

inline constexpr std::size_t threads_max = 6; // one of them is the driver
inline constexpr std::size_t locations_max = 32;

// What a thread knows: how far each thread had come, and of each location the oldest store that it may still read.
struct view {
  std::array<std::uint16_t, threads_max> clock{};
  std::array<std::uint16_t, locations_max> oldest{};
  void join(view const& other) noexcept {
    for (std::size_t i = 0; i < threads_max; ++i) clock[i] = std::max(clock[i], other.clock[i]);
    for (std::size_t i = 0; i < locations_max; ++i) oldest[i] = std::max(oldest[i], other.oldest[i]);
  }
};

// One promise of a memory order at one operation of the code under test, which can be taken away on purpose.
enum class promise : std::uint8_t {
  none,
  acquire,
  acquire_on_failure, // of a compare_exchange
  release,
  one_order,            // what seq_cst is beyond acquire and release
  one_order_on_failure, // of a compare_exchange
};
struct site {
  std::string_view file{};
  unsigned line = 0;
  unsigned column = 0;
  simulated::promise promise = promise::none;
  friend auto operator<=>(site const&, site const&) = default;
};

struct options {
  std::uint64_t seed = 1;
  std::size_t deviations =
      0; // first every schedule that differs from the plainest in at most so many decisions ...
  std::size_t bounded_schedules = 0;   // ... but no more than these
  std::size_t schedules = 0;           // then at random, until there were so many in all
  bool process_barrier = true;         // whether the machine has one, and it works:
  bool broken_process_barrier = false; // it says so, and does nothing
  site broken{};                       // the promise that is not kept
  bool collect_sites = false;
};

struct outcome {
  std::size_t schedules = 0;
  bool bounded_all = false; // there were no more than bounded_schedules with so few deviations
  std::string violation{};  // of the first schedule that had one; empty: none
  std::set<site> sites{};   // the promises that the program used, if collected
  bool found() const noexcept { return !violation.empty(); }
};

// The program under test, made anew for each schedule. Its constructor and check() run alone.
struct program {
  program() = default;
  program(program const&) = delete;
  program& operator=(program const&) = delete;
  virtual ~program() = default;
  virtual std::size_t threads() const = 0;
  virtual void run(std::size_t thread) = 0;
  virtual void check() {} // after all threads; calls require()
};
using program_maker = std::function<std::unique_ptr<program>()>;

// Stops at the first violation: a failed require(), a data race, threads that wait for ever, a schedule that does not end.
outcome explore(options const& wanted, program_maker const& make);

// In a program: records a violation when `condition` is false.
void require(bool condition, char const* what);

// --- the machine ---

namespace detail {
using where = std::source_location;
std::size_t new_location(std::uint64_t initial);
std::uint64_t load(std::size_t location, std::memory_order order, where const& at);
void store(std::size_t location, std::uint64_t value, std::memory_order order, where const& at);
std::uint64_t read_modify_write(std::size_t location, std::memory_order order, where const& at,
                                std::uint64_t (*change)(std::uint64_t, std::uint64_t), std::uint64_t operand);
bool compare_exchange(std::size_t location, std::uint64_t& expected, std::uint64_t desired,
                      std::memory_order success, std::memory_order failure, where const& at);
} // namespace detail

template <class T> class atomic {
  using where = std::source_location;

public:
  atomic() : atomic(T()) {}
  atomic(T initial) : location_(detail::new_location(static_cast<std::uint64_t>(initial))) {}
  atomic(atomic const&) = delete;
  atomic& operator=(atomic const&) = delete;

  T load(std::memory_order order, where at = where::current()) const {
    return static_cast<T>(detail::load(location_, order, at));
  }
  void store(T value, std::memory_order order, where at = where::current()) {
    detail::store(location_, static_cast<std::uint64_t>(value), order, at);
  }
  T exchange(T value, std::memory_order order, where at = where::current()) {
    return change(value, order, at, [](std::uint64_t, std::uint64_t operand) { return operand; });
  }
  T fetch_add(T value, std::memory_order order, where at = where::current()) {
    return change(value, order, at, [](std::uint64_t old, std::uint64_t operand) { return old + operand; });
  }
  T fetch_sub(T value, std::memory_order order, where at = where::current()) {
    return change(value, order, at, [](std::uint64_t old, std::uint64_t operand) { return old - operand; });
  }
  T fetch_or(T value, std::memory_order order, where at = where::current()) {
    return change(value, order, at, [](std::uint64_t old, std::uint64_t operand) { return old | operand; });
  }
  bool compare_exchange_strong(T& expected, T desired, std::memory_order success, std::memory_order failure,
                               where at = where::current()) {
    auto seen = static_cast<std::uint64_t>(expected);
    bool const done = detail::compare_exchange(location_, seen, static_cast<std::uint64_t>(desired), success,
                                               failure, at);
    expected = static_cast<T>(seen);
    return done;
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success, std::memory_order failure,
                             where at = where::current()) {
    return compare_exchange_strong(expected, desired, success, failure, at);
  }

private:
  T change(T value, std::memory_order order, where const& at,
           std::uint64_t (*how)(std::uint64_t, std::uint64_t)) {
    return static_cast<T>(
        detail::read_modify_write(location_, order, at, how, static_cast<std::uint64_t>(value)));
  }
  std::size_t location_;
};

class lot {
public:
  void lock();
  void unlock();
  void wait();
  void notify_all();

private:
  bool held_ = false;
  view released_{}; // what the last holder knew
};

struct machine {
  template <class T> using atomic = simulated::atomic<T>;
  using lot = simulated::lot;
  struct producer {
    atomic<bool> claiming{false};
  };
  static constexpr unsigned claims_alone = 0;
  static constexpr unsigned claims_without_owner = 2;
  static constexpr unsigned looks_before_a_stop = 1;
  static constexpr unsigned looks_of_a_turn = 1;
  static producer* this_producer();
  static bool has_process_barrier();
  static void process_barrier();
  static void compiler_barrier() {}
  static void relax(); // until something that the thread has looked at changes
  static void yield() { relax(); }
  static void pass_time() {}
  static void give_way() {}
  static void fetch_to_write(void const*) {}
};

// Plain data: a number whose accesses must be ordered by happens-before.
class plain {
public:
  plain() = default;
  plain(std::uint64_t value) : value_(value) {}
  plain(plain const& other) : value_(other.read()) {}
  plain& operator=(plain const& other) {
    write(other.read());
    return *this;
  }
  ~plain() = default;
  std::uint64_t read() const;

private:
  void write(std::uint64_t value);

  std::uint64_t value_ = 0;
  std::size_t writer_ = 0;
  std::uint16_t written_ = 0;
  mutable std::array<std::uint16_t, threads_max> read_{};
};

} // namespace simulated
