// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/id.hpp>
#include <cleave/base/only_thread.hpp>

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <random>

namespace cleave {

namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// SplitMix64's finalizer (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014).
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
  return x ^ (x >> 31);
}

constexpr std::uint64_t in_network_order(std::uint64_t x) noexcept {
  if constexpr (std::endian::native == std::endian::little) return __builtin_bswap64(x);
  else return x;
}

std::uint64_t seed_of_the_system() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

} // namespace

result<uuid> uuid::parse(std::string_view text) {
  auto const refused = [&] {
    return unexpected(make_error(errc::invalid_argument,
                                 "\"{}\" is no UUID: 36 characters such as "
                                 "018f4e5c-7a3b-7c1d-8e2f-0123456789ab are wanted",
                                 text.substr(0, 64)));
  };
  if (text.size() != 36) return refused();
  std::array<std::uint8_t, size> bytes{};
  std::size_t digit = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return refused();
      continue;
    }
    int const value = hex_digit(text[i]);
    if (value < 0) return refused();
    bytes[digit / 2] = static_cast<std::uint8_t>((bytes[digit / 2] << 4) | value);
    ++digit;
  }
  return uuid(bytes);
}

uuid uuid::from_name(uuid const& space, std::string_view name) {
  boost::uuids::uuid root;
  std::copy(space.bytes().begin(), space.bytes().end(), root.begin());
  boost::uuids::uuid const made = boost::uuids::name_generator_sha1(root)(name.data(), name.size());
  std::array<std::uint8_t, size> bytes{};
  std::copy(made.begin(), made.end(), bytes.begin());
  return uuid(bytes);
}

std::string to_string(uuid const& id) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < uuid::size; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += digits[id.bytes()[i] >> 4];
    out += digits[id.bytes()[i] & 15];
  }
  return out;
}

uuid_v7_source::uuid_v7_source() : seed_(seed_of_the_system()) {}

uuid uuid_v7_source::next(timestamp now) noexcept {
  auto const wanted = static_cast<std::uint64_t>(std::max<std::int64_t>(now.milliseconds(), 0)) << 12;
  std::atomic_ref<std::uint64_t> last(last_);
  std::uint64_t seen = last.load(std::memory_order_relaxed);
  std::uint64_t mine = 0;
  if (detail::is_only_thread()) {
    mine = std::max(seen + 1, wanted);
    last.store(mine, std::memory_order_relaxed);
  } else {
    do {
      mine = std::max(seen + 1, wanted);
    } while (!last.compare_exchange_weak(seen, mine, std::memory_order_relaxed));
  }

  std::array<std::uint64_t, 2> const words{
      in_network_order(((mine >> 12) << 16) | 0x7000U | (mine & 0xfffU)),
      in_network_order((mix(seed_ ^ mix(mine)) >> 2) | 0x8000000000000000U)};
  return uuid(std::bit_cast<std::array<std::uint8_t, uuid::size>>(words));
}

id_source_ref::id_source_ref() noexcept
    : object_(nullptr), next_([](void*, timestamp now) {
        static uuid_v7_source source;
        return source.next(now);
      }) {}

} // namespace cleave
