// SPDX-License-Identifier: BSL-1.0
#include <cleave/sqlite/partitions.hpp>

namespace cleave::sqlite {

static_assert(cleave::partition_table<partitions>);

result<std::optional<partition>> partitions::find() {
  auto const row = db_->first<std::uint64_t, std::uint64_t>(
      "SELECT part, parts FROM cleave_partitions WHERE projection = ?1", projection_);
  if (!row) return unexpected(row.error());
  if (!*row) return std::optional<partition>();
  auto const& [index, count] = **row;
  return std::optional(partition{index, count});
}

result<void> partitions::put(partition const& part) {
  auto const stored = db_->execute(
      "INSERT INTO cleave_partitions (projection, part, parts) VALUES (?1, ?2, ?3)", projection_, part.index,
      part.count);
  if (!stored) return unexpected(stored.error());
  return {};
}

} // namespace cleave::sqlite
