// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/codec.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <cstring>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <optional>
#include <random>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

using cleave::codec;

namespace {

template <class T> std::string encoded(T const& value) {
  std::string out;
  auto const done = codec<T>::encode(value, out);
  if (!done) FAIL(done.error().message());
  return out;
}
template <class T> T decoded(std::string_view text) {
  auto read = codec<T>::decode(text);
  if (!read) FAIL(std::string(text) + " -> " + read.error().message());
  return *std::move(read);
}
template <class T> void same(T const& value, std::string_view text) {
  REQUIRE(encoded(value) == text);
  REQUIRE(decoded<T>(text) == value);
}
template <class T> void at_both_ends() {
  using range = std::numeric_limits<T>;
  same(range::min(), std::to_string(range::min()));
  same(range::max(), std::to_string(range::max()));
  same(T{0}, "0");
}

enum class shade { light, dark = 7 };
BOOST_DESCRIBE_ENUM(shade, light, dark)
enum class level : std::uint8_t {};
enum class sign : std::int64_t {};

struct nothing {
  bool operator==(nothing const&) const = default;
};
BOOST_DESCRIBE_STRUCT(nothing, (), ())

struct line {
  std::string product = "tea";
  std::uint8_t quantity = 1;
  bool operator==(line const&) const = default;
};
BOOST_DESCRIBE_STRUCT(line, (), (product, quantity))

struct stamped {
  std::int64_t at = 0;
  bool operator==(stamped const&) const = default;
};
BOOST_DESCRIBE_STRUCT(stamped, (), (at))
struct order : stamped {
  std::string customer;
  std::vector<line> lines;
  bool operator==(order const&) const = default;
};
BOOST_DESCRIBE_STRUCT(order, (stamped), (customer, lines))

class sealed {
public:
  sealed() = default;
  explicit sealed(int secret) : secret_(secret) {}
  bool operator==(sealed const&) const = default;

private:
  int secret_ = 0;
  BOOST_DESCRIBE_CLASS(sealed, (), (), (), (secret_))
};

struct tree {
  int value = 0;
  std::vector<tree> children;
  bool operator==(tree const&) const = default;
};
BOOST_DESCRIBE_STRUCT(tree, (), (value, children))

struct card {
  static constexpr std::string_view alternative_name = "card";
  std::string number;
  bool operator==(card const&) const = default;
};
BOOST_DESCRIBE_STRUCT(card, (), (number))
struct cash {
  bool operator==(cash const&) const = default;
};
BOOST_DESCRIBE_STRUCT(cash, (), ())

class money {
public:
  money() = default;
  explicit money(std::int64_t cents) : cents_(cents) {}
  std::int64_t cents() const { return cents_; }
  bool operator==(money const&) const = default;

private:
  std::int64_t cents_ = 0;
};

struct priced {
  money price;
  std::vector<money> history;
  bool operator==(priced const&) const = default;
};
BOOST_DESCRIBE_STRUCT(priced, (), (price, history))

struct grown {
  std::string kept = "as it was";
  std::optional<int> number = 4;
  int last = 3;
  bool operator==(grown const&) const = default;
};
BOOST_DESCRIBE_STRUCT(grown, (), (kept, number, last))

} // namespace

template <> inline constexpr std::string_view cleave::alternative_name<cash> = "cash";

template <> struct cleave::codec<money> {
  static result<void> encode(money const& m, std::string& out) {
    return codec<std::int64_t>::encode(m.cents(), out);
  }
  static result<money> decode(std::string_view data) {
    return codec<std::int64_t>::decode(data).transform([](std::int64_t cents) { return money(cents); });
  }
};

TEST_CASE("every integer type is exact at its ends") {
  at_both_ends<std::int8_t>();
  at_both_ends<std::int16_t>();
  at_both_ends<std::int32_t>();
  at_both_ends<std::int64_t>();
  at_both_ends<std::uint8_t>();
  at_both_ends<std::uint16_t>();
  at_both_ends<std::uint32_t>();
  at_both_ends<std::uint64_t>();
  at_both_ends<long long>();
  at_both_ends<unsigned long long>();
  same(std::int64_t{9'007'199'254'740'993}, "9007199254740993"); // 2^53 + 1, which no double holds
  REQUIRE(decoded<int>("-0") == 0);
  REQUIRE(decoded<unsigned>("-0") == 0);
}

TEST_CASE("bool is true or false") {
  same(true, "true");
  same(false, "false");
}

TEST_CASE("a real number is written in the shortest form that reads back the same") {
  same(0.1, "0.1");
  same(5.0, "5");
  same(0.1F, "0.1");
  same(1e300, "1e+300");
  REQUIRE(std::signbit(decoded<double>(encoded(-0.0))));
  for (double edge : {std::numeric_limits<double>::max(), std::numeric_limits<double>::lowest(),
                      std::numeric_limits<double>::min(), std::numeric_limits<double>::denorm_min()}) {
    REQUIRE(decoded<double>(encoded(edge)) == edge);
  }
  for (float edge : {std::numeric_limits<float>::max(), std::numeric_limits<float>::denorm_min()}) {
    REQUIRE(decoded<float>(encoded(edge)) == edge);
  }
  REQUIRE(decoded<double>("1E2") == 100.0);
  REQUIRE(decoded<double>("9007199254740993") == 9007199254740992.0);
}

TEST_CASE("any UTF-8 text comes back unchanged, U+0000 included") {
  using namespace std::literals;
  same("plain"s, R"("plain")");
  same(""s, R"("")");
  same("\0"s, R"("\u0000")");
  same("\"\\\b\f\n\r\t\x1f\x7f/"s, "\"\\\"\\\\\\b\\f\\n\\r\\t\\u001f\x7f/\"");
  same("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"s, "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
  same("'; DROP TABLE events; --"s, R"("'; DROP TABLE events; --")");
  REQUIRE(decoded<std::string>(R"("\u0041\u00e4\u20ac\ud83d\ude00\/")") ==
          "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80/");
}

TEST_CASE("a text of any length around the block sizes comes back, wherever its special byte stands") {
  for (std::size_t size = 0; size < 40; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      for (std::string_view special : {"\n", "\"", "\\", "\xc3\xa4"}) {
        std::string text(size, 'x');
        text.replace(place, 1, special);
        REQUIRE(decoded<std::string>(encoded(text)) == text);
      }
    }
  }
  std::string long_text;
  for (int i = 0; i < 3000; ++i) long_text += i % 97 == 0 ? "\xe2\x82\xac" : i % 53 == 0 ? "\n" : "abc";
  REQUIRE(decoded<std::string>(encoded(long_text)) == long_text);
}

TEST_CASE("an enumeration is its enumerator's name, or the number where it is not described") {
  same(shade::light, R"("light")");
  same(shade::dark, R"("dark")");
  same(level{255}, "255");
  same(sign{std::numeric_limits<std::int64_t>::min()}, "-9223372036854775808");
}

TEST_CASE("an optional is its value or null") {
  same(std::optional<int>(7), "7");
  same(std::optional<int>(), "null");
  same(std::optional<line>(line{"a", 2}), R"({"product":"a","quantity":2})");
}

TEST_CASE("lists are arrays, whatever the container") {
  same(std::vector<int>{1, 2, 3}, "[1,2,3]");
  same(std::vector<int>{}, "[]");
  same(std::deque<std::string>{"a", "b"}, R"(["a","b"])");
  same(std::list<bool>{true}, "[true]");
  same(std::vector<bool>{true, false, true}, "[true,false,true]");
  same(std::array<int, 3>{1, 2, 3}, "[1,2,3]");
  same(std::array<int, 0>{}, "[]");
  same(std::vector<std::vector<int>>{{1}, {}, {2, 3}}, "[[1],[],[2,3]]");
}

TEST_CASE("maps with text keys are objects, whatever the keys hold") {
  same(std::map<std::string, int>{{"", 1}, {"a\"b", 2}, {"\xe2\x82\xac", 3}},
       "{\"\":1,\"a\\\"b\":2,\"\xe2\x82\xac\":3}");
  same(std::unordered_map<std::string, line>{{"x", {"a", 1}}}, R"({"x":{"product":"a","quantity":1}})");
  same(std::map<std::string, int>{}, "{}");
}

TEST_CASE("pairs and tuples are arrays") {
  same(std::pair<int, std::string>{1, "b"}, R"([1,"b"])");
  same(std::tuple<bool, int, line>{true, 2, {"a", 3}}, R"([true,2,{"product":"a","quantity":3}])");
  same(std::tuple<>{}, "[]");
}

TEST_CASE("a variant is an object that names its alternative") {
  using payment = std::variant<cash, card>;
  same(payment(cash()), R"({"cash":{}})");
  same(payment(card{"12"}), R"({"card":{"number":"12"}})");
}

TEST_CASE("bytes of all 256 values come back from base64") {
  std::vector<std::byte> all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<std::byte>(i));
  for (std::size_t size = 0; size <= all.size(); ++size) {
    std::vector<std::byte> const part(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE(decoded<std::vector<std::byte>>(encoded(part)) == part);
  }
  same(std::vector<std::byte>{std::byte{0xfb}, std::byte{0xff}}, R"("+/8=")");
  REQUIRE(decoded<std::vector<std::byte>>(R"("+\/8=")").size() == 2);
  same(std::array<std::byte, 2>{std::byte{1}, std::byte{2}}, R"("AQI=")");
}

TEST_CASE("ids, positions and durations have plain forms") {
  auto const id = *cleave::uuid::parse("018f4e5c-7a3b-7c1d-8e2f-0123456789ab");
  same(id, R"("018f4e5c-7a3b-7c1d-8e2f-0123456789ab")");
  same(cleave::event_id(id), R"("018f4e5c-7a3b-7c1d-8e2f-0123456789ab")");
  same(cleave::position(UINT64_MAX), "18446744073709551615");
  same(cleave::version(3), "3");
  same(std::chrono::milliseconds(-250), "-250");
}

TEST_CASE("a timestamp is RFC 3339 text, and lossless also where that ends") {
  using cleave::timestamp;
  same(timestamp(0), R"("1970-01-01T00:00:00.000000Z")");
  same(timestamp(-1), R"("1969-12-31T23:59:59.999999Z")");
  same(timestamp(-62'167'219'200'000'000), R"("0000-01-01T00:00:00.000000Z")");
  same(timestamp(253'402'300'799'999'999), R"("9999-12-31T23:59:59.999999Z")");
  same(timestamp(253'402'300'800'000'000), "253402300800000000");
  same(timestamp(-62'167'219'200'000'001), "-62167219200000001");
  same(timestamp(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  same(timestamp(std::numeric_limits<std::int64_t>::max()), "9223372036854775807");
  REQUIRE(decoded<timestamp>(R"("2026-01-31t08:15:00z")") ==
          decoded<timestamp>(R"("2026-01-31T10:15:00+02:00")"));
  REQUIRE(decoded<timestamp>(R"("2024-02-29T00:00:00.5-00:30")") == timestamp(1'709'166'600'500'000));
}

TEST_CASE("a described struct is an object, its base's fields first") {
  same(nothing(), "{}");
  order value;
  value.at = 5;
  value.customer = "ALFKI";
  value.lines = {{"tea", 2}, {"rice", 255}};
  same(
      value,
      R"({"at":5,"customer":"ALFKI","lines":[{"product":"tea","quantity":2},{"product":"rice","quantity":255}]})");
}

TEST_CASE("private described members are stored") { same(sealed(42), R"({"secret_":42})"); }

TEST_CASE("a type may contain itself") {
  same(
      tree{1, {{2, {}}, {3, {{4, {}}}}}},
      R"({"value":1,"children":[{"value":2,"children":[]},{"value":3,"children":[{"value":4,"children":[]}]}]})");
}

TEST_CASE("a field's own codec writes and reads its value") {
  same(priced{money(1250), {money(1), money(-2)}}, R"({"price":1250,"history":[1,-2]})");
  same(money(7), "7");
}

TEST_CASE(
    "a missing field keeps its default and an unknown one is skipped, in any order and with white space") {
  REQUIRE(decoded<grown>("{}") == grown());
  REQUIRE(decoded<grown>(R"({"last":9})") == grown{"as it was", 4, 9});
  REQUIRE(decoded<grown>(R"({"number":null})") == grown{"as it was", std::nullopt, 3});
  REQUIRE(decoded<grown>(R"({"new":{"a":[1,{"b":"}"},null,true,-1.5e3]},"kept":"x","other":[[],{}]})") ==
          grown{"x", 4, 3});
  REQUIRE(decoded<grown>(" {\t\"last\" :\n1 , \"kept\":\r\"y\" } \n") == grown{"y", 4, 1});
  REQUIRE(decoded<grown>(R"({"l\u0061st":8})") == grown{"as it was", 4, 8});
  REQUIRE(decoded<order>(R"({"lines":[{}]})").lines == std::vector<line>{line{"tea", 1}});
}

TEST_CASE("encode appends") {
  std::string out = "before ";
  REQUIRE(codec<int>::encode(5, out));
  REQUIRE(out == "before 5");
}

TEST_CASE("random values of a nested event come back unchanged") {
  std::mt19937_64 random(20260131);
  auto const below = [&](std::uint64_t n) { return random() % n; };
  auto const text = [&] {
    constexpr std::string_view pieces[] = {
        "a",    "xyz", "\n",      "\"", "\\", std::string_view("\0", 1), "\xc3\xa4", "\xf0\x9f\x98\x80",
        "\x7f", "/",   "01234567"};
    std::string made;
    for (auto n = below(12); n > 0; --n) made += pieces[below(std::size(pieces))];
    return made;
  };
  for (int i = 0; i < 2000; ++i) {
    order value;
    value.at = static_cast<std::int64_t>(random());
    value.customer = text();
    for (auto n = below(5); n > 0; --n) value.lines.push_back({text(), static_cast<std::uint8_t>(random())});
    REQUIRE(decoded<order>(encoded(value)) == value);
    auto const bits = random();
    double number = 0;
    std::memcpy(&number, &bits, sizeof number);
    if (std::isfinite(number)) REQUIRE(decoded<double>(encoded(number)) == number);
  }
}

TEST_CASE("encodable is true for exactly what the codec can store") {
  STATIC_REQUIRE(cleave::encodable<order>);
  STATIC_REQUIRE(cleave::encodable<tree>);
  STATIC_REQUIRE(cleave::encodable<priced>);
  STATIC_REQUIRE(cleave::encodable<std::variant<cash, card>>);
  STATIC_REQUIRE_FALSE(cleave::encodable<std::string_view>);
  STATIC_REQUIRE_FALSE(cleave::encodable<char>);
  STATIC_REQUIRE_FALSE(cleave::encodable<int*>);
  STATIC_REQUIRE_FALSE(cleave::encodable<std::vector<std::string_view>>);
  STATIC_REQUIRE_FALSE(cleave::encodable<std::map<int, int>>);
  STATIC_REQUIRE_FALSE(cleave::encodable<std::optional<std::optional<int>>>);
  STATIC_REQUIRE_FALSE(cleave::encodable<std::variant<int, card>>);
  STATIC_REQUIRE_FALSE(cleave::encodable<std::pair<int, long double>>);
}
