// SPDX-License-Identifier: BSL-1.0
// The states of a decider's streams, or of a boundary's queries, as of their last commit, so that a command need not read all that it
// depends on.
#pragma once

#include <cleave/base/short_text.hpp>
#include <cleave/event/position.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cleave {

// A decider's state as of a version of its stream.
template <class D> struct loaded {
  D state{};
  cleave::version version{};
};

// Keeps values by name: a decider's state by its stream, a boundary's by the text of its query. Bounded by its number of entries: buckets of eight, as
// a processor's cache has them, so that nothing is ever ordered or moved. In a full bucket the entry goes that was not used since
// the last one went (second chance).
//
// may_hold() may be called by any thread. Everything else belongs inside the commit, where stores let in one at a time
// (decides_in_commit in event/event_store.hpp): that is the lock. An entry is as old as its version or position: who finds it reads what
// has been appended since. What it may not be is newer than the log, so it is void after a rollback: each carries the number of
// rollbacks that had been seen when it was made.
template <class Kept> class aggregate_cache {
public:
  static constexpr std::size_t ways = 8;

  // For at least so many entries, rounded up to a power of two, at least 8; 0: none at all. An empty place takes 16 bytes.
  explicit aggregate_cache(std::size_t entries) : buckets_(buckets_for(entries)) {}

  static std::uint64_t key_of(std::string_view name) noexcept {
    return detail::hash_words(name, 0) | 1; // 0 is an empty place
  }

  // A guess, for who would rather load before the commit than inside.
  bool may_hold(std::uint64_t key) const noexcept {
    if (buckets_.empty()) return false;
    bucket const& in = bucket_of(key);
    for (auto const& one : in.keys) {
      if (one.load(std::memory_order_relaxed) == key) return true;
    }
    return false;
  }

  // nullptr when it is not there. Valid until the next call of put or drop.
  Kept* find(std::string_view name, std::uint64_t key, std::uint64_t rollbacks) noexcept {
    if (buckets_.empty()) return nullptr;
    bucket& in = bucket_of(key);
    for (std::size_t i = 0; i < ways; ++i) {
      if (in.keys[i].load(std::memory_order_relaxed) != key) continue;
      entry& found = *in.entries[i];
      if (!detail::same_text(found.name, name) || found.rollbacks != rollbacks) continue;
      found.used = true;
      return &found.at;
    }
    return nullptr;
  }

  // Keeps a state; in place of the one of that name, if there is one.
  void put(std::string_view name, std::uint64_t key, std::uint64_t rollbacks, Kept at) {
    if (buckets_.empty()) return;
    bucket& in = bucket_of(key);
    std::size_t const place = place_for(in, name, key);
    if (in.entries[place] == nullptr) in.entries[place] = &entries_.emplace_back();
    entry& to = *in.entries[place];
    in.keys[place].store(0, std::memory_order_relaxed); // until it is whole
    to.name.assign(name);
    to.at = std::move(at);
    to.rollbacks = rollbacks;
    to.used = false; // the first to go, unless it is found again
    in.keys[place].store(key, std::memory_order_relaxed);
  }

  void drop(std::string_view name, std::uint64_t key) noexcept {
    if (buckets_.empty()) return;
    bucket& in = bucket_of(key);
    for (std::size_t i = 0; i < ways; ++i) {
      if (in.keys[i].load(std::memory_order_relaxed) == key && in.entries[i]->name == name)
        in.keys[i].store(0, std::memory_order_relaxed);
    }
  }

private:
  struct entry {
    std::string name;
    Kept at;
    std::uint64_t rollbacks = 0;
    bool used = false;
  };
  struct bucket {
    std::array<std::atomic<std::uint64_t>, ways> keys{};
    std::array<entry*, ways> entries{};
    std::size_t hand = 0;
  };

  static std::size_t buckets_for(std::size_t entries) noexcept {
    if (entries == 0) return 0;
    std::size_t count = 1;
    while (count * ways < entries) count *= 2;
    return count;
  }
  // The upper bits: the lowest is always set.
  bucket& bucket_of(std::uint64_t key) noexcept { return buckets_[(key >> 32) & (buckets_.size() - 1)]; }
  bucket const& bucket_of(std::uint64_t key) const noexcept {
    return buckets_[(key >> 32) & (buckets_.size() - 1)];
  }

  static std::size_t place_for(bucket& in, std::string_view name, std::uint64_t key) noexcept {
    std::size_t empty = ways;
    for (std::size_t i = 0; i < ways; ++i) {
      auto const there = in.keys[i].load(std::memory_order_relaxed);
      if (there == 0) empty = i;
      else if (there == key && in.entries[i]->name == name) return i;
    }
    if (empty != ways) return empty;
    for (;; in.hand = (in.hand + 1) % ways) {
      if (!std::exchange(in.entries[in.hand]->used, false))
        return std::exchange(in.hand, (in.hand + 1) % ways);
    }
  }

  std::vector<bucket> buckets_;
  std::deque<entry> entries_; // they stay where they are, and are used again
};

} // namespace cleave
