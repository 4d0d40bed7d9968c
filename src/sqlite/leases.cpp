// SPDX-License-Identifier: BSL-1.0
#include <cleave/sqlite/leases.hpp>

namespace cleave::sqlite {

static_assert(cleave::lease_table<leases>);

result<std::optional<lease>> leases::find() {
  auto const row = db_->first<uuid, std::uint64_t, std::int64_t>(
      "SELECT owner, term, expires_at FROM cleave_leases WHERE projection = ?1", projection_);
  if (!row) return unexpected(row.error());
  if (!*row) return std::optional<lease>();
  auto const& [owner, term, until] = **row;
  return std::optional(lease{owner, term, timestamp(until)});
}

result<void> leases::put(lease const& changed) {
  auto const stored = db_->execute(
      "INSERT INTO cleave_leases (projection, owner, term, expires_at) VALUES (?1, ?2, ?3, ?4) "
      "ON CONFLICT (projection) DO UPDATE SET owner = excluded.owner, term = excluded.term, expires_at = excluded.expires_at",
      projection_, changed.owner, changed.term, changed.until.microseconds());
  if (!stored) return unexpected(stored.error());
  return {};
}

} // namespace cleave::sqlite
