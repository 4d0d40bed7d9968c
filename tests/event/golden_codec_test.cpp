// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/codec.hpp>

#include "../golden/golden.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <optional>
#include <variant>
#include <vector>

namespace {

enum class status { open, shipped };
BOOST_DESCRIBE_ENUM(status, open, shipped)

struct line {
  std::string product;
  std::uint8_t quantity = 1;
};
BOOST_DESCRIBE_STRUCT(line, (), (product, quantity))

struct card {
  static constexpr std::string_view alternative_name = "card";
  std::string number;
};
BOOST_DESCRIBE_STRUCT(card, (), (number))
struct cash {
  static constexpr std::string_view alternative_name = "cash";
};
BOOST_DESCRIBE_STRUCT(cash, (), ())

// Line 1 of its file is from the days when it had two fields.
struct every_field_type {
  static constexpr std::string_view event_name = "every-field-type.v1";
  std::int64_t order = 0;
  bool express = false;
  double discount = 0.25;
  std::string customer;
  status state = status::open;
  std::optional<std::string> note = "none";
  std::vector<line> lines;
  std::map<std::string, double> weights;
  std::variant<cash, card> payment;
  std::pair<int, std::string> route;
  std::vector<std::byte> scan;
  cleave::event_id id;
  cleave::timestamp at;
  cleave::position seen;
};
BOOST_DESCRIBE_STRUCT(every_field_type, (),
                      (order, express, discount, customer, state, note, lines, weights, payment, route, scan,
                       id, at, seen))

struct nothing_happened {
  static constexpr std::string_view event_name = "nothing-happened.v1";
};
BOOST_DESCRIBE_STRUCT(nothing_happened, (), ())

// A folder of the test's own, removed at the end.
struct scratch {
  std::filesystem::path path;
  explicit scratch(char const* name) : path(std::filesystem::temp_directory_path() / name) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directories(path);
  }
  ~scratch() { std::filesystem::remove_all(path); }
  void file(char const* name, std::string_view text) const { std::ofstream(path / name) << text; }
};

} // namespace

TEST_CASE("every golden file is read by its type into the value that was meant") {
  every_field_type old;
  old.order = 10248;
  old.express = true;
  every_field_type full;
  full.order = 9'007'199'254'740'993;
  full.discount = 0.05;
  full.customer = std::string("Ana \"Trujillo\" \0", 16) + "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
  full.state = status::shipped;
  full.note = std::nullopt;
  full.lines = {{"tea", 2}, {"", 255}};
  full.weights = {{"gross", 1.5}};
  full.payment = card{"4111"};
  full.route = {52, "Berlin"};
  full.scan = {std::byte{0x00}, std::byte{0xff}, std::byte{0x10}};
  full.id = cleave::event_id(*cleave::uuid::parse("018f4e5c-7a3b-7c1d-8e2f-0123456789ab"));
  full.at = cleave::timestamp(1'769'847'300'000'042);
  full.seen = cleave::position(12);

  cleave_golden::folder golden(CLEAVE_GOLDEN_DIR);
  golden.event(old, full);
  golden.event(nothing_happened());
  REQUIRE(golden.complaints() == std::vector<std::string>());
}

TEST_CASE("the golden files' check complains about each thing that can be wrong") {
  scratch const folder("cleave_golden_check");
  folder.file("stranger.v1.json", "{}\n");
  cleave_golden::folder missing(folder.path);
  missing.event(nothing_happened());
  REQUIRE(missing.complaints() == std::vector<std::string>{"nothing-happened.v1: has no golden file",
                                                           "stranger.v1.json: has no type that reads it"});
  std::filesystem::remove(folder.path / "stranger.v1.json");

  folder.file("nothing-happened.v1.json", "[]\n{}\n");
  cleave_golden::folder unreadable(folder.path);
  unreadable.event(nothing_happened(), nothing_happened());
  REQUIRE(
      unreadable.complaints() ==
      std::vector<std::string>{"nothing-happened.v1 line 1: wanted an object, found an array at offset 0"});

  cleave_golden::folder miscounted(folder.path);
  miscounted.event(nothing_happened());
  REQUIRE(miscounted.complaints() ==
          std::vector<std::string>{"nothing-happened.v1: 2 lines, 1 expected values"});

  folder.file("nothing-happened.v1.json", "{\"gone\":1}\n");
  cleave_golden::folder outdated(folder.path);
  outdated.event(nothing_happened());
  REQUIRE(outdated.complaints() ==
          std::vector<std::string>{"nothing-happened.v1: is written as {} today: add that line to its file"});

  folder.file("every-field-type.v1.json", "{\"order\":2}\n");
  cleave_golden::folder different(folder.path);
  different.event(every_field_type());
  REQUIRE(different.complaints().front().find("every-field-type.v1 line 1: reads as {\"order\":2,") == 0);
}
