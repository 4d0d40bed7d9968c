// SPDX-License-Identifier: BSL-1.0
// The part of a projection that is in an SQLite file: a row of cleave_partitions (query/partition.hpp has the contract).
#pragma once

#include <cleave/query/partition.hpp>
#include <cleave/sqlite/database.hpp>

#include <optional>
#include <string_view>

namespace cleave::sqlite {

// Of one projection, on the connection of a session. Both must outlive it.
class partitions {
public:
  partitions(database& db, std::string_view projection) noexcept : db_(&db), projection_(projection) {}

  result<std::optional<partition>> find();
  result<void> put(partition const& part);

private:
  database* db_;
  std::string_view projection_;
};

} // namespace cleave::sqlite
