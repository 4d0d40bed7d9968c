// SPDX-License-Identifier: BSL-1.0
// Rows of the log that are taken inside SQLite's own loop.
//
// A statement that is stepped costs, for each row, a return to the program and a call for each column; one that looks up a single
// position costs its start and its end as well. So a row is handed to the program by a function in the statement's WHERE
// clause, which lets a row come out only when the program has enough; and the positions of a chain, each of which is known when the
// row before it has been seen, come out of a virtual table that asks the program for them.
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/sqlite/database.hpp>

#include <cstdint>
#include <exception>
#include <string_view>

struct sqlite3_value;

namespace cleave::sqlite {

// Who takes the rows of one run. The values are valid during the call, which must not use the connection.
class row_taker {
public:
  row_taker() = default;
  row_taker(row_taker const&) = delete;
  row_taker& operator=(row_taker const&) = delete;

  // False: it has enough. What it throws comes out of run_through.
  virtual bool take(sqlite3_value** row) = 0;
  // For a chain: the position of the next row; 0: there is none.
  virtual std::uint64_t next() noexcept { return 0; }

protected:
  ~row_taker() = default;

private:
  friend struct taking;
  std::exception_ptr thrown_;
};

// Once for each connection, before a statement with one of these is prepared:
//   cleave_take(?, columns...)   in a WHERE clause: hands the row to the taker.
//   cleave_chain(?) c            in a FROM clause: c.rowid is the taker's next(), asked for when the row before has been taken.
// ? is the taker. The clauses that choose the row must be decided before: CASE WHEN condition THEN cleave_take(...) END.
result<void> teach_rows(database& db);

// Binds the taker to the parameter ?place and runs until there is no more, or the taker has enough: then true. Other parameters are bound already.
result<bool> run_through(database& db, statement& rows, int place, row_taker& taker);

} // namespace cleave::sqlite
