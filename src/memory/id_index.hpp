// SPDX-License-Identifier: BSL-1.0
// Finds the record that carries an id.
#pragma once

#include <cleave/base/id.hpp>
#include <cleave/memory/detail/position_list.hpp>

#include "arena.hpp"
#include "text_table.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <compare>
#include <cstdint>
#include <cstring>
#include <new>

namespace cleave::memory::detail {

// An id as two numbers in the order of its bytes.
struct id_key {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(id_key const&, id_key const&) noexcept = default;
};
inline id_key key_of(uuid const& id) noexcept {
  auto const number = [&](std::size_t first) {
    std::uint64_t value = 0;
    std::memcpy(&value, id.bytes().data() + first, sizeof value);
    if constexpr (std::endian::native == std::endian::little) value = __builtin_bswap64(value);
    return value;
  };
  return {number(0), number(8)};
}

// Ids are UUIDv7 as a rule: those of one source rise. So an id above the greatest one seen is new without a look-up, and records
// that follow one another and whose ids rose when they came are a run, which can be searched like a sorted array; so can all
// runs, from their end, where late ids lie. Ids that came out of order (other sources, other kinds of UUID) are in a hash table
// beside it. Record numbers begin at 1 and rise; id_of(number) gives the id of a record. One writer; find() from any thread.
template <class IdOf> class id_index {
public:
  id_index(std::uint64_t seed, IdOf id_of) noexcept : seed_(seed), id_of_(id_of) {}

  // For the writer.
  id_key greatest() const noexcept {
    return {greatest_high_.load(std::memory_order_relaxed), greatest_low_.load(std::memory_order_relaxed)};
  }
  // For the writer: whether no record can have this id, by its order alone.
  bool above_all(id_key key) const noexcept { return key > greatest(); }

  // The number of the record, 0 if there is none. `counts(number)` says of a record whether it still has the id.
  template <class Counts> std::uint64_t find(id_key key, Counts counts) const noexcept {
    std::uint64_t const risen = find_rising(key);
    return risen != 0 && counts(risen) ? risen : find_late(key, counts);
  }
  std::uint64_t find(id_key key) const noexcept {
    return find(key, [](std::uint64_t) { return true; });
  }

  // For the writer: room for `more` insertions, `late` of them at most not above all; may throw std::bad_alloc.
  void reserve(std::uint64_t more, std::uint64_t late, arena& memory) {
    runs_.reserve(run_count_.load(std::memory_order_relaxed) + more, memory);
    if (late == 0) return;
    slots const* const in = late_.load(std::memory_order_relaxed);
    if (in == nullptr || late_count_ + late > (in->mask + 1) / 2) grow(late_count_ + late, memory);
  }
  // For the writer: adds an id that no record has, or none that counts, of a record behind all before.
  void insert(id_key key, std::uint64_t number) noexcept {
    if (above_all(key)) {
      greatest_high_.store(key.high, std::memory_order_relaxed);
      greatest_low_.store(key.low, std::memory_order_relaxed);
      if (last_run_ != nullptr && last_run_->last.load(std::memory_order_relaxed) + 1 == number) [[likely]]
        last_run_->last.store(number, std::memory_order_release);
      else begin_run(number);
    } else {
      put(*late_.load(std::memory_order_relaxed), key, number);
      ++late_count_;
    }
  }

private:
  struct id_run {
    std::uint64_t first;
    std::atomic<std::uint64_t> last; // grows, in the last run
  };
  struct slots {
    std::uint64_t mask;
    std::atomic<std::uint64_t>* numbers() const noexcept {
      return reinterpret_cast<std::atomic<std::uint64_t>*>(const_cast<slots*>(this) + 1);
    }
  };

  std::uint64_t hash(id_key const& key) const noexcept {
    return mix(key.high ^ seed_, key.low ^ 0x9e3779b97f4a7c15U);
  }
  id_key key_at(std::uint64_t number) const noexcept { return key_of(id_of_(number)); }

  void begin_run(std::uint64_t number) noexcept {
    std::uint64_t const count = run_count_.load(std::memory_order_relaxed);
    last_run_ = new (&runs_[count]) id_run{number, number};
    run_count_.store(count + 1, std::memory_order_release);
  }

  std::uint64_t find_rising(id_key key) const noexcept {
    std::uint64_t const run = count_until(run_count_.load(std::memory_order_acquire),
                                          [&](std::uint64_t i) { return key_at(runs_[i].first) > key; });
    if (run == 0) return 0;
    id_run const& in = runs_[run - 1];
    std::uint64_t const size = in.last.load(std::memory_order_acquire) - in.first + 1;
    std::uint64_t const upto = count_until(size, [&](std::uint64_t i) { return key_at(in.first + i) > key; });
    std::uint64_t const found = in.first + upto - 1; // the run's first one is not above the key
    return key_at(found) == key ? found : 0;
  }

  template <class Counts> std::uint64_t find_late(id_key key, Counts counts) const noexcept {
    slots const* const in = late_.load(std::memory_order_acquire);
    if (in == nullptr) return 0;
    for (std::uint64_t i = hash(key) & in->mask;; i = (i + 1) & in->mask) {
      std::uint64_t const number = in->numbers()[i].load(std::memory_order_acquire);
      if (number == 0 || (key_at(number) == key && counts(number))) return number;
    }
  }

  void put(slots& in, id_key const& key, std::uint64_t number) noexcept {
    std::uint64_t i = hash(key) & in.mask;
    while (in.numbers()[i].load(std::memory_order_relaxed) != 0) i = (i + 1) & in.mask;
    in.numbers()[i].store(number, std::memory_order_release);
  }

  void grow(std::uint64_t count, arena& memory) {
    slots const* const old = late_.load(std::memory_order_relaxed);
    std::uint64_t places = old == nullptr ? 16 : old->mask + 1;
    while (count > places / 2) places *= 2;
    void* const raw = memory.allocate(sizeof(slots) + places * sizeof(std::uint64_t), alignof(slots));
    auto* const larger = new (raw) slots{places - 1};
    for (std::uint64_t i = 0; i < places; ++i) new (larger->numbers() + i) std::atomic<std::uint64_t>(0);
    if (old != nullptr) {
      for (std::uint64_t i = 0; i <= old->mask; ++i) {
        std::uint64_t const number = old->numbers()[i].load(std::memory_order_relaxed);
        if (number != 0) put(*larger, key_at(number), number);
      }
    }
    late_.store(larger, std::memory_order_release);
  }

  std::uint64_t seed_;
  IdOf id_of_;
  // For the writer. Word by word: a copy of both at once, right behind the two that it is put together from, waits for them.
  std::atomic<std::uint64_t> greatest_high_{0};
  std::atomic<std::uint64_t> greatest_low_{0};
  chunk_list<id_run> runs_;
  std::atomic<std::uint64_t> run_count_{0};
  id_run* last_run_ = nullptr; // for the writer
  std::atomic<slots*> late_{
      nullptr}; // replaced by a larger one when half full; the old ones stay for readers
  std::uint64_t late_count_ = 0;
};

} // namespace cleave::memory::detail
