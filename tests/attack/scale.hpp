// SPDX-License-Identifier: BSL-1.0
// How long an attack lasts, and from which seed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CLEAVE_ATTACK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CLEAVE_ATTACK_SANITIZED 1
#endif
#endif

namespace cleave::test {

inline std::uint64_t attack_variable(char const* name, std::uint64_t usual) {
  char const* const text = std::getenv(name);
  return text == nullptr ? usual : std::strtoull(text, nullptr, 10);
}

#ifdef CLEAVE_ATTACK_SANITIZED
constexpr std::uint64_t attack_divisor =
    20; // a sanitizer costs time, and looks for something else than lost events
#else
constexpr std::uint64_t attack_divisor = 1;
#endif

// `usual` in a normal run; more with `sh tests/run.sh --long`, less under a sanitizer.
inline std::uint64_t attack_count(std::uint64_t usual) {
  return std::max<std::uint64_t>(1, usual * attack_variable("CLEAVE_ATTACK_FACTOR", 1) / attack_divisor);
}

// The first seed of an attack: set CLEAVE_ATTACK_SEED to what a failure has printed to see it again.
inline std::uint64_t attack_seed() { return attack_variable("CLEAVE_ATTACK_SEED", 1); }

} // namespace cleave::test
