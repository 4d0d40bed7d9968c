// SPDX-License-Identifier: BSL-1.0
// What ties answers to events: the keys that a query depends on and an event touches (see query/query_cache.hpp).
#pragma once

#include <cleave/event/envelope.hpp>
#include <cleave/query/projection_name.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace cleave {

// What a touch or a dependency is about: a hash, the same in every process. Two with one hash cost a hit, never a right answer.
using cache_key = std::uint64_t;

namespace detail {

template <class T>
concept text_value = std::convertible_to<T const&, std::string_view>;

inline constexpr std::uint64_t hash_odd = 0x9e3779b97f4a7c15U;
// A full 64-bit product folded to 64 bits (the building block of wyhash, Wang Yi).
inline std::uint64_t hash_mix(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using wide = unsigned __int128;
  wide const product = static_cast<wide>(a ^ hash_odd) * (b ^ 0xe7037ed1a0b428dbU);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
inline std::uint64_t hash_text(std::string_view text, std::uint64_t hash = 0) noexcept {
  hash = hash_mix(hash, text.size());
  while (!text.empty()) {
    std::uint64_t word = 0;
    std::size_t const some = text.size() < sizeof word ? text.size() : sizeof word;
    std::memcpy(&word, text.data(), some);
    hash = hash_mix(hash, word);
    text.remove_prefix(some);
  }
  return hash;
}

inline constexpr std::string_view cache_everything = "*";
// The same for all versions of a projection: an answer of one may be kept when another takes its place.
inline cache_key make_cache_key(std::string_view projection, std::string_view text) noexcept {
  return hash_text(text, hash_text(projection_stem(projection)));
}

// Calls f(text) for the text, or each of the texts.
template <class Texts, class F> void for_each_text(Texts const& texts, F&& f) {
  if constexpr (text_value<Texts>) {
    f(std::string_view(texts));
  } else {
    for (auto const& text : texts) f(std::string_view(text));
  }
}

// Calls f(key) for everything that a query on this projection depends on.
template <class Q, class F> void for_each_dependency(std::string_view projection, Q const& q, F&& f) {
  if constexpr (requires { q.depends_on(); }) {
    for_each_text(q.depends_on(), [&](std::string_view text) { f(make_cache_key(projection, text)); });
  } else {
    f(make_cache_key(projection, cache_everything));
  }
}

template <class P, class E>
concept names_touched_in_place = requires(P const& p, E const& event, envelope const& at) {
  p.touches(event, at);
};
template <class P, class E>
concept names_touched = names_touched_in_place<P, E> ||
                        requires(P const& p, E const& event) { p.touches(event); };

// Calls f(key) for everything that the event touches.
template <class P, class E, class F> void for_each_touch(P const& p, E const& event, envelope const& at,
                                                         F&& f) {
  auto const one = [&](std::string_view text) { f(make_cache_key(P::name, text)); };
  one(cache_everything);
  if constexpr (names_touched_in_place<P, E>) for_each_text(p.touches(event, at), one);
  else for_each_text(p.touches(event), one);
}
// For a projection that does not say.
template <class F> void for_each_touch(std::string_view projection, envelope const& at, F&& f) {
  auto const one = [&](std::string_view text) { f(make_cache_key(projection, text)); };
  one(cache_everything);
  one(at.stream.text());
  for (std::string_view tag : at.tags) one(tag);
}

// A cache as a projection's progress knows it. Owned by the application.
struct cache_link {
  void* cache = nullptr;
  void (*touch)(void* cache, cache_key key, position at) noexcept = nullptr;
  void (*rewritten)(void* cache) noexcept = nullptr;
  cache_link* next = nullptr;
};

} // namespace detail

} // namespace cleave
