// SPDX-License-Identifier: BSL-1.0
// What a database object owns: the handle, the path for messages, and the cache of prepared statements.
#pragma once

#include <cleave/sqlite/database.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::sqlite::detail {

struct connection {
  struct cached {
    std::size_t hash;
    sqlite3_stmt* handle; // nullptr: a free place
    std::uint64_t last_used;
  };
  static constexpr std::size_t cache_places = 64;

  sqlite3* handle = nullptr;
  std::string path;
  std::vector<cached> cache;
  std::uint64_t uses = 0;
  int last_failure = 0; // extended result code

  // Takes the idle statement for `sql` out of the cache, or nullptr.
  sqlite3_stmt* take(std::string_view sql);
  // Puts an idle statement into the cache; the longest unused one makes room.
  void put(sqlite3_stmt* idle) noexcept;
  // The error for the call that failed just now.
  error failure(int code, std::string_view doing, std::string_view sql);
};

} // namespace cleave::sqlite::detail
