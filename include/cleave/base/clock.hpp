// SPDX-License-Identifier: BSL-1.0
// Wall-clock time as cleave stores it, and where it comes from.
#pragma once

#include <compare>
#include <concepts>
#include <cstdint>
#include <string>
#include <type_traits>

namespace cleave {

// Microseconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX time). Negative before 1970.
class timestamp {
public:
  constexpr timestamp() noexcept = default;
  constexpr explicit timestamp(std::int64_t microseconds) noexcept : microseconds_(microseconds) {}
  constexpr std::int64_t microseconds() const noexcept { return microseconds_; }
  // Rounded down.
  constexpr std::int64_t milliseconds() const noexcept {
    return microseconds_ / 1000 - (microseconds_ % 1000 < 0 ? 1 : 0);
  }
  friend constexpr auto operator<=>(timestamp, timestamp) noexcept = default;

private:
  std::int64_t microseconds_ = 0;
};

// RFC 3339 in UTC with microseconds: "2026-01-31T08:15:00.000042Z". Years 0000 to 9999; outside, the plain number.
std::string to_string(timestamp at);

// A clock tells the time now. It may be called from any thread at once.
template <class C>
concept clock = requires(C& c) {
  { c.now() } -> std::same_as<timestamp>;
};

// The operating system's wall clock. It can jump when the machine's time is set.
struct system_clock {
  timestamp now() const noexcept;
};

// A non-owning, type-erased clock for options. The clock must outlive every component that got the reference.
// Default: the system clock.
class clock_ref {
public:
  clock_ref() noexcept;
  template <clock C>
    requires(!std::same_as<std::remove_cv_t<C>, clock_ref>)
  clock_ref(C& c) noexcept
      : object_(const_cast<void*>(static_cast<void const*>(&c))),
        now_([](void* object) { return static_cast<C*>(object)->now(); }) {}
  timestamp now() const { return now_(object_); }
  // Whether both are surely the same clock.
  friend bool operator==(clock_ref const&, clock_ref const&) noexcept = default;

private:
  void* object_;
  timestamp (*now_)(void*);
};

} // namespace cleave
