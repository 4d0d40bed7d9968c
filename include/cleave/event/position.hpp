// SPDX-License-Identifier: BSL-1.0
// The two numbers of an event. They are different types, so that one is never taken for the other.
#pragma once

#include <compare>
#include <cstdint>

namespace cleave {

// The place of an event in its stream: 1, 2, 3, ...; 0 means that the stream has no event yet.
class version {
public:
  constexpr version() noexcept = default;
  constexpr explicit version(std::uint64_t value) noexcept : value_(value) {}
  constexpr std::uint64_t value() const noexcept { return value_; }
  constexpr version next() const noexcept { return version(value_ + 1); }
  friend constexpr auto operator<=>(version, version) noexcept = default;

private:
  std::uint64_t value_ = 0;
};

// The place of an event in the whole log, in commit order: 1, 2, 3, ...; 0 is the place before the first event.
// At most limits::position_max.
class position {
public:
  constexpr position() noexcept = default;
  constexpr explicit position(std::uint64_t value) noexcept : value_(value) {}
  constexpr std::uint64_t value() const noexcept { return value_; }
  constexpr position next() const noexcept { return position(value_ + 1); }
  friend constexpr auto operator<=>(position, position) noexcept = default;

private:
  std::uint64_t value_ = 0;
};

} // namespace cleave
