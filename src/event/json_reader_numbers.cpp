// SPDX-License-Identifier: BSL-1.0
// The JSON reader: words and numbers.
#include <cleave/event/json_reader.hpp>

#include "json_text.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstring>
#include <limits>
#include <system_error>
#include <type_traits>

namespace cleave::detail {

bool json_reader::literal(std::string_view word) noexcept {
  if (static_cast<std::size_t>(end_ - at_) < word.size() || std::memcmp(at_, word.data(), word.size()) != 0)
    return false;
  at_ += word.size();
  return true;
}

bool json_reader::boolean(bool& value) {
  skip_space();
  if (literal("true")) value = true;
  else if (literal("false")) value = false;
  else return wanted("true or false");
  return true;
}

bool json_reader::take_null() {
  skip_space();
  return literal("null");
}

// A whole number: sign and digits. False, and nothing is read, for everything else, a fraction included.
bool json_reader::digits(std::uint64_t& magnitude, bool& negative, bool& overflow) noexcept {
  char const* at = at_;
  negative = at != end_ && *at == '-';
  if (negative) ++at;
  char const* const first = at;
  std::uint64_t sum = 0;
  while (at != end_ && is_digit(*at)) sum = sum * 10 + static_cast<std::uint64_t>(*at++ - '0');
  auto const count = at - first;
  if (count == 0 || (*first == '0' && count > 1)) return false;
  if (at != end_ && (*at == '.' || *at == 'e' || *at == 'E')) return false;
  // 19 digits always fit; 20 fit when the sum did not wrap, which the first digit and the size of the sum tell.
  overflow = count > 20 || (count == 20 && (*first != '1' || sum < 10'000'000'000'000'000'000U));
  magnitude = sum;
  at_ = at;
  return true;
}

template <class Integer> bool json_reader::any_integer(Integer& value) {
  using range = std::numeric_limits<Integer>;
  skip_space();
  char const* const at = at_;
  std::uint64_t magnitude = 0;
  bool negative = false;
  bool overflow = false;
  if (digits(magnitude, negative, overflow) && !overflow) {
    std::uint64_t const below = range::is_signed ? static_cast<std::uint64_t>(range::max()) + 1
                                                 : 0; // as far as -min goes
    if (magnitude <= (negative ? below : static_cast<std::uint64_t>(range::max()))) {
      value = static_cast<Integer>(negative ? std::uint64_t{0} - magnitude : magnitude);
      return true;
    }
  }
  return wanted_at(at, fmt::format("an integer from {} to {}", range::min(), range::max()));
}

bool json_reader::integer(std::int8_t& value) { return any_integer(value); }
bool json_reader::integer(std::int16_t& value) { return any_integer(value); }
bool json_reader::integer(std::int32_t& value) { return any_integer(value); }
bool json_reader::integer(std::int64_t& value) { return any_integer(value); }
bool json_reader::integer(std::uint8_t& value) { return any_integer(value); }
bool json_reader::integer(std::uint16_t& value) { return any_integer(value); }
bool json_reader::integer(std::uint32_t& value) { return any_integer(value); }
bool json_reader::integer(std::uint64_t& value) { return any_integer(value); }

// Any number by JSON's grammar, which is narrower than from_chars's.
bool json_reader::number_token(std::string_view& token) noexcept {
  char const* at = at_;
  auto const some_digits = [&] {
    char const* const first = at;
    while (at != end_ && is_digit(*at)) ++at;
    return at != first;
  };
  if (at != end_ && *at == '-') ++at;
  if (at != end_ && *at == '0') ++at;
  else if (!some_digits()) return false;
  if (at != end_ && *at == '.') {
    ++at;
    if (!some_digits()) return false;
  }
  if (at != end_ && (*at == 'e' || *at == 'E')) {
    ++at;
    if (at != end_ && (*at == '+' || *at == '-')) ++at;
    if (!some_digits()) return false;
  }
  if (at != end_ && is_digit(*at)) return false; // a zero in front
  token = std::string_view(at_, static_cast<std::size_t>(at - at_));
  at_ = at;
  return true;
}

template <class Real> bool json_reader::any_real(Real& value) {
  skip_space();
  char const* const at = at_;
  std::string_view token;
  if (!number_token(token)) return wanted("a number");
  if (std::from_chars(token.data(), token.data() + token.size(), value).ec == std::errc()) return true;
  return wanted_at(at, std::is_same_v<Real, float> ? "a number in the range of float"
                                                   : "a number in the range of double");
}

bool json_reader::real(double& value) { return any_real(value); }
bool json_reader::real(float& value) { return any_real(value); }

} // namespace cleave::detail
