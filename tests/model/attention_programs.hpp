// SPDX-License-Identifier: BSL-1.0
// How the library uses an attention: commit_signal waits for a number that grows, light_lock for a word that becomes 0. As there,
// without the polling before the sleep. Templates over the attention, so that those with planted bugs can be run too.
#pragma once

#include "scenario.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace attention_model {

using simulated::machine;
using simulated::plain;
using simulated::require;

// `Publishers` write down what comes and raise the number, by turns under a lock of their own or all at once; each of `Waiters` sleeps
// until the last number is there, or somebody interrupts it.
template <template <class> class Attention, std::size_t Publishers, std::size_t Waiters, bool InTurn,
          bool Interrupted = false>
struct growth : simulated::program {
  static constexpr std::uint64_t wanted = 2;

  std::size_t threads() const override { return Publishers + Waiters + (Interrupted ? 1 : 0); }
  void run(std::size_t thread) override {
    if (thread == Publishers + Waiters) interrupt();
    else if (thread >= Publishers) wait(thread - Publishers);
    else if constexpr (InTurn) raise(Publishers == 1 ? wanted : 1);
    else publish(thread + 1);
  }

private:
  struct waiter {
    bool there = false;
    bool woken = false;
  };

  // commit_signal::raise and tell
  void raise(std::uint64_t times) {
    for (std::uint64_t i = 0; i < times; ++i) {
      turn.lock();
      std::uint64_t const head = last.load(std::memory_order_relaxed) + 1;
      written[head] = plain(head);
      if (attention.change(last, head)) grown(head);
      turn.unlock();
    }
  }
  // commit_signal::publish
  void publish(std::uint64_t head) {
    std::uint64_t seen = last.load(std::memory_order_relaxed);
    do {
      if (head <= seen) return;
    } while (!last.compare_exchange_weak(seen, head, std::memory_order_seq_cst, std::memory_order_relaxed));
    if (attention.is_drawn()) grown(head);
  }
  void interrupt() { grown(wanted); }
  void grown(std::uint64_t head) {
    mutex.lock();
    for (waiter& w : waiters) {
      if (!w.there || head < wanted) continue;
      w = {.there = false, .woken = true};
      attention.give_back();
    }
    mutex.notify_all();
    mutex.unlock();
  }
  // commit_signal::wait_for
  void wait(std::size_t which) {
    waiter& mine = waiters[which];
    mutex.lock();
    mine.there = true;
    attention.draw();
    while (!mine.woken) {
      if (last.load(std::memory_order_seq_cst) >= wanted) {
        mine.there = false;
        attention.give_back();
        break;
      }
      mutex.wait();
    }
    mutex.unlock();
    bool const there = last.load(std::memory_order_acquire) >= wanted;
    require(there || Interrupted, "a waiter is woken before its time");
    if (InTurn && there) {
      for (std::uint64_t head = 1; head <= wanted; ++head)
        require(written[head].read() == head, "what was done before the growth is not seen");
    }
  }

  simulated::atomic<std::uint64_t> last{0};
  Attention<machine> attention;
  simulated::lot mutex;
  simulated::lot turn;
  std::array<plain, wanted + 1> written{};
  std::array<waiter, Waiters> waiters{};
};

// light_lock: each of `Writers` holds it `Rounds` times, each of `Readers` once beside others; what it guards is plain data.
template <template <class> class Attention, std::size_t Writers, std::size_t Readers, std::size_t Rounds>
struct exclusion : simulated::program {
  std::size_t threads() const override { return Writers + Readers; }
  void run(std::size_t thread) override {
    if (thread >= Writers) {
      if (!try_lock_shared()) sleep([this] { return try_lock_shared(); });
      require(guarded.read() <= Writers * Rounds, "what nobody wrote is read");
      if (word.fetch_sub(1, std::memory_order_seq_cst) == 1 && attention.is_drawn()) wake();
      return;
    }
    for (std::size_t i = 0; i < Rounds; ++i) {
      if (!try_lock()) sleep([this] { return try_lock(); });
      guarded = plain(guarded.read() + 1);
      if (attention.change(word, std::uint32_t{0})) wake();
    }
  }
  void check() override { require(guarded.read() == Writers * Rounds, "a round is lost"); }

private:
  static constexpr std::uint32_t writing = UINT32_MAX; // otherwise the number of readers

  bool try_lock() {
    std::uint32_t nobody = 0;
    return word.compare_exchange_strong(nobody, writing, std::memory_order_acquire,
                                        std::memory_order_seq_cst);
  }
  bool try_lock_shared() {
    std::uint32_t seen = word.load(std::memory_order_seq_cst);
    while (seen != writing) {
      if (word.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire, std::memory_order_relaxed))
        return true;
    }
    return false;
  }
  template <class Try> void sleep(Try try_once) {
    bedroom.lock();
    attention.draw();
    while (!try_once()) bedroom.wait();
    attention.give_back();
    bedroom.unlock();
  }
  void wake() {
    bedroom.lock();
    bedroom.notify_all();
    bedroom.unlock();
  }

  simulated::atomic<std::uint32_t> word{0};
  Attention<machine> attention;
  simulated::lot bedroom;
  plain guarded{};
};

} // namespace attention_model
