// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/clock.hpp>

#include <fmt/format.h>

#include <chrono>
#include <ctime>

namespace cleave {

std::string to_string(timestamp at) {
  using namespace std::chrono;
  // Compared as times: std::chrono::year has 16 bits and would take a far year for a near one.
  constexpr sys_days first = year(0) / January / 1;
  constexpr sys_days behind = year(10'000) / January / 1;
  auto const since_epoch = microseconds(at.microseconds());
  if (since_epoch < microseconds(first.time_since_epoch()) ||
      since_epoch >= microseconds(behind.time_since_epoch())) {
    return fmt::format("{}", at.microseconds());
  }
  auto const day = floor<days>(since_epoch);
  year_month_day const date{sys_days(day)};
  hh_mm_ss const time(since_epoch - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

timestamp system_clock::now() const noexcept {
  // Not by std::chrono, which costs two calls more: every command asks twice.
  timespec at{};
  clock_gettime(CLOCK_REALTIME, &at); // cannot fail: the clock exists, and so does `at`
  return timestamp(std::int64_t{at.tv_sec} * 1'000'000 + at.tv_nsec / 1'000);
}

clock_ref::clock_ref() noexcept
    : object_(nullptr), now_([](void*) { return cleave::system_clock{}.now(); }) {}

} // namespace cleave
