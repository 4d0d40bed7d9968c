// SPDX-License-Identifier: BSL-1.0
// Dead letters: the events that a projection has parked because it could not apply them, each with the later events of its key.
// The log keeps the events themselves; a dead letter says which one it is and why it waits.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/function_ref.hpp>
#include <cleave/base/result.hpp>
#include <cleave/event/position.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cleave {

// What a projection does with an event that has failed as often as its options allow.
// stop: the projection stops there and tells why. park: the event becomes a dead letter, and so does every later event of its key
// until the dead letters of that key are gone; other keys go on.
enum class failure_policy : std::uint8_t { stop, park };

struct dead_letter {
  cleave::position position;
  std::string key;          // at most limits::stream_name_bytes
  std::string event;        // its stored name
  std::string error;        // why it failed; of a follower: that it waits behind another one
  std::uint64_t attempts{}; // how often it was tried by itself; 0: a follower, never tried
  timestamp parked_at;      // or tried last
  std::string discarded{};  // the reason given to discard it; empty: it still waits
};

// In order of position, behind `after`. Either those that wait, or those that were discarded.
struct dead_letter_range {
  position after{};
  std::uint64_t limit = UINT64_MAX;
  std::optional<std::string_view> key{}; // of this key alone
  bool discarded = false;
};

// What became of a retry: `applied` are in the read model now and no dead letters any more; `failed` keys failed again, and all
// that waits behind them waits on.
struct retried {
  std::uint64_t applied = 0;
  std::uint64_t failed = 0;
};

namespace detail {
using dead_letter_sink = function_ref<bool(dead_letter const&)>;
} // namespace detail

// The dead letters of one projection within a transaction or snapshot of its read store.
// count(): how many wait. any(): whether one waits. holds(key): whether one of this key waits.
// park(letter): stores one. errc::already_exists if there is one at its position.
// list(range, sink): until the sink returns false.
// tried(position, error, now): it failed once more. remove(position): it was applied. discard(position, reason): it waits no
// longer; the reason is kept. These three: false when no letter waits at that position.
template <class D>
concept dead_letter_table = requires(D& letters, std::string_view text, position at, timestamp now,
                                     dead_letter const& letter, dead_letter_range const& range,
                                     detail::dead_letter_sink sink) {
  { letters.count() } -> std::same_as<result<std::uint64_t>>;
  { letters.any() } -> std::same_as<result<bool>>;
  { letters.holds(text) } -> std::same_as<result<bool>>;
  { letters.park(letter) } -> std::same_as<result<void>>;
  { letters.list(range, sink) } -> std::same_as<result<void>>;
  { letters.tried(at, text, now) } -> std::same_as<result<bool>>;
  { letters.remove(at) } -> std::same_as<result<bool>>;
  { letters.discard(at, text) } -> std::same_as<result<bool>>;
};

// A read store in which projections can park: it names the type of the table, made of a session and the projection's name. What is
// done through it is part of the session's transaction.
template <class R>
concept keeps_dead_letters = requires(typename R::session& in, std::string_view projection) {
  { typename R::dead_letters(in, projection) } -> dead_letter_table;
};

} // namespace cleave
