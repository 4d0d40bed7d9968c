// SPDX-License-Identifier: BSL-1.0
// Interned texts in a hash table that one writer fills while any thread looks things up.
#pragma once

#include <cleave/memory/detail/log.hpp>

#include "arena.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <string_view>

namespace cleave::memory::detail {

// A full 64-bit product folded to 64 bits mixes well and costs two instructions (the building block of wyhash, Wang Yi).
inline std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using wide = unsigned __int128;
  wide const product = static_cast<wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Names can come from strangers: the seed differs from store to store, so that nobody can prepare names that collide.
inline std::uint64_t hash_text(std::string_view text, std::uint64_t seed) noexcept {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15U;
  std::uint64_t hash = seed ^ (text.size() * odd);
  char const* at = text.data();
  std::size_t left = text.size();
  std::uint64_t word = 0;
  for (; left >= sizeof word; left -= sizeof word, at += sizeof word) {
    std::memcpy(&word, at, sizeof word);
    hash = mix(hash ^ word, seed | odd);
  }
  word = 0;
  if (left >= 4) {
    // Two overlapping halves: no loop over the last bytes.
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, at, sizeof low);
    std::memcpy(&high, at + left - sizeof high, sizeof high);
    word = (static_cast<std::uint64_t>(high) << 32) | low;
  } else if (left > 0) {
    auto const byte = [&](std::size_t i) {
      return static_cast<std::uint64_t>(static_cast<unsigned char>(at[i]));
    };
    word = byte(0) | (byte(left / 2) << 8) | (byte(left - 1) << 16);
  }
  return mix(hash ^ word, odd);
}

// Names are short: no call for them.
inline bool same_text(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  std::uint64_t left = 0;
  std::uint64_t right = 0;
  std::size_t at = 0;
  for (; at + sizeof left <= a.size(); at += sizeof left) {
    std::memcpy(&left, a.data() + at, sizeof left);
    std::memcpy(&right, b.data() + at, sizeof right);
    if (left != right) return false;
  }
  if (at == a.size()) return true;
  if (a.size() < sizeof left) return std::memcmp(a.data(), b.data(), a.size()) == 0;
  // The last eight bytes, some of them again.
  std::memcpy(&left, a.data() + a.size() - sizeof left, sizeof left);
  std::memcpy(&right, b.data() + b.size() - sizeof right, sizeof right);
  return left == right;
}

// Open addressing with linear probing over pointers to entries, at most half full; nothing is ever removed. The table is
// replaced by a larger one when it fills; readers may go on in the old one, which stays in the arena. Entry derives from
// interned and needs no destruction.
template <class Entry> class text_table {
public:
  explicit text_table(std::uint64_t seed) noexcept : seed_(seed) {}

  std::uint64_t hash(std::string_view text) const noexcept { return hash_text(text, seed_); }
  Entry* find(std::string_view text) const noexcept { return find(text, hash(text)); }
  Entry* find(std::string_view text, std::uint64_t hash) const noexcept {
    slots const* const in = slots_.load(std::memory_order_acquire);
    if (in == nullptr) return nullptr;
    for (std::uint64_t i = hash & in->mask;; i = (i + 1) & in->mask) {
      Entry* const entry = in->entries()[i].load(std::memory_order_acquire);
      if (entry == nullptr) return nullptr;
      if (entry->hash == hash && same_text(entry->text, text)) return entry;
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
    added->hash = hash;
    prepare(*added);
    put(*in, added);
    size_.store(count + 1, std::memory_order_release);
    return *added;
  }

private:
  struct slots {
    std::uint64_t mask;
    std::atomic<Entry*>* entries() const noexcept {
      return reinterpret_cast<std::atomic<Entry*>*>(const_cast<slots*>(this) + 1);
    }
  };

  static void put(slots& in, Entry* entry) noexcept {
    std::uint64_t i = entry->hash & in.mask;
    while (in.entries()[i].load(std::memory_order_relaxed) != nullptr) i = (i + 1) & in.mask;
    in.entries()[i].store(entry, std::memory_order_release);
  }

  slots* grow(arena& memory) {
    slots const* const old = slots_.load(std::memory_order_relaxed);
    std::uint64_t const places = old == nullptr ? 16 : (old->mask + 1) * 2;
    void* const raw = memory.allocate(sizeof(slots) + places * sizeof(std::atomic<Entry*>), alignof(slots));
    auto* const larger = new (raw) slots{places - 1};
    for (std::uint64_t i = 0; i < places; ++i) new (larger->entries() + i) std::atomic<Entry*>(nullptr);
    if (old != nullptr) {
      for (std::uint64_t i = 0; i <= old->mask; ++i) {
        if (Entry* const entry = old->entries()[i].load(std::memory_order_relaxed)) put(*larger, entry);
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
