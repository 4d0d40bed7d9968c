// SPDX-License-Identifier: BSL-1.0
// Boundaries as a part of an application: what they commit reaches its bus with the place where it stands, and its projections.
#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace {

struct taken {
  static constexpr auto event_name = "taken.v1";
  std::int64_t cents = 0;
};
struct given {
  static constexpr auto event_name = "given.v1";
  std::int64_t cents = 0;
};
struct name_claimed {
  static constexpr auto event_name = "name-claimed.v1";
  std::string name;
  std::array<std::string, 1> tags() const { return {"name:" + name}; }
};
struct transfer {
  std::string from;
  std::string to;
};
struct claim {
  std::string name;
};

// Two for one: money leaves and arrives in turns.
struct transfers {
  using commands = cleave::command_set<transfer>;
  using events = cleave::event_set<taken, given>;
  static std::array<std::string, 2> streams(transfer const& c) { return {"a-" + c.from, "a-" + c.to}; }
  static std::string stream(transfer const& c, taken const&) { return "a-" + c.from; }
  static std::string stream(transfer const& c, given const&) { return "a-" + c.to; }
  void evolve(taken const&) {}
  void evolve(given const&) {}
  cleave::decision<taken, given> decide(transfer const&) const {
    return {taken{1}, given{1}, taken{2}, given{2}};
  }
};
struct claims {
  using commands = cleave::command_set<claim>;
  using events = cleave::event_set<name_claimed>;
  static constexpr std::string_view category = "names";
  static std::string_view id(claim const&) { return "all"; }
  static cleave::boundary_query boundary(claim const& c) {
    return cleave::events_with<name_claimed>("name:" + c.name);
  }
  bool is_taken = false;
  void evolve(name_claimed const&) { is_taken = true; }
  cleave::decision<name_claimed> decide(claim const& c) const {
    if (is_taken) return cleave::reject("taken", "{}", c.name);
    return name_claimed{c.name};
  }
};

struct balance {
  using result_type = std::int64_t;
};
struct balances {
  using events = cleave::event_set<taken, given>;
  using queries = cleave::query_set<balance>;
  static constexpr std::string_view name = "balances.v1";
  std::int64_t sum = 0;
  void on(taken const& e) { sum -= e.cents; }
  void on(given const& e) { sum += 10 * e.cents; }
  std::int64_t answer(balance const&) const { return sum; }
};

} // namespace

TEST_CASE("subscribers hear where each event of a boundary stands") {
  cleave::memory::event_store log;
  cleave::application app{log, cleave::boundaries<transfers, claims>, cleave::inline_projections<balances>};
  std::vector<std::string> heard;
  auto const note = [&](std::string_view name, cleave::envelope const& at) {
    heard.push_back(std::string(name) + " " + std::string(at.stream.text()) + "@" +
                    std::to_string(at.version.value()) + " #" + std::to_string(at.position.value()));
  };
  auto const a = app.events().subscribe<taken>(
      [&](taken const&, cleave::envelope const& at) { note("taken", at); });
  auto const b = app.events().subscribe<given>(
      [&](given const&, cleave::envelope const& at) { note("given", at); });
  auto const c = app.events().subscribe<name_claimed>(
      [&](name_claimed const&, cleave::envelope const& at) { note(at.tags[0], at); });

  REQUIRE(app.execute(transfer{"x", "y"}));
  REQUIRE(app.execute(transfer{"y", "x"}));
  REQUIRE(app.execute(claim{"n"}));
  REQUIRE_FALSE(app.execute(claim{"n"}));
  REQUIRE(app.execute(claim{"m"}));
  REQUIRE(heard == std::vector<std::string>{"taken a-x@1 #1", "taken a-x@2 #2", "given a-y@1 #3",
                                            "given a-y@2 #4", "taken a-y@3 #5", "taken a-y@4 #6",
                                            "given a-x@3 #7", "given a-x@4 #8", "name:n names-all@1 #9",
                                            "name:m names-all@2 #10"});

  std::vector<std::string> stored;
  REQUIRE(log.read_all({}, [&](cleave::recorded_event const& event) {
    stored.push_back(std::string(event.at.stream.text()) + "@" + std::to_string(event.at.version.value()));
    return true;
  }));
  REQUIRE(stored == std::vector<std::string>{"a-x@1", "a-x@2", "a-y@1", "a-y@2", "a-y@3", "a-y@4", "a-x@3",
                                             "a-x@4", "names-all@1", "names-all@2"});
  REQUIRE(*app.query(balance{}) == 54);
}
