// SPDX-License-Identifier: BSL-1.0
// Encoding and decoding one event of five fields as JSON: cleave's codec, the same by hand with to_chars and from_chars
// ("raw"), and the peers that are installed. Every decoder yields the struct, every encoder fills a string that is used again.
#include <cleave/event/codec.hpp>

#include "../counted.hpp"

#include <benchmark/benchmark.h>

// RapidJSON 1.1.0 assigns to a const member in a function that nobody calls; Clang 19 refuses that, GCC does not look.
#if __has_include(<rapidjson/document.h>) && !defined(__clang__)
#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#define CLEAVE_BENCH_RAPIDJSON
#endif
#if __has_include(<boost/json/src.hpp>)
#include <boost/json/src.hpp>
#define CLEAVE_BENCH_BOOST_JSON
#endif
#if __has_include(<nlohmann/json.hpp>)
#include <nlohmann/json.hpp>
#define CLEAVE_BENCH_NLOHMANN
#endif

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

struct order_placed {
  std::int64_t order = 0;
  std::string customer;
  std::string product;
  std::int32_t quantity = 0;
  std::int64_t cents = 0;
  friend bool operator==(order_placed const&, order_placed const&) = default;
};
BOOST_DESCRIBE_STRUCT(order_placed, (), (order, customer, product, quantity, cents))

order_placed const event{10248, "Vins et alcools Chevalier", "Queso Cabrales, 1 kg pkg.", 12, 1'680'000};
constexpr std::string_view text = R"({"order":10248,"customer":"Vins et alcools Chevalier",)"
                                  R"("product":"Queso Cabrales, 1 kg pkg.","quantity":12,"cents":1680000})";

void require(bool good, char const* what) {
  if (good) return;
  std::fprintf(stderr, "codec_bench: %s\n", what);
  std::exit(1);
}

void ours_encode(order_placed const& value, std::string& out) {
  require(cleave::codec<order_placed>::encode(value, out).has_value(), "encode failed");
}
cleave::result<order_placed> ours_decode(std::string_view from) {
  return cleave::codec<order_placed>::decode(from);
}

// ---- by hand

template <class Number> void raw_number(std::string& out, Number value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}
void raw_text(std::string& out, std::string_view value) {
  out += '"';
  char const* from = value.data();
  char const* const end = from + value.size();
  while (from != end) {
    char const* at = from;
    while (at != end && static_cast<unsigned char>(*at) >= 0x20 && *at != '"' && *at != '\\') ++at;
    out.append(from, at);
    if (at == end) break;
    switch (*at) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    default: out += "\\t";
    }
    from = at + 1;
  }
  out += '"';
}
void raw_encode(order_placed const& value, std::string& out) {
  out += "{\"order\":";
  raw_number(out, value.order);
  out += ",\"customer\":";
  raw_text(out, value.customer);
  out += ",\"product\":";
  raw_text(out, value.product);
  out += ",\"quantity\":";
  raw_number(out, value.quantity);
  out += ",\"cents\":";
  raw_number(out, value.cents);
  out += '}';
}

// Reads what raw_encode writes, its fields in any order, and trusts it to be JSON.
struct raw_reader {
  char const* at;
  char const* end;
  char peek() const { return at != end ? *at : '\0'; }
  bool take(char c) {
    while (peek() == ' ') ++at;
    if (peek() != c) return false;
    ++at;
    return true;
  }
  bool read(std::string& value) {
    if (!take('"')) return false;
    value.clear();
    for (;;) {
      char const* const from = at;
      while (at != end && *at != '"' && *at != '\\') ++at;
      value.append(from, at);
      if (at == end) return false;
      if (*at++ == '"') return true;
      char const escaped = peek();
      value += escaped == 'n' ? '\n' : escaped == 'r' ? '\r' : escaped == 't' ? '\t' : escaped;
      ++at;
    }
  }
  template <class Number> bool read(Number& value) {
    auto const [next, code] = std::from_chars(at, end, value);
    at = next;
    return code == std::errc();
  }
};
order_placed raw_decode(std::string_view from) {
  order_placed value;
  raw_reader in{from.data(), from.data() + from.size()};
  bool good = in.take('{');
  std::string name;
  do {
    good = good && in.read(name) && in.take(':');
    if (name == "order") good = good && in.read(value.order);
    else if (name == "customer") good = good && in.read(value.customer);
    else if (name == "product") good = good && in.read(value.product);
    else if (name == "quantity") good = good && in.read(value.quantity);
    else if (name == "cents") good = good && in.read(value.cents);
    else good = false;
  } while (good && in.take(','));
  require(good && in.take('}'), "raw_decode failed");
  return value;
}

// ---- peers

#ifdef CLEAVE_BENCH_RAPIDJSON
rapidjson::Value rapidjson_text(std::string const& value) {
  return rapidjson::Value(rapidjson::StringRef(value.data(), value.size()));
}
void rapidjson_encode(order_placed const& value, std::string& out) {
  rapidjson::Document document;
  document.SetObject();
  auto& memory = document.GetAllocator();
  document.AddMember("order", value.order, memory);
  document.AddMember("customer", rapidjson_text(value.customer), memory);
  document.AddMember("product", rapidjson_text(value.product), memory);
  document.AddMember("quantity", value.quantity, memory);
  document.AddMember("cents", value.cents, memory);
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  document.Accept(writer);
  out.append(buffer.GetString(), buffer.GetSize());
}
order_placed rapidjson_decode(std::string_view from) {
  rapidjson::Document document;
  document.Parse(from.data(), from.size());
  require(!document.HasParseError(), "rapidjson_decode failed");
  return {document["order"].GetInt64(), document["customer"].GetString(), document["product"].GetString(),
          document["quantity"].GetInt(), document["cents"].GetInt64()};
}
#endif

#ifdef CLEAVE_BENCH_BOOST_JSON
void boost_json_encode(order_placed const& value, std::string& out) {
  out += boost::json::serialize(boost::json::value_from(value));
}
order_placed boost_json_decode(std::string_view from) {
  return boost::json::value_to<order_placed>(boost::json::parse({from.data(), from.size()}));
}
#endif

#ifdef CLEAVE_BENCH_NLOHMANN
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(order_placed, order, customer, product, quantity, cents)
void nlohmann_encode(order_placed const& value, std::string& out) { out += nlohmann::json(value).dump(); }
order_placed nlohmann_decode(std::string_view from) {
  return nlohmann::json::parse(from).get<order_placed>();
}
#endif

bool is_event(order_placed const& read) { return read == event; }
bool is_event(cleave::result<order_placed> const& read) { return read.has_value() && *read == event; }

// One benchmark for each direction. `encode(event, out)` appends; `decode(text)` returns the event.
template <class Encode> void encode_with(benchmark::State& state, Encode encode) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    encode(event, out);
    benchmark::DoNotOptimize(out.data());
  }
  require(is_event(raw_decode(out)), "an encoder writes another event");
}
template <class Decode> void decode_with(benchmark::State& state, Decode decode) {
  std::string_view from = text;
  for (auto _ : state) {
    benchmark::DoNotOptimize(from);
    auto decoded = decode(from);
    benchmark::DoNotOptimize(decoded);
  }
  require(is_event(decode(text)), "a decoder reads another event");
}

template <class Encode, class Decode> void add(std::string const& name, Encode encode, Decode decode) {
  benchmark::RegisterBenchmark(("codec/encode/" + name).c_str(), [=](benchmark::State& state) {
    encode_with(state, encode);
  })->Apply(bench::counted);
  benchmark::RegisterBenchmark(("codec/decode/" + name).c_str(), [=](benchmark::State& state) {
    decode_with(state, decode);
  })->Apply(bench::counted);
}

[[maybe_unused]] bool const added = [] {
  add("ours", ours_encode, ours_decode);
  add("raw", raw_encode, raw_decode);
#ifdef CLEAVE_BENCH_RAPIDJSON
  add("rapidjson", rapidjson_encode, rapidjson_decode);
#endif
#ifdef CLEAVE_BENCH_BOOST_JSON
  add("boost.json", boost_json_encode, boost_json_decode);
#endif
#ifdef CLEAVE_BENCH_NLOHMANN
  add("nlohmann", nlohmann_encode, nlohmann_decode);
#endif
  return true;
}();

} // namespace
