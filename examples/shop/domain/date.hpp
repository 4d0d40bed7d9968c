// SPDX-License-Identifier: BSL-1.0
// A day of the calendar, written "1996-07-04", also in the stored events.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/event/codec.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace shop {

class date {
public:
  date() = default; // 1970-01-01
  // Reads "1996-07-04": a day that exists, years 0000 to 9999. errc::invalid_argument for anything else.
  static cleave::result<date> parse(std::string_view text);
  // The day, in UTC, of a moment in the years 0000 to 9999; the default for any other.
  static date of(cleave::timestamp moment);

  std::string text() const;
  std::string month() const { return text().substr(0, 7); } // "1996-07"
  friend bool operator==(date const&, date const&) = default;

private:
  explicit date(std::chrono::year_month_day day) : day_(day) {}

  std::chrono::year_month_day day_{std::chrono::year(1970), std::chrono::January, std::chrono::day(1)};
};

} // namespace shop

template <> struct cleave::codec<shop::date> {
  static result<void> encode(shop::date const& day, std::string& out) {
    return codec<std::string>::encode(day.text(), out);
  }
  static result<shop::date> decode(std::string_view data) {
    return codec<std::string>::decode(data).and_then(
        [](std::string const& text) { return shop::date::parse(text); });
  }
};
