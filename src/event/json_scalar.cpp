// SPDX-License-Identifier: BSL-1.0
#include "json_scalar.hpp"

#include <array>
#include <chrono>
#include <cstdint>

namespace cleave::detail {

namespace {

constexpr std::int64_t us_per_second = 1'000'000;
constexpr std::int64_t us_per_day = 86'400 * us_per_second;
constexpr std::int64_t year_0000 = -719'528 * us_per_day; // days before 1970-01-01
constexpr std::int64_t year_10000 = 2'932'897 * us_per_day;

// The last `count` digits of `value`.
void write_digits(unsigned value, std::size_t count, char* to) noexcept {
  for (std::size_t i = count; i-- > 0; value /= 10) to[i] = static_cast<char>('0' + value % 10);
}

// Takes digits from the front of a text.
class digits {
public:
  explicit digits(std::string_view text) noexcept : text_(text) {}
  std::size_t left() const noexcept { return text_.size(); }
  bool next_is(char c) const noexcept { return !text_.empty() && text_[0] == c; }
  bool digit_next() const noexcept { return !text_.empty() && text_[0] >= '0' && text_[0] <= '9'; }
  char take() noexcept {
    if (text_.empty()) return '\0';
    char const c = text_[0];
    text_.remove_prefix(1);
    return c;
  }
  // Exactly `count` digits; anything else makes good() false.
  int number(int count) noexcept {
    int value = 0;
    for (int i = 0; i < count; ++i) {
      good_ = good_ && digit_next();
      value = value * 10 + (take() - '0');
    }
    return good_ ? value : 0;
  }
  void expect(char wanted) noexcept { good_ = take() == wanted && good_; }
  bool good() const noexcept { return good_; }
  void fail() noexcept { good_ = false; }

private:
  std::string_view text_;
  bool good_ = true;
};

// Seconds east of UTC: "Z", "+02:00".
int parse_offset(digits& in) noexcept {
  char const sign = in.take();
  if (sign == 'Z' || sign == 'z') return 0;
  if (sign != '+' && sign != '-') in.fail();
  int const hours = in.number(2);
  in.expect(':');
  int const minutes = in.number(2);
  if (hours > 23 || minutes > 59) in.fail();
  return (sign == '-' ? -60 : 60) * (hours * 60 + minutes);
}

constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::uint8_t, 256> make_sextets() {
  std::array<std::uint8_t, 256> sextets{};
  sextets.fill(64);
  for (std::uint8_t i = 0; i < 64; ++i) sextets[static_cast<unsigned char>(alphabet[i])] = i;
  return sextets;
}
constexpr std::array<std::uint8_t, 256> sextets = make_sextets(); // 64: not in the alphabet

} // namespace

bool write_rfc3339(timestamp at, char* to) noexcept {
  using namespace std::chrono;
  std::int64_t const us = at.microseconds();
  if (us < year_0000 || us >= year_10000) return false;
  std::int64_t day = us / us_per_day;
  if (us % us_per_day < 0) --day;
  year_month_day const date{sys_days(days(day))};
  auto const in_day = static_cast<std::uint64_t>(us - day * us_per_day);
  auto const second = static_cast<unsigned>(in_day / us_per_second);
  write_digits(static_cast<unsigned>(static_cast<int>(date.year())), 4, to);
  to[4] = '-';
  write_digits(static_cast<unsigned>(date.month()), 2, to + 5);
  to[7] = '-';
  write_digits(static_cast<unsigned>(date.day()), 2, to + 8);
  to[10] = 'T';
  write_digits(second / 3600, 2, to + 11);
  to[13] = ':';
  write_digits(second / 60 % 60, 2, to + 14);
  to[16] = ':';
  write_digits(second % 60, 2, to + 17);
  to[19] = '.';
  write_digits(static_cast<unsigned>(in_day % us_per_second), 6, to + 20);
  to[26] = 'Z';
  return true;
}

std::optional<timestamp> parse_rfc3339(std::string_view text) noexcept {
  using namespace std::chrono;
  digits in(text);
  int const year_number = in.number(4);
  in.expect('-');
  auto const month_number = static_cast<unsigned>(in.number(2));
  in.expect('-');
  auto const day_number = static_cast<unsigned>(in.number(2));
  if (char const t = in.take(); t != 'T' && t != 't') in.fail();
  int const hour = in.number(2);
  in.expect(':');
  int const minute = in.number(2);
  in.expect(':');
  int const second = in.number(2);
  std::int64_t fraction = 0;
  if (in.next_is('.')) {
    in.take();
    int scale = 100'000;
    if (!in.digit_next()) in.fail();
    for (; in.digit_next() && scale > 0; scale /= 10) fraction += std::int64_t{scale} * in.number(1);
  }
  int const offset = parse_offset(in);
  year_month_day const date{year(year_number), month(month_number), day(day_number)};
  if (!in.good() || in.left() != 0 || !date.ok() || hour > 23 || minute > 59 || second > 59) return {};
  std::int64_t const days_since = sys_days(date).time_since_epoch().count();
  std::int64_t const seconds_of_day = (std::int64_t{hour} * 60 + minute) * 60 + second;
  std::int64_t const seconds_since = days_since * 86'400 + seconds_of_day - offset;
  return timestamp(seconds_since * us_per_second + fraction);
}

void write_base64(std::span<std::byte const> bytes, char* to) noexcept {
  auto const octet = [&](std::size_t i) {
    return i < bytes.size() ? std::to_integer<unsigned>(bytes[i]) : 0U;
  };
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned const group = (octet(i) << 16) | (octet(i + 1) << 8) | octet(i + 2);
    *to++ = alphabet[group >> 18];
    *to++ = alphabet[group >> 12 & 63];
    *to++ = i + 1 < bytes.size() ? alphabet[group >> 6 & 63] : '=';
    *to++ = i + 2 < bytes.size() ? alphabet[group & 63] : '=';
  }
}

bool parse_base64(std::string_view text, std::string& bytes) {
  bytes.clear();
  if (text.size() % 4 != 0) return false;
  bytes.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    bool const last = i + 4 == text.size();
    std::size_t const padding = !last || text[i + 3] != '=' ? 0U : text[i + 2] != '=' ? 1U : 2U;
    unsigned group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      unsigned const sextet = k < 4 - padding ? sextets[static_cast<unsigned char>(text[i + k])] : 0U;
      if (sextet == 64) return false;
      group = group << 6 | sextet;
    }
    // Bits that belong to no byte must be zero: one value, one text.
    if ((padding == 1 && (group & 0xffU) != 0) || (padding == 2 && (group & 0xffffU) != 0)) return false;
    bytes += static_cast<char>(group >> 16);
    if (padding < 2) bytes += static_cast<char>(group >> 8 & 0xff);
    if (padding < 1) bytes += static_cast<char>(group & 0xff);
  }
  return true;
}

} // namespace cleave::detail
