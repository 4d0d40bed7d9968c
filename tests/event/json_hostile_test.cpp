// SPDX-License-Identifier: BSL-1.0
// Bytes that nobody meant as an event. There is nothing to check but that the reader answers, and answers consistently: the
// sanitizers look for the rest. Each text is decoded from a heap block of exactly its size, so that a read behind it shows.
#include <cleave/event/codec.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <tuple>
#include <variant>
#include <vector>

using cleave::codec;

namespace {

enum class shade { light, dark = 7 };
BOOST_DESCRIBE_ENUM(shade, light, dark)
struct card {
  static constexpr std::string_view alternative_name = "card";
  std::string number;
};
BOOST_DESCRIBE_STRUCT(card, (), (number))
struct cash {
  static constexpr std::string_view alternative_name = "cash";
};
BOOST_DESCRIBE_STRUCT(cash, (), ())
struct cents {
  std::int64_t value = 0;
};
struct tree {
  std::vector<tree> t;
};
BOOST_DESCRIBE_STRUCT(tree, (), (t))

struct everything {
  bool b = false;
  std::int8_t i8 = 0;
  std::uint64_t u64 = 0;
  double d = 0;
  float f = 0;
  std::string s;
  shade e = shade::light;
  std::optional<int> o;
  std::vector<bool> vb;
  std::array<int, 2> a{};
  std::pair<int, std::string> p;
  std::map<std::string, int> m;
  std::variant<cash, card> v;
  std::vector<std::byte> by;
  std::array<std::byte, 2> fb{};
  cleave::uuid id;
  cleave::timestamp at;
  cents c;
  tree tr;
};
BOOST_DESCRIBE_STRUCT(everything, (), (b, i8, u64, d, f, s, e, o, vb, a, p, m, v, by, fb, id, at, c, tr))

constexpr std::string_view document =
    R"({"b":true,"i8":-128,"u64":18446744073709551615,"d":-1.5e-3,"f":0.1,"s":"a\n\u0000\ud83d\ude00)"
    "\xc3\xa4\xe2\x82\xac"
    R"(","e":"dark","o":4,"vb":[true,false],"a":[1,2],"p":[1,"x"],"m":{"k\"":1,"":-2},"v":{"card":{"number":"12"}},)"
    R"("by":"/wE=","fb":"AQI=","id":"018f4e5c-7a3b-7c1d-8e2f-0123456789ab","at":"2026-01-31T08:15:00.000042Z","c":12,)"
    R"("tr":{"t":[{"t":[]}]},"new":{"x":[null,{"y":[1.5,"\t"]}]} })";

} // namespace

template <> struct cleave::codec<cents> {
  static result<void> encode(cents const& c, std::string& out) {
    return codec<std::int64_t>::encode(c.value, out);
  }
  static result<cents> decode(std::string_view data) {
    return codec<std::int64_t>::decode(data).transform([](std::int64_t value) { return cents{value}; });
  }
};

namespace {

// Whether the text is an event. What was read is written and read again, and must be the same text then.
bool survives(std::string_view text) {
  std::unique_ptr<char[]> const block(new char[text.size()]);
  if (!text.empty()) std::memcpy(block.get(), text.data(), text.size());
  auto const read = codec<everything>::decode({block.get(), text.size()});
  if (!read) {
    auto const code = read.error().code();
    if (code != cleave::errc::decode_failed && code != cleave::errc::limit_exceeded)
      FAIL(read.error().message());
    if (cleave::detail::quoted(read.error().text()).empty() || read.error().text().size() > 400)
      FAIL(read.error().text());
    return false;
  }
  std::string first;
  std::string second;
  if (!codec<everything>::encode(*read, first)) FAIL("what was read cannot be written: " << text);
  auto const again = codec<everything>::decode(first);
  if (!again || !codec<everything>::encode(*again, second) || first != second)
    FAIL("not the same twice: " << text);
  return true;
}

} // namespace

TEST_CASE("the hostile document is a good one before it is damaged") { REQUIRE(survives(document)); }

TEST_CASE("no prefix of a document is a document") {
  for (std::size_t size = 0; size < document.size(); ++size) {
    if (survives(document.substr(0, size))) FAIL("a prefix of " << size << " bytes");
  }
}

TEST_CASE("a document with one byte replaced, removed or doubled is read or refused") {
  std::size_t read = 0;
  for (std::size_t place = 0; place < document.size(); ++place) {
    std::string text(document);
    for (int byte = 0; byte < 256; ++byte) {
      text[place] = static_cast<char>(byte);
      if (survives(text)) ++read;
    }
    text = document;
    survives(text.erase(place, 1));
    text = document;
    survives(text.insert(place, 1, document[place]));
  }
  REQUIRE(read > document.size()); // the undamaged ones at least
}

TEST_CASE("random bytes and random pieces of JSON are read or refused") {
  std::mt19937_64 random(4711);
  auto const below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  constexpr std::string_view pieces[] = {"{",
                                         "}",
                                         "[",
                                         "]",
                                         ",",
                                         ":",
                                         "\"",
                                         "\\",
                                         "\\u",
                                         "\\ud83d",
                                         "\\ude00",
                                         "0",
                                         "-",
                                         "1e",
                                         ".5",
                                         "null",
                                         "true",
                                         "false",
                                         "\"b\"",
                                         "\"s\"",
                                         "\"v\"",
                                         "\"tr\"",
                                         "\"t\"",
                                         "\"card\"",
                                         "\"at\"",
                                         " ",
                                         "\n",
                                         "\x80",
                                         "\xf0\x9f",
                                         "\xff",
                                         "99999999999999999999",
                                         "\"zz\":",
                                         "{\"s\":\""};
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes;
    for (auto n = below(40); n > 0; --n) bytes += static_cast<char>(random());
    survives(bytes);
    std::string text;
    for (auto n = below(24); n > 0; --n) text += pieces[below(std::size(pieces))];
    survives(text);
    std::string cut(document);
    for (auto n = below(4); n > 0; --n) {
      auto const from = below(cut.size());
      auto const size = below(cut.size() - from) / 4;
      auto const to = below(cut.size());
      cut.insert(to, cut.substr(from, size));
    }
    survives(cut);
  }
}

TEST_CASE("nesting of any depth and kind is refused without a deep stack") {
  for (std::string_view opening :
       {"[", "{\"a\":", "{\"tr\":", "{\"t\":[", "{\"tr\":{\"t\":[{\"t\":[", "[[{\"a\":"}) {
    std::string text;
    while (text.size() < 300'000) text += opening;
    REQUIRE_FALSE(survives(text));
    REQUIRE_FALSE(survives("{\"unknown\":" + text));
    REQUIRE_FALSE(survives("{\"tr\":{\"t\":[" + text));
  }
}

TEST_CASE("long numbers, names and texts are read or refused") {
  std::string const digits(1'000'000, '7');
  REQUIRE_FALSE(survives("{\"u64\":" + digits + "}"));
  REQUIRE_FALSE(survives("{\"d\":" + digits + "}"));
  REQUIRE(survives("{\"d\":0." + digits + "}"));
  REQUIRE(survives("{\"" + digits + "\":1}"));
  REQUIRE(survives("{\"s\":\"" + digits + "\"}"));
  REQUIRE(survives("{\"m\":{\"" + digits + "\":1}}"));
  REQUIRE_FALSE(survives("{\"m\":{\"" + digits + "\":null}}"));
  REQUIRE_FALSE(survives("{\"e\":\"" + digits + "\"}"));
}
