// SPDX-License-Identifier: BSL-1.0
// How threads that are asleep until a word changes hear of the change, at no cost for who changes it while nobody is asleep.
//
// Changing and falling asleep meet in the manner of Dekker: who changes the word does so first and then looks whether somebody is
// asleep; who falls asleep says so first and then looks at the word, and at least one of them sees the other. What keeps each from
// looking too early is the process barrier of the first one that falls asleep, or, where the system has none, a sequentially
// consistent exchange of the word. All that are asleep are counted under one mutex, which who has seen one of them takes before it
// wakes them: so the first one's barrier holds for as long as there is any, and nobody is missed between the look and the sleep.
// (Dice, Huang, Yang, "Asymmetric Dekker Synchronization", 2001.) tests/model has it checked on simulated memory.
#pragma once

#include <atomic>
#include <cstdint>

namespace cleave::detail {

template <class Machine> class attention {
public:
  attention() : asymmetric_(Machine::has_process_barrier()) {}

  // Puts `value` into the word, which nobody else changes meanwhile; a read of it that acquires sees what was done before. True:
  // somebody may be asleep, who has to be woken.
  template <class T> bool change(typename Machine::template atomic<T>& word, T value) noexcept {
    if (asymmetric_) [[likely]] {
      word.store(value, std::memory_order_release);
      Machine::compiler_barrier();
      return asleep_.load(std::memory_order_relaxed) != 0;
    }
    word.exchange(value, std::memory_order_seq_cst);
    return is_drawn();
  }
  // The same behind a sequentially consistent read-modify-write of the word, for words that several change at once.
  bool is_drawn() const noexcept { return asleep_.load(std::memory_order_seq_cst) != 0; }

  // For who falls asleep: before its last look at the word, which is sequentially consistent. Under the mutex, as give_back() is.
  void draw() noexcept {
    if (asleep_.fetch_add(1, std::memory_order_seq_cst) == 0 && asymmetric_) Machine::process_barrier();
  }
  // For whom it is drawn no more.
  void give_back() noexcept { asleep_.fetch_sub(1, std::memory_order_relaxed); }

private:
  typename Machine::template atomic<std::uint32_t> asleep_{0};
  bool const asymmetric_;
};

} // namespace cleave::detail
