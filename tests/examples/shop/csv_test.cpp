// SPDX-License-Identifier: BSL-1.0
#include "cli/csv.hpp"
#include "scratch_folder.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

using fields = std::vector<std::optional<std::string>>;

std::vector<shop::csv_record> split(std::string_view text) {
  std::vector<shop::csv_record> records;
  shop::csv_splitter splitter(text);
  while (auto record = splitter.next()) records.push_back(*record);
  return records;
}
fields only(std::string_view text) {
  auto const records = split(text);
  REQUIRE(records.size() == 1);
  CHECK(records[0].problem == "");
  return records[0].fields;
}

} // namespace

TEST_CASE("fields are split at commas that stand outside quotes") {
  CHECK(only("a,b,c") == fields{"a", "b", "c"});
  CHECK(only("\"a,b\",c") == fields{"a,b", "c"});
  CHECK(only("\"the \"\"best\"\"\",x") == fields{"the \"best\"", "x"});
  CHECK(only(",,") == fields{"", "", ""});
  CHECK(only("\"\",a") == fields{"", "a"});
  CHECK(only("\"two\nlines\",a") == fields{"two\nlines", "a"});
  CHECK(only("5\" pipe,a") == fields{"5\" pipe", "a"});
}

TEST_CASE("NULL without quotes is no value, with quotes a text") {
  CHECK(only("NULL,\"NULL\",null") == fields{std::nullopt, "NULL", "null"});
}

TEST_CASE("lines end with LF or CRLF or the file, and a byte order mark is no text") {
  for (std::string_view text : {"a,b\nc,d", "a,b\nc,d\n", "a,b\r\nc,d\r\n",
                                "\xEF\xBB\xBF"
                                "a,b\n\n\r\nc,d\n"}) {
    auto const records = split(text);
    REQUIRE(records.size() == 2);
    CHECK(records[0].fields == fields{"a", "b"});
    CHECK(records[1].fields == fields{"c", "d"});
  }
  CHECK(split("").empty());
  CHECK(split("\n\n").empty());
}

TEST_CASE("a record knows the line in which it begins") {
  auto const records = split("a\n\n\"b\nb\nb\"\nc\n");
  REQUIRE(records.size() == 3);
  CHECK(records[0].line == 1);
  CHECK(records[1].line == 3);
  CHECK(records[2].line == 6);
}

TEST_CASE("a broken record says what is wrong with it, and the next one is read") {
  auto const records = split("\"a\"b,c\n\xff,d\nok,ok\n\"never closed,\nx");
  REQUIRE(records.size() == 4);
  CHECK(records[0].problem == "something stands behind a closing quote");
  CHECK(records[1].problem == "it is not UTF-8");
  CHECK(records[2].problem == "");
  CHECK(records[3].problem == "a quote is opened and never closed");
}

TEST_CASE("a table finds its columns by name and fits its rows to them") {
  scratch_folder const folder;
  auto const path = folder.write(
      "t.csv", "id,address,city\n1,\"12, rue X\",Lyon\n2,12, rue X,Lyon\n3,,NULL\n4,x\n5,a,b,c,d\n");

  SECTION("with a loose column, surplus commas belong to it") {
    auto const table = shop::csv_table::open(path, {"city", "id"}, "address");
    REQUIRE(table);
    auto const rows = table->rows();
    REQUIRE(rows.size() == 5);
    CHECK(rows[0]["address"] == "12, rue X");
    CHECK(rows[1]["address"] == "12, rue X");
    CHECK(rows[1]["city"] == "Lyon");
    CHECK(rows[2]["city"] == std::nullopt);
    CHECK(rows[3].problem() == "2 fields, there are 3 columns");
    CHECK(rows[4]["address"] == "a,b,c");
    CHECK(rows[4].line() == 6);
  }
  SECTION("without one, a row with surplus commas is bad") {
    auto const table = shop::csv_table::open(path, {"id"});
    REQUIRE(table);
    CHECK(table->rows()[1].problem() == "4 fields, there are 3 columns");
  }
  SECTION("a column that is not there is named") {
    auto const table = shop::csv_table::open(path, {"id", "price"});
    REQUIRE(!table);
    CHECK(table.error().text() == path + ":1: there is no column price");
  }
}

TEST_CASE("a file that is not there, or empty, is an error that names it") {
  scratch_folder const folder;
  auto const missing = shop::csv_table::open(folder.path("none.csv"), {});
  REQUIRE(!missing);
  CHECK(missing.error().code() == cleave::errc::not_found);
  auto const empty = shop::csv_table::open(folder.write("empty.csv", ""), {});
  REQUIRE(!empty);
  CHECK(empty.error().code() == cleave::errc::decode_failed);
}
