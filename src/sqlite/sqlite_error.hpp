// SPDX-License-Identifier: BSL-1.0
// From SQLite's result codes to cleave's errors.
#pragma once

#include <cleave/base/error.hpp>

#include <string_view>

struct sqlite3;

namespace cleave::sqlite {

// The cleave code for an SQLite result code, basic or extended.
errc to_errc(int sqlite_code) noexcept;

// The error for the call that just failed on `db` (nullptr: it could not even be opened) with `sqlite_code`:
// "bank.db: cannot step \"INSERT ...\": UNIQUE constraint failed: user.mail (SQLITE_CONSTRAINT_UNIQUE)".
error sqlite_error(sqlite3* db, int sqlite_code, std::string_view path, std::string_view doing,
                   std::string_view sql = {});

} // namespace cleave::sqlite
