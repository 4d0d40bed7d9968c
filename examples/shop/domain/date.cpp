// SPDX-License-Identifier: BSL-1.0
#include "domain/date.hpp"

namespace shop {

cleave::result<date> date::parse(std::string_view text) {
  auto const number = [text](std::size_t at, std::size_t digits) {
    unsigned value = 0;
    for (char c : text.substr(at, digits)) {
      if (c < '0' || c > '9') return 0U; // month 0 and day 0 are no day either
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
  };
  if (text.size() == 10 && text[4] == '-' && text[7] == '-' &&
      text.substr(0, 4).find_first_not_of("0123456789") == std::string_view::npos) {
    std::chrono::year_month_day const day{std::chrono::year(static_cast<int>(number(0, 4))),
                                          std::chrono::month(number(5, 2)), std::chrono::day(number(8, 2))};
    if (day.ok()) return date(day);
  }
  return cleave::unexpected(
      cleave::make_error(cleave::errc::invalid_argument, "\"{}\" is not a day such as 1996-07-04", text));
}

date date::of(cleave::timestamp moment) {
  return parse(cleave::to_string(moment).substr(0, 10)).value_or(date());
}

std::string date::text() const {
  std::string text = "0000-00-00";
  auto const put = [&text](std::size_t at, std::size_t digits, unsigned value) {
    for (; digits > 0; --digits, value /= 10) text[at + digits - 1] = static_cast<char>('0' + value % 10);
  };
  put(0, 4, static_cast<unsigned>(static_cast<int>(day_.year())));
  put(5, 2, static_cast<unsigned>(day_.month()));
  put(8, 2, static_cast<unsigned>(day_.day()));
  return text;
}

} // namespace shop
