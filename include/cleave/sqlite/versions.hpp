// SPDX-License-Identifier: BSL-1.0
// The versions of a projection in SQLite: a row of cleave_versions, in the file of the read models (query/projection_versions.hpp
// has the contract).
#pragma once

#include <cleave/query/projection_versions.hpp>
#include <cleave/sqlite/database.hpp>

#include <span>
#include <string_view>

namespace cleave::sqlite {

// Of one projection, on the connection of a session. Both must outlive it.
class versions {
public:
  versions(database& db, std::string_view projection) noexcept : db_(&db), projection_(projection) {}

  result<projection_versions> find(std::string_view first);
  result<void> put(projection_versions const& changed);
  result<position> checkpoint(std::string_view version);
  // Of the values in all columns, in their order; the rowid counts where it is a column. errc::invalid_argument without the table.
  result<table_digest> digest(std::string_view table);
  // The indices of the tables and their triggers go too; no trigger hears of it.
  result<std::uint64_t> clear(std::string_view version, std::span<std::string_view const> tables,
                              std::uint64_t most);

private:
  database* db_;
  std::string_view projection_;
};

} // namespace cleave::sqlite
