// SPDX-License-Identifier: BSL-1.0
// Leases in SQLite: a row of cleave_leases, in the file of the read models (query/lease.hpp has the contract).
#pragma once

#include <cleave/query/lease.hpp>
#include <cleave/sqlite/database.hpp>

#include <optional>
#include <string_view>

namespace cleave::sqlite {

// Of one projection, on the connection of a session. Both must outlive it.
class leases {
public:
  leases(database& db, std::string_view projection) noexcept : db_(&db), projection_(projection) {}

  result<std::optional<lease>> find();
  result<void> put(lease const& changed);

private:
  database* db_;
  std::string_view projection_;
};

} // namespace cleave::sqlite
