// SPDX-License-Identifier: BSL-1.0
// Interned texts in a hash table that one writer fills while any thread looks things up.
#pragma once

#include <cleave/base/short_text.hpp>
#include <cleave/memory/detail/log.hpp>

#include "arena.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

namespace cleave::memory::detail {

using cleave::detail::hash_words;
using cleave::detail::mix;
using cleave::detail::same_text;

// Open addressing with linear probing, at most half full; nothing is ever removed. A place holds the hash beside the address of its
// entry, so that a search looks into no entry but the one that it finds. The table is replaced by a larger one when it fills;
// readers may go on in the old one, which stays in the arena. Entry derives from interned and needs no destruction.
template <class Entry> class text_table {
public:
  explicit text_table(std::uint64_t seed) noexcept : seed_(seed) {}

  std::uint64_t hash(std::string_view text) const noexcept { return hash_words(text, seed_); }
  Entry* find(std::string_view text) const noexcept { return find(text, hash(text)); }
  Entry* find(std::string_view text, std::uint64_t hash) const noexcept {
    slots const* const in = slots_.load(std::memory_order_acquire);
    if (in == nullptr) return nullptr;
    for (std::uint64_t i = hash & in->mask;; i = (i + 1) & in->mask) {
      place const& at = in->places()[i];
      Entry* const entry = at.entry.load(std::memory_order_acquire);
      if (entry == nullptr) return nullptr;
      if (at.hash == hash && same_text(entry->text, text)) return entry;
    }
  }

  std::uint64_t size() const noexcept { return size_.load(std::memory_order_acquire); }

  // For the writer: adds a text that is not there; may throw std::bad_alloc, and has changed nothing then. prepare(entry) is
  // called before any reader can see it.
  template <class Prepare> Entry& add(std::string_view text, std::uint64_t hash, arena& memory,
                                      Prepare prepare) {
    std::uint64_t const count = size_.load(std::memory_order_relaxed);
    slots* in = slots_.load(std::memory_order_relaxed);
    if (in == nullptr || count >= in->mask / 2) in = grow(memory);
    auto* const bytes = static_cast<char*>(memory.allocate(text.size(), 1));
    Entry* const added = new (memory.allocate(sizeof(Entry), alignof(Entry))) Entry();
    std::memcpy(bytes, text.data(), text.size());
    added->text = std::string_view(bytes, text.size());
    prepare(*added);
    put(*in, hash, added);
    size_.store(count + 1, std::memory_order_release);
    return *added;
  }

private:
  struct place {
    std::uint64_t hash; // written before the entry, read behind it
    std::atomic<Entry*> entry;
  };
  struct slots {
    std::uint64_t mask;
    place* places() const noexcept { return reinterpret_cast<place*>(const_cast<slots*>(this) + 1); }
  };

  static void put(slots& in, std::uint64_t hash, Entry* entry) noexcept {
    std::uint64_t i = hash & in.mask;
    while (in.places()[i].entry.load(std::memory_order_relaxed) != nullptr) i = (i + 1) & in.mask;
    in.places()[i].hash = hash;
    in.places()[i].entry.store(entry, std::memory_order_release);
  }

  slots* grow(arena& memory) {
    slots const* const old = slots_.load(std::memory_order_relaxed);
    std::uint64_t const places = old == nullptr ? 16 : (old->mask + 1) * 2;
    void* const raw = memory.allocate(sizeof(slots) + places * sizeof(place), alignof(slots));
    auto* const larger = new (raw) slots{places - 1};
    for (std::uint64_t i = 0; i < places; ++i) new (larger->places() + i) place{};
    if (old != nullptr) {
      for (std::uint64_t i = 0; i <= old->mask; ++i) {
        place const& at = old->places()[i];
        if (Entry* const entry = at.entry.load(std::memory_order_relaxed)) put(*larger, at.hash, entry);
      }
    }
    slots_.store(larger, std::memory_order_release);
    return larger;
  }

  std::uint64_t seed_;
  std::atomic<slots*> slots_{nullptr};
  std::atomic<std::uint64_t> size_{0};
};

} // namespace cleave::memory::detail
