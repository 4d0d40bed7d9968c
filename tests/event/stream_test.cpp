// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/stream.hpp>

#include <catch2/catch.hpp>

#include <cstdint>
#include <limits>
#include <string>

TEST_CASE("a stream's name is a category and an id, parted at the first dash") {
  CHECK(cleave::stream_name("order-10248").category() == "order");
  CHECK(cleave::stream_name("order-10248").id() == "10248");
  CHECK(cleave::stream_name("order-a-b").id() == "a-b");
  CHECK(cleave::stream_name("order").category() == "order");
  CHECK(cleave::stream_name("order").id().empty());
}

TEST_CASE("a stream's name is built from a text or a whole number") {
  CHECK(cleave::stream_buffer("order", "x").name().text() == "order-x");
  CHECK(cleave::stream_buffer("order", 10248).name().text() == "order-10248");
  CHECK(cleave::stream_buffer("order", std::numeric_limits<std::int64_t>::min()).name().text() ==
        "order--9223372036854775808");
  CHECK(cleave::stream_buffer("order", std::numeric_limits<std::uint64_t>::max()).name().text() ==
        "order-18446744073709551615");
}

TEST_CASE(
    "what a stream is known by differs wherever the streams of a category do, also between a number and a text") {
  auto const key = [](auto id) { return std::string(cleave::stream_buffer("order", id).key()); };
  CHECK(key(1) == key(std::uint64_t{1}));
  CHECK(key(1) == key(std::int8_t{1}));
  CHECK(key(1) != key(-1));
  CHECK(key(-1) != key(std::numeric_limits<std::uint64_t>::max())); // the same bits
  CHECK(key(std::string("x")) == "order-x");
  std::int64_t const like_text = 0x3131313131313131;
  CHECK(key(like_text) != key(std::string("11111111")));
  CHECK(key(like_text).front() < ' '); // in no name that a store takes
}

TEST_CASE("a name that was cut to fit the buffer is refused all the same") {
  std::string const fits(cleave::limits::stream_name_bytes - 2, 'x');
  CHECK(cleave::check_stream_name(cleave::stream_buffer("o", fits).name()));
  for (std::size_t more : {std::size_t{1}, std::size_t{2}, std::size_t{1000}}) {
    auto const refused = cleave::check_stream_name(
        cleave::stream_buffer("o", fits + std::string(more, 'x')).name());
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code() == cleave::errc::limit_exceeded);
  }
}

TEST_CASE("a name is one byte to its limit, of UTF-8 without control characters") {
  auto const code = [](std::string_view name) {
    auto const good = cleave::check_name("thing", name, 8);
    return good ? cleave::errc{} : good.error().code();
  };
  for (std::string_view good : {"a", "12345678", "'; --", "\xF0\x9F\x98\x80", "\xE2\x82\xAC", "a b"})
    CHECK(code(good) == cleave::errc{});
  CHECK(code("") == cleave::errc::invalid_argument);
  CHECK(code("123456789") == cleave::errc::limit_exceeded);
  for (std::string_view bad :
       {std::string_view("a\0b", 3), std::string_view("\n"), std::string_view("\x1f"),
        std::string_view("\x7f"), std::string_view("\x80"), std::string_view("\xc0\x80"),
        std::string_view("\xed\xa0\x80"), std::string_view("\xf4\x90\x80\x80"), std::string_view("\xe2\x82"),
        std::string_view("ok\xff")}) {
    CHECK(code(bad) == cleave::errc::invalid_argument);
  }
  CHECK_THAT(cleave::check_name("stream name", std::string_view("ab\0c", 4), 8).error().text(),
             Catch::Contains("stream name") && Catch::Contains("offset 2"));
}
