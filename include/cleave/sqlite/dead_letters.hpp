// SPDX-License-Identifier: BSL-1.0
// Dead letters in SQLite: rows of cleave_dead_letters, in the file of the read models (query/dead_letter.hpp has the contract).
#pragma once

#include <cleave/query/dead_letter.hpp>
#include <cleave/sqlite/database.hpp>

#include <cstdint>
#include <string_view>

namespace cleave::sqlite {

// Of one projection, on the connection of a session. Both must outlive it.
class dead_letters {
public:
  dead_letters(database& db, std::string_view projection) noexcept : db_(&db), projection_(projection) {}

  result<std::uint64_t> count();
  result<bool> any();
  result<bool> holds(std::string_view key);
  result<void> park(dead_letter const& letter);
  result<void> list(dead_letter_range const& range, cleave::detail::dead_letter_sink sink);
  result<bool> tried(position at, std::string_view failure, timestamp now);
  result<bool> remove(position at);
  result<bool> discard(position at, std::string_view reason);

private:
  database* db_;
  std::string_view projection_;
};

} // namespace cleave::sqlite
