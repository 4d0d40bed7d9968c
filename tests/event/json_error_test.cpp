// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/codec.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <tuple>
#include <variant>
#include <vector>

using cleave::codec;
using cleave::errc;

namespace {

enum class shade { light, dark = 7 };
BOOST_DESCRIBE_ENUM(shade, light, dark)

struct line {
  std::string product;
  std::uint8_t quantity = 0;
  double weight = 0;
  shade color = shade::light;
};
BOOST_DESCRIBE_STRUCT(line, (), (product, quantity, weight, color))
struct order {
  std::vector<line> lines;
  std::map<std::string, line> extras;
  std::optional<std::string> note;
};
BOOST_DESCRIBE_STRUCT(order, (), (lines, extras, note))

struct card {
  static constexpr std::string_view alternative_name = "card";
  std::string number;
};
BOOST_DESCRIBE_STRUCT(card, (), (number))
struct cash {
  static constexpr std::string_view alternative_name = "cash";
};
BOOST_DESCRIBE_STRUCT(cash, (), ())

struct tree {
  std::vector<tree> children;
};
BOOST_DESCRIBE_STRUCT(tree, (), (children))

struct odd { // its codec is the test's
  enum kind { binary, throwing, refusing, shrinking } how = binary;
};
struct holder {
  odd inner;
};
BOOST_DESCRIBE_STRUCT(holder, (), (inner))

template <class T> std::string decode_error(std::string_view text, errc code = errc::decode_failed) {
  auto const read = codec<T>::decode(text);
  if (read) return "decoded";
  CHECK(read.error().code() == code);
  return read.error().text();
}
template <class T> std::string encode_error(T const& value, errc code = errc::encode_failed) {
  std::string out = "before";
  auto const done = codec<T>::encode(value, out);
  CHECK(out == "before");
  if (done) return "encoded";
  CHECK(done.error().code() == code);
  return done.error().text();
}

} // namespace

template <> struct cleave::codec<odd> {
  static result<void> encode(odd const& value, std::string& out) {
    switch (value.how) {
    case odd::binary: out += "\x01\x02"; return {};
    case odd::throwing: throw std::runtime_error("no ink");
    case odd::refusing: return unexpected(make_error(errc::encode_failed, "not today"));
    case odd::shrinking: out.clear(); return {};
    }
    return {};
  }
  static result<odd> decode(std::string_view data) {
    if (data == "1") throw std::runtime_error("no light");
    return unexpected(make_error(errc::decode_failed, "not even today"));
  }
};

TEST_CASE("a decoding error names the path, what was wanted, what was found and the byte") {
  CHECK(decode_error<order>(R"({"lines":[{},{},{"quantity":-1}]})") ==
        "lines[2].quantity: wanted an integer from 0 to 255, found -1 at offset 28");
  CHECK(decode_error<order>(R"({"lines":[{"quantity":256}]})") ==
        "lines[0].quantity: wanted an integer from 0 to 255, found 256 at offset 22");
  CHECK(decode_error<order>(R"({"lines":[{"quantity":"3"}]})") ==
        "lines[0].quantity: wanted an integer from 0 to 255, found the text \"3\" at offset 22");
  CHECK(decode_error<order>(R"({"lines":[{"product":null}]})") ==
        "lines[0].product: wanted a text, found null at offset 21");
  CHECK(decode_error<order>(R"({"lines":{}})") == "lines: wanted an array, found an object at offset 9");
  CHECK(decode_error<order>(R"({"lines":[3]})") == "lines[0]: wanted an object, found 3 at offset 10");
  CHECK(decode_error<order>(R"({"extras":{"a\u0000b":{"weight":[]}}})") ==
        R"(extras["a\x00b"].weight: wanted a number, found an array at offset 32)");
  CHECK(decode_error<order>(R"({"note":true})") == "note: wanted a text, found true at offset 8");
  CHECK(decode_error<order>(R"({"lines":[{"color":"red"}]})") ==
        R"(lines[0].color: wanted one of "light", "dark", found the text "red" at offset 19)");
  CHECK(decode_error<order>(R"({"lines":[{"color":7}]})") ==
        R"(lines[0].color: wanted one of "light", "dark", found 7 at offset 19)");
  CHECK(decode_error<order>("[]") == "wanted an object, found an array at offset 0");
  CHECK(decode_error<order>("") == "wanted an object, found the end at offset 0");
  CHECK(decode_error<order>("{} x") == "wanted the end, found x at offset 3");
  CHECK(decode_error<order>("{}\xff") == "wanted the end, found the byte 0xff at offset 2");
}

TEST_CASE("a number out of range or of another kind is refused") {
  CHECK(decode_error<std::int8_t>("128") == "wanted an integer from -128 to 127, found 128 at offset 0");
  CHECK(decode_error<std::int8_t>("-129") == "wanted an integer from -128 to 127, found -129 at offset 0");
  for (std::string_view text :
       {"9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999",
        "1844674407370955161600", "1.0", "1e3", "01", "-", "+1", "--1", "0x10", "1_000", "NaN", "true"}) {
    CHECK_FALSE(codec<std::int64_t>::decode(text));
  }
  for (std::string_view text :
       {"18446744073709551616", "18446744073709551620", "19999999999999999999", "20000000000000000000",
        "28446744073709551615", "100000000000000000000", "-1"}) {
    CHECK_FALSE(codec<std::uint64_t>::decode(text));
  }
  for (std::string_view text : {"1.", ".5", "1e", "1e+", "-", "01.5", "1.5.2", "Infinity", "inf", "nan",
                                "0x1p3", "1e999", "-1e999"}) {
    CHECK_FALSE(codec<double>::decode(text));
  }
  CHECK(decode_error<float>("1e39") == "wanted a number in the range of float, found 1e39 at offset 0");
  CHECK_FALSE(codec<bool>::decode("1"));
  CHECK_FALSE(codec<bool>::decode("tru"));
  CHECK_FALSE(codec<bool>::decode("truex"));
}

TEST_CASE("a text that is not well-formed is refused where it breaks") {
  CHECK(decode_error<std::string>("\"ab") == "the text has no closing quote at offset 3");
  CHECK(decode_error<std::string>("\"ab\\") == "the text has no closing quote at offset 4");
  CHECK(decode_error<std::string>("\"a\nb\"") ==
        "the text has a bare control character (byte 0x0a) at offset 2");
  CHECK(decode_error<std::string>(R"("\x")") == "the text has an unknown escape at offset 1");
  CHECK(decode_error<std::string>(R"("\u12g4")") ==
        "the text has a \\u without four hexadecimal digits at offset 1");
  CHECK(decode_error<std::string>(R"("\u12)") ==
        "the text has a \\u without four hexadecimal digits at offset 1");
  for (std::string_view half : {R"("\ud800")", R"("\ud800x")", R"("\ud800\n")", R"("\ud800\u0041")",
                                R"("\udc00")", R"("\ud800\ud800")"}) {
    CHECK(decode_error<std::string>(half) == "the text has half a surrogate pair at offset 1");
  }
  for (std::string_view bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xff"}) {
    std::string const quoted = '"' + std::string(bad) + '"';
    CHECK(decode_error<std::string>(quoted).find("the text is not UTF-8") == 0);
    CHECK(decode_error<line>("{\"unknown\":" + quoted + "}").find("\"unknown\": the text is not UTF-8") == 0);
    CHECK(decode_error<line>("{" + quoted + ":1}").find("the text is not UTF-8") == 0);
  }
}

TEST_CASE("a byte that may not stand in a text is refused wherever it stands, and the others come back") {
  for (std::size_t place = 0; place < 24; ++place) {
    for (int value = 0; value < 256; ++value) {
      std::string text(24, 'x');
      text[place] = static_cast<char>(value);
      if (bool const bare = value >= 0x20 && value < 0x80 && value != '\\' && value != '"'; !bare)
        REQUIRE(decode_error<std::string>('"' + text + '"') != "decoded");
      if (value >= 0x80) {
        REQUIRE(encode_error(text).find("UTF-8") != std::string::npos);
      } else {
        std::string out;
        REQUIRE(codec<std::string>::encode(text, out));
        REQUIRE(codec<std::string>::decode(out).value() == text);
      }
    }
  }
}

TEST_CASE("what stands twice is refused") {
  CHECK(decode_error<line>(R"({"quantity":1,"product":"a","quantity":2})") ==
        "the field quantity stands twice at offset 28");
  CHECK(decode_error<line>(R"({"product":"a","product":"b"})") ==
        "the field product stands twice at offset 15");
  CHECK(decode_error<std::map<std::string, int>>(R"({"a":1,"\u0061":2})") ==
        "the name \"a\" stands twice at offset 7");
}

TEST_CASE("broken structure is refused") {
  CHECK(decode_error<line>(R"({"quantity":1,})") == "wanted a name, found the byte 0x7d at offset 14");
  CHECK(decode_error<line>(R"({"quantity" 1})") == "wanted ':', found 1 at offset 12");
  CHECK(decode_error<line>(R"({"quantity":1)") == "wanted ',' or '}', found the end at offset 13");
  CHECK(decode_error<line>(R"({"x":[1 2]})") == "\"x\": wanted ',' or ']', found 2 at offset 8");
  CHECK(decode_error<line>(R"({"x":{"a":1]})") ==
        "\"x\": wanted ',' or '}', found the byte 0x5d at offset 11");
  CHECK(decode_error<line>(R"({"x":})") == "\"x\": wanted a value, found the byte 0x7d at offset 5");
  CHECK(decode_error<std::vector<int>>("[1,]") ==
        "[1]: wanted an integer from -2147483648 to 2147483647, found the byte 0x5d at offset 3");
  CHECK(decode_error<std::array<int, 2>>("[1]") ==
        "wanted an array of 2 elements, found one of 1 at offset 0");
  CHECK(decode_error<std::pair<int, int>>("[1,2,3]") ==
        "wanted an array of 2 elements, found a longer one at offset 0");
  CHECK(decode_error<std::pair<int, int>>("[1 2]") == "wanted ',' or ']', found 2 at offset 3");
}

TEST_CASE("a variant wants exactly one known alternative") {
  using payment = std::variant<cash, card>;
  CHECK(decode_error<payment>(R"({"cheque":{}})") ==
        R"(wanted one of "cash", "card", found the text "cheque" at offset 1)");
  CHECK(decode_error<payment>(R"({"card":{"number":1}})") ==
        "card.number: wanted a text, found 1 at offset 18");
  CHECK(decode_error<payment>(R"({"cash":{},"card":{}})") ==
        "wanted '}' behind the one alternative, found the byte 0x2c at offset 10");
  CHECK(decode_error<payment>("{}") == "wanted a name, found the byte 0x7d at offset 1");
  CHECK(decode_error<payment>("null") ==
        "wanted an object that names an alternative, found null at offset 0");
}

TEST_CASE("ids, times and bytes that are none are refused") {
  CHECK(decode_error<cleave::uuid>(R"("018f4e5c")") ==
        "wanted a UUID, found the text \"018f4e5c\" at offset 0");
  CHECK(decode_error<cleave::event_id>("5") == "wanted a UUID, found 5 at offset 0");
  for (std::string_view bad :
       {"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T00:60:00Z",
        "2026-01-31T00:00:60Z", "2026-01-31 00:00:00Z", "2026-01-31T00:00:00", "2026-01-31T00:00:00.Z",
        "2026-01-31T00:00:00.1234567Z", "2026-01-31T00:00:00Zx", "2026-01-31T00:00:00+24:00", "26-1-1", ""}) {
    CHECK_FALSE(codec<cleave::timestamp>::decode('"' + std::string(bad) + '"'));
  }
  CHECK_FALSE(codec<cleave::timestamp>::decode("1.5"));
  CHECK_FALSE(codec<cleave::timestamp>::decode("true"));
  for (std::string_view bad :
       {"A", "AA", "AAA", "AA=A", "====", "A===", "AB==", "AAB=", "AA==AAAA", "AA-_", "AA A"}) {
    CHECK_FALSE(codec<std::vector<std::byte>>::decode('"' + std::string(bad) + '"'));
  }
  CHECK(decode_error<std::array<std::byte, 3>>(R"("AQI=")") ==
        "wanted 3 bytes as base64, found 2 at offset 0");
}

TEST_CASE("nesting is limited, for what is read, skipped and written") {
  auto const nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  auto const at = cleave::limits::json_depth;
  REQUIRE(codec<line>::decode("{\"x\":" + nested(at - 1) + "}"));
  CHECK(decode_error<line>("{\"x\":" + nested(at) + "}", errc::limit_exceeded) ==
        "\"x\": nested deeper than 64 objects and arrays at offset 68");
  CHECK(decode_error<line>("{\"x\":" + std::string(1'000'000, '[') + "}", errc::limit_exceeded)
            .find("nested deeper") != std::string::npos);
  CHECK(decode_error<line>("{\"x\":" + std::string(1'000'000, '{'), errc::decode_failed)
            .find("wanted a name") != std::string::npos);

  auto const grow = [](int levels) {
    tree top;
    for (tree* last = &top; levels > 1; --levels) last = &last->children.emplace_back();
    return top;
  };
  std::string out;
  REQUIRE(codec<tree>::encode(grow(32), out)); // each level is an object and an array
  REQUIRE(codec<tree>::decode(out));
  CHECK(encode_error(grow(33), errc::limit_exceeded).find("nested deeper than 64 objects and arrays") !=
        std::string::npos);
  std::string deep;
  for (int i = 0; i < 33; ++i) deep += R"({"children":[)";
  CHECK(decode_error<tree>(deep, errc::limit_exceeded).find("children[0].children[0]") == 0);
}

TEST_CASE("brackets that were closed do not count as nesting") {
  std::string records;
  std::string trees;
  for (std::size_t i = 0; i <= cleave::limits::json_depth; ++i) {
    records += R"({"product":"a"},{},)";
    trees += R"({"children":[]},{"children":[{}]},)";
  }
  REQUIRE(codec<std::vector<line>>::decode("[" + records + "{}]"));
  REQUIRE(codec<tree>::decode("{\"children\":[" + trees + "{}]}"));
  REQUIRE(codec<line>::decode("{\"x\":[" + records + "{}]}"));
}

TEST_CASE("a value that has no JSON form is refused with its path, and nothing is appended") {
  order bad_text;
  bad_text.lines.resize(2);
  bad_text.lines[1].product = "ab\xff";
  CHECK(encode_error(bad_text) ==
        "lines[1].product: the text is not UTF-8 at offset 2 (byte 0xff); bytes of any kind are for "
        "std::vector<std::byte>");
  order bad_number;
  bad_number.extras["k"].weight = std::numeric_limits<double>::quiet_NaN();
  CHECK(encode_error(bad_number) ==
        "extras[\"k\"].weight: nan is not a finite number, and JSON has no other");
  CHECK(encode_error(std::numeric_limits<float>::infinity()) ==
        "inf is not a finite number, and JSON has no other");
  CHECK(
      encode_error(std::map<std::string, int>{{"\xc3", 1}}) ==
      R"(["\xc3"]: the text is not UTF-8 at offset 0 (byte 0xc3); bytes of any kind are for std::vector<std::byte>)");
  order bad_shade;
  bad_shade.lines.emplace_back().color = static_cast<shade>(3);
  CHECK(encode_error(bad_shade) == "lines[0].color: 3 is no enumerator of the described enumeration");
  CHECK(encode_error(std::tuple<int, std::string>{1, "\xf0\x9f"}).find("[1]: the text is not UTF-8") == 0);
  bad_text.lines.resize(2000, line{"a long enough name that the writer has to flush", 1, 1, shade::dark});
  bad_text.lines[1].product = "good";
  bad_text.lines[1999].product = "\xff";
  CHECK(encode_error(bad_text).find("lines[1999].product") == 0);
}

TEST_CASE("a field's own codec is watched: it writes one JSON value, and what it throws is an error") {
  CHECK(
      encode_error(holder{{odd::binary}}) ==
      "inner: the codec of this field wrote no JSON value: wanted a value, found the byte 0x01 at offset 0");
  CHECK(encode_error(holder{{odd::refusing}}) ==
        "inner: the codec of this field refuses the value: encode_failed: not today");
  CHECK(encode_error(holder{{odd::throwing}}, errc::handler_failed) == "encoding threw: no ink");
  CHECK(decode_error<holder>(R"({"inner":2})") ==
        "inner: the codec of this field refuses \"2\": decode_failed: not even today at offset 9");
  CHECK(decode_error<holder>(R"({"inner":1})", errc::handler_failed) == "decoding threw: no light");
  CHECK(decode_error<holder>(R"({"inner":[})").find("inner: wanted a value") == 0);
}

TEST_CASE("a codec that takes earlier bytes away is caught") {
  std::string out = "before";
  auto const done = codec<holder>::encode(holder{{odd::shrinking}}, out);
  REQUIRE_FALSE(done);
  CHECK(done.error().text() == "inner: the codec of this field wrote no JSON value: it took bytes away");
}

TEST_CASE("an error's text is printable whatever the input was") {
  std::string const long_name(100, 'n');
  CHECK(decode_error<line>("{\"" + long_name + "\":}").size() < 120);
  CHECK(decode_error<int>("\"" + std::string(100, '\x7f') + "\"").find_first_of("\x7f") == std::string::npos);
  CHECK(decode_error<int>(std::string(1000, '9')).size() < 150);
}
