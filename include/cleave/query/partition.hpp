// SPDX-License-Identifier: BSL-1.0
// Partitions: the keys of a projection divided into parts, each of which is fed by itself; and what a read store keeps of it.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/query/touch.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string_view>

namespace cleave {

// One part. A key belongs to the same one in every process and for ever.
struct partition {
  std::uint64_t index = 0; // 0 to count - 1
  std::uint64_t count = 1;

  bool is_all() const noexcept { return count == 1; }
  bool holds(std::string_view key) const noexcept { return detail::hash_text(key) % count == index; }
  friend bool operator==(partition const&, partition const&) = default;
};

// The part of one projection that a read store has, within a transaction or snapshot of it: find(), none where nobody has put one;
// put(part).
template <class T>
concept partition_table = requires(T& parts, partition const& part) {
  { parts.find() } -> std::same_as<result<std::optional<partition>>>;
  { parts.put(part) } -> std::same_as<result<void>>;
};

// A read store that can have a part of a projection: it names the type of the table, made of a session and the projection's name.
// What is put is part of the session's transaction.
template <class R>
concept keeps_partitions = requires(typename R::session& in, std::string_view projection) {
  { typename R::partitions(in, projection) } -> partition_table;
};

namespace detail {

// errc::invalid_argument: the read store has another part of the projection than the one that is wanted.
error other_partition(std::string_view projection, partition const& found, partition const& wanted);

} // namespace detail

} // namespace cleave
