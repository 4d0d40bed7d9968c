// SPDX-License-Identifier: BSL-1.0
#include "small_store.hpp"
#include "sqlite/log_rows.hpp"

#include <sqlite3.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

namespace {

using namespace cleave;
using namespace cleave::test;

// Numbers 1 to 20 in a table.
struct numbers {
  numbers() {
    must(sqlite::teach_rows(db));
    must(db.run_script("CREATE TABLE n (x INTEGER PRIMARY KEY, half INTEGER)"));
    for (int i = 1; i <= 20; ++i) must(db.execute("INSERT INTO n VALUES (?1, ?1 / 2)", i));
  }
  scratch_folder folder;
  sqlite::database db = must(sqlite::database::open({.path = folder.file("numbers.db")}));
};

// Takes numbers up to `most`, and goes from each to its half.
class halves final : public sqlite::row_taker {
public:
  explicit halves(std::size_t most, std::uint64_t first = 0) : most_(most), next_(first) {}
  bool take(sqlite3_value** row) override {
    taken.push_back(sqlite3_value_int64(row[0]));
    next_ = static_cast<std::uint64_t>(sqlite3_value_int64(row[1]));
    if (taken.back() == 13) throw std::runtime_error("thirteen");
    return taken.size() < most_;
  }
  std::uint64_t next() noexcept override { return std::exchange(next_, 0); }

  std::vector<std::int64_t> taken;

private:
  std::size_t most_;
  std::uint64_t next_;
};

constexpr std::string_view all = "SELECT 1 FROM n WHERE x > 3 AND cleave_take(?1, x, half) ORDER BY x";
constexpr std::string_view chain =
    "SELECT 1 FROM cleave_chain(?1) c CROSS JOIN n ON n.x = c.rowid WHERE cleave_take(?1, x, half)";

result<bool> run(sqlite::database& db, std::string_view sql, sqlite::row_taker& taker) {
  auto rows = must(db.prepare(sql));
  return sqlite::run_through(db, rows, 1, taker);
}

} // namespace

TEST_CASE("rows are taken in order until there is enough, or no more") {
  numbers n;
  halves three(3);
  CHECK(must(run(n.db, all, three)));
  CHECK(three.taken == std::vector<std::int64_t>{4, 5, 6});
  halves few(100, 0);
  CHECK_FALSE(must(run(n.db, "SELECT 1 FROM n WHERE x < 3 AND cleave_take(?1, x, half)", few)));
  CHECK(few.taken == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("what a taker throws comes out, and the statement can run again") {
  numbers n;
  halves many(100);
  CHECK_THROWS_AS(run(n.db, all, many), std::runtime_error);
  CHECK(many.taken.back() == 13);
  halves again(2);
  CHECK(must(run(n.db, all, again)));
}

TEST_CASE("a chain goes from row to row, and ends where a row is missing") {
  numbers n;
  halves whole(100, 20);
  CHECK_FALSE(must(run(n.db, chain, whole)));
  CHECK(whole.taken == std::vector<std::int64_t>{20, 10, 5, 2, 1});
  must(n.db.execute("DELETE FROM n WHERE x = 5"));
  halves part(100, 20);
  CHECK_FALSE(must(run(n.db, chain, part)));
  CHECK(part.taken == std::vector<std::int64_t>{20, 10});
  halves enough(1, 20);
  CHECK(must(run(n.db, chain, enough)));
}

TEST_CASE("SQL without the store's own taker gets an error") {
  numbers n;
  for (char const* const sql : {"SELECT cleave_take(1, 2)", "SELECT * FROM cleave_chain",
                                "SELECT * FROM cleave_chain(17)", "SELECT cleave_take(NULL)"}) {
    CAPTURE(sql);
    CHECK(failure_of(n.db.execute(sql)).code() != errc::corrupt);
  }
  // Without any value at all there is nothing to look at.
  CHECK_FALSE(n.db.execute("SELECT cleave_take()").has_value());
}
