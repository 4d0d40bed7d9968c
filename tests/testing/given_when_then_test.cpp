// SPDX-License-Identifier: BSL-1.0
#include <cleave/testing/given_when_then.hpp>

#include "../query/small_read_store.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <cstdint>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace cleave::testing;
using Catch::Contains;
using cleave::errc;

// The decider and projection under test: a tea shop's shelf. Some functions have bugs on purpose, for the reports.
namespace tea {

struct stocked;
struct stocked_in_ounces { // what stocked was in its first version
  std::string kind;
  std::int32_t ounces = 0;
  stocked upcast() const;
};
BOOST_DESCRIBE_STRUCT(stocked_in_ounces, (), (kind, ounces))
struct stocked {
  using supersedes = cleave::event_set<stocked_in_ounces>;
  std::string kind;
  std::int32_t grams = 0;
};
BOOST_DESCRIBE_STRUCT(stocked, (), (kind, grams))
stocked stocked_in_ounces::upcast() const { return {kind, ounces * 28}; }
struct sold {
  std::int32_t grams = 0;
  std::string note; // not described: only operator== sees it
  bool operator==(sold const&) const = default;
};
BOOST_DESCRIBE_STRUCT(sold, (), (grams))
struct dropped { // neither described nor comparable
  int pieces = 0;
};

struct stock {
  std::string kind;
  std::int32_t grams = 0;
};
BOOST_DESCRIBE_STRUCT(stock, (), (kind, grams))
struct sell {
  static constexpr std::string_view command_name = "sell-tea";
  std::int32_t grams = 0;
};
struct split {};
struct drop {};
struct look {};

struct grams_of {
  using result_type = std::int32_t;
  std::string shelf;
};
BOOST_DESCRIBE_STRUCT(grams_of, (), (shelf))
struct line {
  std::string shelf;
  std::int64_t version = 0;
  std::int64_t microseconds = 0;
};
BOOST_DESCRIBE_STRUCT(line, (), (shelf, version, microseconds))
struct history {
  using result_type = std::vector<line>;
};
struct broken {
  using result_type = int;
};

} // namespace tea

namespace cleave {
template <> inline constexpr auto event_name<tea::stocked> = "tea-stocked.v2";
template <> inline constexpr auto event_name<tea::stocked_in_ounces> = "tea-stocked.v1";
template <> inline constexpr auto event_name<tea::sold> = "tea-sold.v1";
template <> inline constexpr auto event_name<tea::dropped> = "tea-dropped.v1";
} // namespace cleave

namespace tea {

struct shelf {
  using commands = cleave::command_set<stock, sell, split, drop, look>;
  using events = cleave::event_set<stocked, sold, dropped>;
  static constexpr std::string_view category = "shelf";
  static std::string_view id(auto const&) { return "1"; }

  std::int32_t grams = 0;
  void evolve(stocked const& e) {
    if (e.grams < 0) throw std::runtime_error("less than nothing");
    grams += e.grams;
  }
  void evolve(sold const& e) { grams -= e.grams; }
  void evolve(dropped const&) {}

  cleave::decision<stocked> decide(stock const& c) const {
    if (c.grams == 0) return cleave::nothing_happened{};
    return stocked{c.kind, c.grams};
  }
  cleave::decision<sold> decide(sell const& c) const {
    if (c.grams > grams) return cleave::reject("out-of-stock", "{} g left", grams);
    return sold{c.grams, "paid"};
  }
  cleave::decision<stocked, sold> decide(split const&) const {
    return {sold{grams, "paid"}, stocked{"half", grams / 2}};
  }
  cleave::decision<dropped> decide(drop const&) const { return dropped{3}; }
  cleave::decision<sold> decide(look const&) const { throw std::runtime_error("too dark"); }
};

struct ledger {
  using events = cleave::event_set<stocked, sold>;
  using queries = cleave::query_set<grams_of, history, broken>;
  static constexpr std::string_view name = "ledger.v1";
  void on(stocked const& e, cleave::envelope const& at) { note(at, e.grams); }
  void on(sold const& e, cleave::envelope const& at) {
    if (e.grams < 0) throw std::runtime_error("sold backwards");
    note(at, -e.grams);
  }
  cleave::result<std::int32_t> answer(grams_of const& q) const {
    if (auto found = grams.find(q.shelf); found != grams.end()) return found->second;
    return cleave::unexpected(cleave::make_error(errc::not_found, "no shelf {}", q.shelf));
  }
  std::vector<line> answer(history const&) const { return lines; }
  int answer(broken const&) const { throw std::runtime_error("no ink"); }

  void note(cleave::envelope const& at, std::int32_t by) {
    grams[std::string(at.stream.id())] += by;
    lines.push_back({std::string(at.stream.id()), static_cast<std::int64_t>(at.version.value()),
                     at.recorded_at.microseconds()});
  }
  std::map<std::string, std::int32_t> grams;
  std::vector<line> lines;
};

} // namespace tea

TEST_CASE("given events and a command then the events of the decision") {
  REQUIRE(given<tea::shelf>(tea::stocked{"green", 100})
              .when(tea::stock{"black", 50})
              .then(tea::stocked{"black", 50}));
  REQUIRE(given<tea::shelf>(tea::stocked{"green", 100}).when(tea::sell{40}).then(tea::sold{40, "paid"}));
  REQUIRE(given<tea::shelf>(tea::stocked{"green", 100}, tea::sold{30, ""})
              .when(tea::split{})
              .then(tea::sold{70, "paid"}, tea::stocked{"half", 35}));
}

TEST_CASE("a command without effect and a rejection have ends of their own") {
  REQUIRE(given<tea::shelf>().when(tea::stock{"green", 0}).then_nothing());
  REQUIRE(given<tea::shelf>().when(tea::sell{1}).then_rejected("out-of-stock"));
  REQUIRE_FALSE(given<tea::shelf>().when(tea::sell{1}).then_nothing());
  REQUIRE_FALSE(given<tea::shelf>().when(tea::sell{1}).then_rejected("closed"));
  REQUIRE_FALSE(given<tea::shelf>().when(tea::stock{"green", 0}).then_rejected("out-of-stock"));
  REQUIRE_FALSE(given<tea::shelf>().when(tea::stock{"green", 1}).then_nothing());
  REQUIRE_FALSE(given<tea::shelf>().when(tea::sell{1}).then(tea::sold{1, "paid"}));
}

TEST_CASE("a sentence fails over number, order, type, field and what only operator== sees") {
  auto const split = given<tea::shelf>(tea::stocked{"green", 10}).when(tea::split{});
  REQUIRE(split.then(tea::sold{10, "paid"}, tea::stocked{"half", 5}));
  REQUIRE_FALSE(split.then(tea::sold{10, "paid"}));
  REQUIRE_FALSE(split.then(tea::sold{10, "paid"}, tea::stocked{"half", 5}, tea::sold{1, ""}));
  REQUIRE_FALSE(split.then(tea::stocked{"half", 5}, tea::sold{10, "paid"}));
  REQUIRE_FALSE(split.then(tea::sold{10, "paid"}, tea::stocked{"half", 6}));
  REQUIRE_FALSE(split.then(tea::sold{10, "owed"}, tea::stocked{"half", 5}));
}

TEST_CASE("a sentence can be told in parts, each used again") {
  auto const history = given<tea::shelf>(tea::stocked{"green", 100});
  auto const small = history.when(tea::sell{10});
  REQUIRE(history.when(tea::sell{101}).then_rejected("out-of-stock"));
  REQUIRE(small.then(tea::sold{10, "paid"}));
  REQUIRE_FALSE(small.then(tea::sold{11, "paid"}));
}

TEST_CASE("events of an old version are upcast on the way") {
  REQUIRE(given<tea::shelf>(tea::stocked_in_ounces{"green", 2})
              .when(tea::sell{57})
              .then_rejected("out-of-stock"));
  REQUIRE(
      given<tea::shelf>(tea::stocked_in_ounces{"green", 2}).when(tea::sell{56}).then(tea::sold{56, "paid"}));
  REQUIRE(given<tea::ledger>(in("shelf-a", tea::stocked_in_ounces{"green", 2}))
              .when(tea::grams_of{"a"})
              .then(56));
}

namespace {

struct kept;
struct lost {
  static constexpr std::string_view event_name = "lost.v1";
};
struct both {
  static constexpr std::string_view event_name = "both.v1";
  std::tuple<kept, lost> upcast() const;
};
struct kept {
  using supersedes = cleave::event_set<both>;
  static constexpr std::string_view event_name = "kept.v1";
};
std::tuple<kept, lost> both::upcast() const { return {}; }
struct keep {};
struct keeper {
  using commands = cleave::command_set<keep>;
  using events = cleave::event_set<kept>;
  static constexpr std::string_view category = "keeper";
  static int id(keep const&) { return 1; }
  void evolve(kept const&) {}
  cleave::decision<kept> decide(keep const&) const { return kept{}; }
};

} // namespace

TEST_CASE("a story stops, as a command does, where an old event became one that the decider does not list") {
  auto const told = given<keeper>(both{}).when(keep{}).then_rejected("any");
  REQUIRE_FALSE(told);
  REQUIRE_THAT(told.text(), Contains("unknown_event") && Contains("both.v1 ") && Contains("lost.v1"));
}

TEST_CASE("the report of a decider that did something else names event and field") {
  auto const told = given<tea::shelf>(tea::stocked{"green", 100}, tea::sold{30, ""})
                        .when(tea::stock{"black", 50})
                        .then(tea::stocked{"black", 60});
  REQUIRE(told.text() == "given tea-stocked.v2 {\"kind\":\"green\",\"grams\":100}\n"
                         "      tea-sold.v1 {\"grams\":30}\n"
                         "when  stock {\"kind\":\"black\",\"grams\":50}\n"
                         "then  expected\n"
                         "        tea-stocked.v2 {\"kind\":\"black\",\"grams\":60}\n"
                         "      actual\n"
                         "        tea-stocked.v2 {\"kind\":\"black\",\"grams\":50}\n"
                         "      difference\n"
                         "        event 1, grams: expected 60, actual 50\n");
}

TEST_CASE("the report shows rejections, missing events and events too many") {
  auto const refused = given<tea::shelf>().when(tea::sell{5}).then(tea::sold{5, ""});
  REQUIRE(refused.text() == "given nothing\n"
                            "when  sell-tea (no stored form)\n"
                            "then  expected\n"
                            "        tea-sold.v1 {\"grams\":5}\n"
                            "      actual\n"
                            "        rejected out-of-stock: 0 g left\n");
  auto const split = given<tea::shelf>(tea::stocked{"green", 10}).when(tea::split{});
  REQUIRE_THAT(split.then(tea::sold{10, "paid"}).text(),
               Contains("event 2: tea-stocked.v2 was not expected\n"));
  REQUIRE_THAT(split.then(tea::stocked{"half", 5}, tea::sold{10, "paid"}).text(),
               Contains("event 1: expected tea-stocked.v2, actual tea-sold.v1\n") &&
                   Contains("event 2: expected tea-sold.v1, actual tea-stocked.v2\n"));
  REQUIRE_THAT(given<tea::shelf>().when(tea::stock{"green", 0}).then(tea::stocked{"green", 0}).text(),
               Contains("actual\n        nothing\n") &&
                   Contains("event 1: expected tea-stocked.v2, there is none\n"));
  REQUIRE_THAT(given<tea::shelf>().when(tea::stock{"green", 1}).then_rejected("closed").text(),
               Contains("expected\n        rejected closed\n      actual\n        tea-stocked.v2"));
  REQUIRE_THAT(split.then(tea::sold{10, "owed"}, tea::stocked{"half", 5}).text(),
               Contains("event 1: operator== tells them apart, their stored forms are the same\n"));
}

TEST_CASE("an event without a stored form is named in the report") {
  REQUIRE_THAT(given<tea::shelf>().when(tea::drop{}).then_nothing().text(),
               Contains("tea-dropped.v1 (no stored form)"));
}

TEST_CASE("a report that holds tells its sentence too") {
  REQUIRE(given<tea::shelf>().when(tea::stock{"green", 1}).then(tea::stocked{"green", 1}).text() ==
          "given nothing\n"
          "when  stock {\"kind\":\"green\",\"grams\":1}\n"
          "then  tea-stocked.v2 {\"kind\":\"green\",\"grams\":1}\n");
  REQUIRE_THAT(given<tea::shelf>().when(tea::sell{1}).then_rejected("out-of-stock").text(),
               Contains("then  rejected out-of-stock: 0 g left\n"));
  REQUIRE_THAT(
      given<tea::shelf>(tea::stocked{"green", 10})
          .when(tea::split{})
          .then(tea::sold{10, "paid"}, tea::stocked{"half", 5})
          .text(),
      Contains("then  tea-sold.v1 {\"grams\":10}\n      tea-stocked.v2 {\"kind\":\"half\",\"grams\":5}\n"));
}

TEST_CASE("what decide or evolve throws fails every end of the sentence") {
  auto const thrown = given<tea::shelf>().when(tea::look{});
  REQUIRE_FALSE(thrown.then(tea::sold{1, ""}));
  REQUIRE_FALSE(thrown.then_nothing());
  REQUIRE_FALSE(thrown.then_rejected("out-of-stock"));
  REQUIRE_THAT(thrown.then_nothing().text(), Contains("handler_failed: decide threw: too dark"));

  auto const bad_past = given<tea::shelf>(tea::stocked{"green", -1}, tea::stocked{"green", 5})
                            .when(tea::stock{"green", 0});
  REQUIRE_FALSE(bad_past.then_nothing());
  REQUIRE_THAT(bad_past.then_nothing().text(), Contains("handler_failed: evolve threw: less than nothing"));
}

TEST_CASE("given events and a query then the answer of the projection") {
  REQUIRE(given<tea::ledger>(in("shelf-a", tea::stocked{"green", 100}),
                             in("shelf-b", tea::stocked{"black", 1}), in("shelf-a", tea::sold{30, ""}))
              .when(tea::grams_of{"a"})
              .then(70));
  REQUIRE(given<tea::ledger>(tea::stocked{"green", 5}).when(tea::grams_of{"1"}).then(5));
  REQUIRE(given<tea::ledger>().when(tea::history{}).then({}));
}

TEST_CASE("a projection sees stream, version and time as in a log") {
  REQUIRE(given<tea::ledger>(in("shelf-a", tea::stocked{"green", 1}).at(cleave::timestamp(17)),
                             in("shelf-b", tea::stocked{"green", 2}), in("shelf-a", tea::sold{1, ""}))
              .when(tea::history{})
              .then({{"a", 1, 17}, {"b", 1, 0}, {"a", 2, 0}}));
}

namespace tea {

struct stored_ledger { // the same with its rows in a read store
  using events = cleave::event_set<stocked, sold>;
  using queries = cleave::query_set<grams_of, broken>;
  static constexpr std::string_view name = "stored-ledger.v1";
  void create(cleave_test::small_read_store::session& in) { in.rows["created"] = 1; }
  void on(stocked const& e, cleave::envelope const& at, cleave_test::small_read_store::session& in) {
    in.rows[std::string(at.stream.id())] += e.grams;
  }
  cleave::result<void> on(sold const& e, cleave::envelope const& at,
                          cleave_test::small_read_store::session& in) {
    if (e.grams < 0) return cleave::unexpected(cleave::error(errc::constraint_violated, "sold backwards"));
    in.rows[std::string(at.stream.id())] -= e.grams;
    return {};
  }
  std::int32_t answer(grams_of const& q, cleave_test::small_read_store::session& in) const {
    return static_cast<std::int32_t>(in.rows[q.shelf]);
  }
  int answer(broken const&, cleave_test::small_read_store::session&) const {
    throw std::runtime_error("no ink");
  }
};

} // namespace tea

TEST_CASE("a stored projection is filled and asked in a read store") {
  cleave_test::small_read_store rows;
  auto const filled = given<tea::stored_ledger>(in("shelf-a", tea::stocked{"green", 100}),
                                                in("shelf-b", tea::stocked{"green", 1}),
                                                in("shelf-a", tea::sold{30, ""}))
                          .stored_in(rows);
  REQUIRE(filled.when(tea::grams_of{"a"}).then(70));
  REQUIRE(filled.when(tea::grams_of{"b"}).then(1));
  REQUIRE(filled.when(tea::grams_of{"created"}).then(1));
  REQUIRE_FALSE(filled.when(tea::grams_of{"a"}).then(71));
  REQUIRE(*rows.checkpoint("stored-ledger.v1") == cleave::position(3));
  REQUIRE_THAT(filled.when(tea::broken{}).then(1).text(), Contains("threw: no ink"));
}

TEST_CASE("a stored projection that cannot apply an event fails the sentence and leaves no row") {
  cleave_test::small_read_store rows;
  auto const told = given<tea::stored_ledger>(tea::stocked{"green", 9}, tea::sold{-1, ""})
                        .stored_in(rows)
                        .when(tea::grams_of{"1"});
  REQUIRE_FALSE(told.then(9));
  REQUIRE_THAT(told.then(9).text(), Contains("constraint_violated: sold backwards"));
  REQUIRE(rows.committed_rows().empty());
}

TEST_CASE("a read store that knows the projection already fails the sentence") {
  cleave_test::small_read_store rows;
  auto const sentence = given<tea::stored_ledger>(tea::stocked{"green", 9});
  REQUIRE(sentence.stored_in(rows).when(tea::grams_of{"1"}).then(9));
  REQUIRE_THAT(sentence.stored_in(rows).when(tea::grams_of{"1"}).then(9).text(),
               Contains("version_conflict"));
}

TEST_CASE("an error is an answer that can be expected") {
  REQUIRE(given<tea::ledger>().when(tea::grams_of{"a"}).then_failed(errc::not_found));
  REQUIRE_FALSE(given<tea::ledger>().when(tea::grams_of{"a"}).then_failed(errc::stale));
  REQUIRE_FALSE(given<tea::ledger>().when(tea::grams_of{"a"}).then(0));
  REQUIRE_FALSE(
      given<tea::ledger>(tea::stocked{"green", 5}).when(tea::grams_of{"1"}).then_failed(errc::not_found));
}

TEST_CASE("the report of a projection shows streams, answer and what failed") {
  auto const wrong =
      given<tea::ledger>(in("shelf-a", tea::stocked{"green", 100})).when(tea::grams_of{"a"}).then(99);
  REQUIRE(wrong.text() == "given tea-stocked.v2 {\"kind\":\"green\",\"grams\":100} in shelf-a\n"
                          "when  grams_of {\"shelf\":\"a\"}\n"
                          "then  expected\n"
                          "        99\n"
                          "      actual\n"
                          "        100\n");
  REQUIRE_THAT(given<tea::ledger>().when(tea::grams_of{"a"}).then(1).text(),
               Contains("not_found: no shelf a"));
  REQUIRE_THAT(given<tea::ledger>(tea::sold{-1, ""}).when(tea::history{}).then({}).text(),
               Contains("handler_failed: on threw: sold backwards"));
  REQUIRE_FALSE(given<tea::ledger>().when(tea::broken{}).then_failed(errc::handler_failed));
  REQUIRE_THAT(given<tea::ledger>().when(tea::broken{}).then(1).text(),
               Contains("handler_failed: answer threw: no ink"));
}

TEST_CASE("a report prints itself in any stream that takes a text") {
  std::ostringstream out;
  auto const told = given<tea::shelf>().when(tea::sell{1}).then_nothing();
  out << told;
  REQUIRE(out.str() == told.text());
  REQUIRE_THAT(Catch::Detail::stringify(told), Contains("rejected out-of-stock"));
}
