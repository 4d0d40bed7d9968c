// SPDX-License-Identifier: BSL-1.0
// Exact decimal numbers: a count of the smallest unit. Nothing in the shop is a floating-point number.
#pragma once

#include <cleave/event/codec.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace shop {

// The number units / 10^places, in full: units 1102773050 with 4 places are "110277.3050".
std::string decimal_text(std::int64_t units, int places);
// The reverse. More than `places` digits behind the point are allowed if they are zeros. errc::invalid_argument for any
// other text, and for a number that does not fit.
cleave::result<std::int64_t> parse_decimal(std::string_view text, int places);

// As it stands in JSON: a number with exactly so many places.
template <int Places> struct decimal {
  std::int64_t units = 0;
  std::string text() const { return decimal_text(units, Places); }
  friend bool operator==(decimal, decimal) = default;
};
using cents = decimal<2>;  // an amount of money; units are cents
using amount = decimal<4>; // what is left of cents after a discount of whole percents; units are 1/10000

} // namespace shop

template <int Places> struct cleave::codec<shop::decimal<Places>> {
  static result<void> encode(shop::decimal<Places> value, std::string& out) {
    out += value.text();
    return {};
  }
  static result<shop::decimal<Places>> decode(std::string_view data) {
    return shop::parse_decimal(data, Places).transform([](std::int64_t units) {
      return shop::decimal<Places>{units};
    });
  }
};
