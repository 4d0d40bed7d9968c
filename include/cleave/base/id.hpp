// SPDX-License-Identifier: BSL-1.0
// 128-bit identifiers (UUID, RFC 9562) of events, commands and conversations, and where new ones come from.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/result.hpp>

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cleave {

// A UUID. The default is the nil UUID (all zero), which means "none".
class uuid {
public:
  static constexpr std::size_t size = 16;

  constexpr uuid() noexcept = default;
  constexpr explicit uuid(std::array<std::uint8_t, size> bytes) noexcept : bytes_(bytes) {}
  // Reads the 36 characters of the usual form, in either case. errc::invalid_argument for anything else.
  static result<uuid> parse(std::string_view text);
  // The same id for the same name, on every machine (UUIDv5, RFC 9562, 5.5), e.g. a command id that is derived from a key of
  // the business. `space` keeps names of different origin apart; any UUID serves.
  static uuid from_name(uuid const& space, std::string_view name);

  // In network order: the first byte is the first in the text, and order by bytes is order by time for UUIDv7.
  constexpr std::array<std::uint8_t, size> const& bytes() const noexcept { return bytes_; }
  constexpr bool nil() const noexcept {
    auto const [high, low] = std::bit_cast<words>(bytes_);
    return (high | low) == 0;
  }
  // In words: a comparison of sixteen bytes would be a call of memcmp.
  friend constexpr bool operator==(uuid const& a, uuid const& b) noexcept {
    return std::bit_cast<words>(a.bytes_) == std::bit_cast<words>(b.bytes_);
  }
  friend constexpr auto operator<=>(uuid const&, uuid const&) noexcept = default;

private:
  struct words {
    std::uint64_t high;
    std::uint64_t low;
    friend constexpr bool operator==(words const&, words const&) noexcept = default;
  };
  std::array<std::uint8_t, size> bytes_{};
};

// "018f4e5c-7a3b-7c1d-8e2f-0123456789ab"
std::string to_string(uuid const& id);

// Ids of different things are different types; all are UUIDs.
template <class Tag> class basic_id {
public:
  constexpr basic_id() noexcept = default;
  constexpr explicit basic_id(uuid value) noexcept : value_(value) {}
  // Names itself `id`, not `value`, so that it never passes for a number.
  constexpr uuid const& id() const noexcept { return value_; }
  constexpr bool nil() const noexcept { return value_.nil(); }
  friend constexpr auto operator<=>(basic_id const&, basic_id const&) noexcept = default;

private:
  uuid value_;
};
using event_id = basic_id<struct event_id_tag>;
using command_id = basic_id<struct command_id_tag>;
using correlation_id =
    basic_id<struct correlation_id_tag>; // one conversation: all that came of one first command
using causation_id = basic_id<struct causation_id_tag>; // the command or event that directly caused this one
template <class Tag> std::string to_string(basic_id<Tag> const& id) { return to_string(id.id()); }

// An id source makes a new UUID for the moment `now`. It may be called from any thread at once.
template <class S>
concept id_source = requires(S& s, timestamp now) {
  { s.next(now) } -> std::same_as<uuid>;
};

// UUIDv7 (RFC 9562, 5.7), monotonic: 48 bits of milliseconds and a 12-bit counter (method 1 of 6.2) that grow with every
// call, also within a millisecond and when the clock steps back (a full counter carries into the milliseconds); 62 bits
// that differ by seed and call. Seeded from the operating system, or from `seed` for runs that can be replayed.
class uuid_v7_source {
public:
  uuid_v7_source();
  explicit uuid_v7_source(std::uint64_t seed) noexcept : seed_(seed) {}
  uuid next(timestamp now) noexcept;

private:
  std::uint64_t seed_;
  std::uint64_t last_ = 0; // milliseconds << 12 | counter; accessed atomically
};

// A non-owning, type-erased id source for options. The source must outlive every component that got the reference.
// Default: one UUIDv7 source of the process.
class id_source_ref {
public:
  id_source_ref() noexcept;
  template <id_source S>
    requires(!std::same_as<std::remove_cv_t<S>, id_source_ref>)
  id_source_ref(S& source) noexcept
      : object_(&source),
        next_([](void* object, timestamp now) { return static_cast<S*>(object)->next(now); }) {}
  uuid next(timestamp now) const { return next_(object_, now); }

private:
  void* object_;
  uuid (*next_)(void*, timestamp);
};

} // namespace cleave
