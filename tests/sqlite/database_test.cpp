// SPDX-License-Identifier: BSL-1.0
#include <cleave/sqlite/database.hpp>

#include "small_store.hpp"

#include <array>
#include <limits>
#include <optional>

using namespace cleave;
using namespace cleave::test;

namespace {

struct file {
  scratch_folder folder;
  sqlite::database db = must(sqlite::database::open({.path = folder.file("app.db")}));
};

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

constexpr std::string_view nasty =
    "Robert'); DROP TABLE users;-- \"quoted\" `x` \xF0\x9F\xA6\x80 \xE2\x82\xAC % _ \\ \n";

} // namespace

TEST_CASE("every value comes back from a table as it was bound") {
  file f;
  must(f.db.run_script("CREATE TABLE t (i, u, d, s, b, flag, none, some, id)"));
  std::string const bytes = all_bytes();
  auto const blob = std::as_bytes(std::span(bytes));
  uuid const id = must(uuid::parse("018f4e5c-7a3b-7c1d-8e2f-0123456789ab"));
  auto const changed = f.db.execute("INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", INT64_MIN,
                                    std::uint32_t{4'000'000'000}, 0.1, nasty, blob, true, nullptr,
                                    std::optional<std::string>("x"), id);
  REQUIRE(must(changed) == 1);

  int rows = 0;
  must(f.db.for_each("SELECT * FROM t", [&](std::int64_t i, std::uint32_t u, double d, std::string_view s,
                                            std::span<std::byte const> b, bool flag, std::optional<int> none,
                                            std::optional<std::string> some, uuid stored) {
    ++rows;
    CHECK(i == INT64_MIN);
    CHECK(u == 4'000'000'000);
    CHECK(d == 0.1);
    CHECK(s == nasty);
    CHECK(std::equal(b.begin(), b.end(), blob.begin(), blob.end()));
    CHECK(flag);
    CHECK_FALSE(none.has_value());
    CHECK(some == "x");
    CHECK(stored == id);
  }));
  REQUIRE(rows == 1);
}

TEST_CASE("an empty text is no NULL, and a text may contain NUL") {
  file f;
  must(f.db.run_script("CREATE TABLE t (s TEXT NOT NULL, b BLOB NOT NULL)"));
  must(f.db.execute("INSERT INTO t VALUES (?1, ?2)", std::string_view(), std::span<std::byte const>()));
  must(f.db.execute("INSERT INTO t VALUES (?1, ?2)", std::string_view("a\0b", 3),
                    std::span<std::byte const>()));
  std::vector<std::string> texts;
  must(f.db.for_each("SELECT s, b FROM t ORDER BY rowid", [&](std::string s, std::vector<std::byte> b) {
    texts.push_back(std::move(s));
    CHECK(b.empty());
  }));
  REQUIRE(texts == std::vector<std::string>{"", std::string("a\0b", 3)});
}

TEST_CASE("a column of another type is an error that names it") {
  file f;
  auto const text_as_number = f.db.value<int>("SELECT 'seven' AS n");
  REQUIRE(failure_of(text_as_number).code() == errc::decode_failed);
  CHECK(text_as_number.error().text().find("column 0 (n)") != std::string::npos);
  CHECK(text_as_number.error().text().find("holds a text") != std::string::npos);

  CHECK(failure_of(f.db.value<int>("SELECT NULL")).code() == errc::decode_failed);
  CHECK(failure_of(f.db.value<std::int8_t>("SELECT 128")).code() == errc::decode_failed);
  CHECK(failure_of(f.db.value<unsigned>("SELECT -1")).code() == errc::decode_failed);
  CHECK(failure_of(f.db.value<bool>("SELECT 2")).code() == errc::decode_failed);
  CHECK(failure_of(f.db.value<uuid>("SELECT x'00'")).code() == errc::decode_failed);
  CHECK(failure_of(f.db.value<std::string>("SELECT x'00'")).code() == errc::decode_failed);
  CHECK(must(f.db.value<double>("SELECT 2")) == 2.0);
  CHECK(must(f.db.value<std::int64_t>("SELECT 1 WHERE 0")) == std::nullopt);
}

TEST_CASE("a wrong number of parameters or columns is an error") {
  file f;
  CHECK(failure_of(f.db.execute("SELECT ?1, ?2", 1)).code() == errc::invalid_argument);
  CHECK(failure_of(f.db.execute("SELECT 1", 1)).code() == errc::invalid_argument);
  CHECK(failure_of(f.db.first<int, int>("SELECT 1")).code() == errc::invalid_argument);
  CHECK(failure_of(f.db.execute("SELECT 1; SELECT 2")).code() == errc::invalid_argument);
  CHECK(failure_of(f.db.execute("")).code() == errc::invalid_argument);
  CHECK(failure_of(f.db.execute("SELECT ?1", std::numeric_limits<std::uint64_t>::max())).code() ==
        errc::limit_exceeded);
  auto const wrong = f.db.execute("SELEKT 1");
  REQUIRE(failure_of(wrong).code() == errc::invalid_argument);
  CHECK(wrong.error().text().find("app.db") != std::string::npos);
  CHECK(wrong.error().text().find("SELEKT 1") != std::string::npos);
  CHECK(wrong.error().text().find("syntax error") != std::string::npos);
}

TEST_CASE("a broken rule of a table has its own code, and its kind can be asked for") {
  using rule = sqlite::database::rule;
  file f;
  must(f.db.run_script(
      "CREATE TABLE user (id INTEGER PRIMARY KEY, mail TEXT NOT NULL UNIQUE, age INTEGER CHECK (age >= 0));"
      "CREATE TABLE pet (owner INTEGER NOT NULL REFERENCES user (id))"));
  must(f.db.execute("INSERT INTO user VALUES (1, 'a@x', 3)"));
  auto const breaks = [&](std::string_view sql) {
    auto const done = f.db.execute(sql);
    REQUIRE(failure_of(done).code() == errc::constraint_violated);
    return f.db.violated_rule();
  };
  CHECK(breaks("INSERT INTO user VALUES (2, 'a@x', 3)") == rule::unique);
  CHECK(breaks("INSERT INTO user VALUES (1, 'b@x', 3)") == rule::primary_key);
  CHECK(breaks("INSERT INTO user VALUES (2, 'b@x', -1)") == rule::check);
  CHECK(breaks("INSERT INTO user VALUES (2, NULL, 1)") == rule::not_null);
  CHECK(breaks("INSERT INTO pet VALUES (7)") == rule::foreign_key);
}

TEST_CASE("execute counts the rows of its own statement") {
  file f;
  must(f.db.run_script("CREATE TABLE t (x)"));
  CHECK(must(f.db.execute("INSERT INTO t VALUES (1), (2), (3)")) == 3);
  CHECK(must(f.db.execute("UPDATE t SET x = 9 WHERE x > 1")) == 2);
  CHECK(must(f.db.execute("UPDATE t SET x = 9 WHERE x = 77")) == 0);
  CHECK(must(f.db.execute("CREATE TABLE u (y)")) == 0);
  CHECK(must(f.db.execute("SELECT * FROM t")) == 0);
  CHECK(must(f.db.execute("DELETE FROM t")) == 3);
}

TEST_CASE("the same SQL can run inside itself") {
  file f;
  must(f.db.run_script("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3)"));
  constexpr std::string_view sql = "SELECT x FROM t ORDER BY x";
  int pairs = 0;
  must(f.db.for_each(sql, [&](int) { must(f.db.for_each(sql, [&](int) { ++pairs; })); }));
  REQUIRE(pairs == 9);
}

TEST_CASE("more statements than the cache holds are all right") {
  file f;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 200; ++i) REQUIRE(must(f.db.value<int>("SELECT " + std::to_string(i))) == i);
  }
}

TEST_CASE("for_each ends when its function says so, or fails") {
  file f;
  must(f.db.run_script("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3)"));
  int seen = 0;
  must(f.db.for_each("SELECT x FROM t", [&](int) { return ++seen < 2; }));
  CHECK(seen == 2);
  auto const failed = f.db.for_each("SELECT x FROM t", [](int x) -> result<void> {
    if (x == 2) return unexpected(error(errc::not_found, "two"));
    return {};
  });
  CHECK(failure_of(failed).code() == errc::not_found);
  must(f.db.run_script("DROP TABLE t")); // no statement is left running
}

TEST_CASE("a database that may not be made or is not there says so") {
  scratch_folder const folder;
  CHECK(failure_of(sqlite::database::open({.path = ""})).code() == errc::invalid_argument);
  CHECK(failure_of(sqlite::database::open({.path = std::string("a\0b", 3)})).code() ==
        errc::invalid_argument);
  CHECK(failure_of(sqlite::database::open({.path = folder.file("no/such/folder.db")})).code() ==
        errc::not_found);
  CHECK(failure_of(sqlite::database::open({.path = folder.file("x.db"), .create = false})).code() ==
        errc::not_found);
  CHECK(failure_of(sqlite::database::open({.path = folder.file("x.db"), .vfs = "none-such"})).code() ==
        errc::not_found);
}

TEST_CASE("a file name that looks like a URI or like memory is a file name") {
  scratch_folder const folder;
  auto const before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  for (std::string const name : {"file:x?mode=memory", ":memory:"}) {
    auto db = must(sqlite::database::open({.path = name}));
    must(db.run_script("CREATE TABLE t (x)"));
    CHECK(std::filesystem::exists(name));
  }
  std::filesystem::current_path(before);
}

TEST_CASE("a connection for reading changes nothing") {
  file f;
  must(f.db.run_script("CREATE TABLE t (x)"));
  auto reader = must(sqlite::database::open({.path = f.folder.file("app.db"), .read_only = true}));
  CHECK(failure_of(reader.execute("INSERT INTO t VALUES (1)")).code() == errc::read_only);
}

TEST_CASE("a lock held by another connection is errc::busy when the wait is over") {
  file f;
  auto other = must(sqlite::database::open({.path = f.folder.file("app.db"), .busy_wait_ms = 1}));
  must(f.db.run_script("CREATE TABLE t (x); BEGIN EXCLUSIVE"));
  CHECK(failure_of(other.execute("INSERT INTO t VALUES (1)")).code() == errc::busy);
  must(f.db.run_script("COMMIT"));
  must(other.execute("INSERT INTO t VALUES (1)"));
}
