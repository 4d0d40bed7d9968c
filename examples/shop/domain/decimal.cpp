// SPDX-License-Identifier: BSL-1.0
#include "domain/decimal.hpp"

namespace shop {

std::string decimal_text(std::int64_t units, int places) {
  bool const negative = units < 0;
  auto left = negative ? 0 - static_cast<std::uint64_t>(units) : static_cast<std::uint64_t>(units);
  std::string reversed;
  for (int digit = 0; left > 0 || digit <= places; ++digit, left /= 10) {
    if (digit == places && places > 0) reversed += '.';
    reversed += static_cast<char>('0' + left % 10);
  }
  if (negative) reversed += '-';
  return {reversed.rbegin(), reversed.rend()};
}

cleave::result<std::int64_t> parse_decimal(std::string_view text, int places) {
  auto const refused = [text, places] {
    auto const code = cleave::errc::invalid_argument;
    return cleave::unexpected(
        places == 0 ? cleave::make_error(code, "\"{}\" is not a whole number", text)
                    : cleave::make_error(code, "\"{}\" is not a number with at most {} decimal places", text,
                                         places));
  };
  bool const negative = text.starts_with('-');
  auto const digits = text.substr(negative ? 1 : 0);
  auto const point = digits.find('.');
  auto const whole = digits.substr(0, point);
  std::string fraction(point == std::string_view::npos ? "0" : digits.substr(point + 1));
  if (whole.empty() || fraction.empty()) return refused();

  auto const kept = static_cast<std::size_t>(places);
  if (fraction.size() < kept) fraction.resize(kept, '0');
  if (fraction.find_first_not_of('0', kept) != std::string::npos) return refused();
  fraction.resize(kept);

  // Counted downwards, because the negative numbers reach one further.
  std::int64_t units = 0;
  for (char c : std::string(whole) + fraction) {
    if (c < '0' || c > '9') return refused();
    if (__builtin_mul_overflow(units, 10, &units) || __builtin_sub_overflow(units, c - '0', &units))
      return refused();
  }
  if (negative) return units;
  if (units == INT64_MIN) return refused();
  return -units;
}

} // namespace shop
