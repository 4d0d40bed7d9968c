// SPDX-License-Identifier: BSL-1.0
// Rows that go from the program into a table by one statement.
//
// An INSERT that is run for each row starts, searches its place from the root of the table, and ends each time. One
// INSERT ... SELECT from a virtual table that asks the program for its rows starts once and stays at the end of the table: at 64 rows
// of the log it takes two thirds of the instructions, at 512 rows half.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/sqlite/database.hpp>

#include <cstdint>
#include <string_view>

struct sqlite3_context;

namespace cleave::sqlite {

// One value of the row that is asked for. NULL where nothing is said. Texts and blobs must live until the row has been taken.
class fed_value {
public:
  explicit fed_value(sqlite3_context* to) noexcept : to_(to) {}
  void integer(std::int64_t value) const noexcept;
  void text(std::string_view value) const noexcept;
  void blob(void const* data, std::size_t size) const noexcept;

private:
  sqlite3_context* to_;
};

// Who gives the rows of one run; it must not use the connection, and must not throw.
class row_feed {
public:
  row_feed() = default;
  row_feed(row_feed const&) = delete;
  row_feed& operator=(row_feed const&) = delete;

  // Goes to the first row, then to the next one. False: there is none.
  virtual bool next() noexcept = 0;
  virtual void give(int column, fed_value to) const noexcept = 0;

protected:
  ~row_feed() = default;
};

// Once for each connection, before a statement with `cleave_rows(?)` in its FROM clause is prepared; its columns are a to l, ? is the feed.
result<void> teach_feed(database& db);

// Runs the statement, whose only parameter is the feed.
result<void> run_fed(database& db, statement& insert, row_feed& feed);

} // namespace cleave::sqlite
