// SPDX-License-Identifier: BSL-1.0
#include <cleave/command/decider_runner.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include "account.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>
#include <tuple>

using bank::account;
using Catch::Contains;
using cleave::errc;
using cleave::position;
using cleave::version;
using cleave_test::append_raw;
using cleave_test::log_of;

namespace {

// A decider's runner over a store of its own.
template <class Store, class D = account> struct desk {
  Store store{};
  cleave_test::plain_side<Store> side;
  cleave::decider_runner<D, cleave_test::plain_side<Store>> runner{side};

  explicit desk(cleave::write_options const& options = {}) : side(store, options) {}
  template <class C> cleave::command_result execute(C const& command,
                                                    cleave::command_context const& context = {}) {
    return runner.execute(command, context);
  }
};
using memory_desk = desk<cleave::memory::event_store>;

struct once { // withdraws only from an account that nobody else has touched
  using commands = cleave::command_set<bank::withdraw>;
  using events = cleave::event_set<bank::deposited, bank::withdrawn>;
  static constexpr std::string_view category = "account";
  static std::string const& id(bank::withdraw const& c) { return c.account; }
  int touched = 0;
  void evolve(bank::deposited const&) { ++touched; }
  void evolve(bank::withdrawn const&) {}
  cleave::decision<bank::withdrawn> decide(bank::withdraw const& c) const {
    if (touched != 0) return cleave::reject("touched", "{} times", touched);
    return bank::withdrawn{c.cents};
  }
};
struct numbered {
  using commands = cleave::command_set<bank::withdraw>;
  using events = cleave::event_set<bank::withdrawn>;
  static constexpr std::string_view category = "n";
  static std::int64_t id(bank::withdraw const& c) { return c.cents; }
  void evolve(bank::withdrawn const&) {}
  cleave::decision<bank::withdrawn> decide(bank::withdraw const& c) const { return bank::withdrawn{c.cents}; }
};

// One old event that became two, of which `forgetful` knows one and `mindful` both.
struct renumbered;
struct renumbered_v1 {
  static constexpr std::string_view event_name = "renumbered.v1";
  std::tuple<renumbered, bank::frozen> upcast() const;
};
BOOST_DESCRIBE_STRUCT(renumbered_v1, (), ())
struct renumbered {
  static constexpr std::string_view event_name = "renumbered.v2";
  using supersedes = cleave::event_set<renumbered_v1>;
};
BOOST_DESCRIBE_STRUCT(renumbered, (), ())
std::tuple<renumbered, bank::frozen> renumbered_v1::upcast() const { return {}; }
struct forgetful {
  using commands = cleave::command_set<bank::withdraw>;
  using events = cleave::event_set<renumbered, bank::withdrawn>;
  static constexpr std::string_view category = "account";
  static std::string const& id(bank::withdraw const& c) { return c.account; }
  int evolved = 0;
  void evolve(renumbered const&) { ++evolved; }
  void evolve(bank::withdrawn const&) {}
  cleave::decision<bank::withdrawn> decide(bank::withdraw const& c) const { return bank::withdrawn{c.cents}; }
};
struct outdated { // still decides what nobody should store any more
  using commands = cleave::command_set<bank::withdraw>;
  using events = cleave::event_set<renumbered, renumbered_v1>;
  static constexpr std::string_view category = "account";
  static std::string const& id(bank::withdraw const& c) { return c.account; }
  void evolve(renumbered const&) {}
  cleave::decision<renumbered_v1> decide(bank::withdraw const&) const { return renumbered_v1{}; }
};
struct mindful : forgetful {
  using events = cleave::event_set<renumbered, bank::withdrawn, bank::frozen>;
  using forgetful::evolve;
  void evolve(bank::frozen const&) { evolved += 10; }
};

template <class Result> errc code_of(Result const& failed) {
  return failed.error().is_rejection() ? errc{} : failed.error().error().code();
}

} // namespace

TEST_CASE("a command is decided on what the stream's events fold to") {
  memory_desk at;
  REQUIRE(at.execute(bank::deposit{"a", 5}).error().rejection().code == "closed");
  REQUIRE(at.execute(bank::open{"a"}));
  REQUIRE(at.execute(bank::open{"b"}));
  auto const done = at.execute(bank::deposit{"a", 5});
  REQUIRE(done);
  REQUIRE(done->position == position(3));
  REQUIRE(done->version == version(2));
  REQUIRE_FALSE(done->repeated);
  REQUIRE(at.execute(bank::withdraw{"b", 1}).error().rejection() ==
          cleave::rejection{"overdrawn", "only 0 left"});
  REQUIRE(at.execute(bank::withdraw{"a", 5}));
  auto const state = cleave::load<account>(at.store, "account-a");
  REQUIRE(state);
  REQUIRE(state->state.cents == 0);
  REQUIRE(state->version == version(3));
}

TEST_CASE("a rejected command stores nothing and publishes nothing") {
  memory_desk at;
  REQUIRE_FALSE(at.execute(bank::deposit{"a", 5}));
  REQUIRE(at.side.events_published == 0);
  REQUIRE(*at.store.head() == position());
}

TEST_CASE("a decision of several events is one commit") {
  memory_desk at;
  REQUIRE(at.execute(bank::open{"a"}));
  auto const done = at.execute(bank::move_all{"a"});
  REQUIRE(done->position == position(4));
  REQUIRE(done->version == version(4));
  REQUIRE(at.side.events_published == 4);
  REQUIRE(log_of(at.store) == std::vector<std::string>{"account-opened.v1@1", "money-withdrawn.v1@2",
                                                       "money-deposited.v1@3", "money-deposited.v1@4"});
}

TEST_CASE("a command without effect is committed at the head and stores nothing") {
  memory_desk at;
  REQUIRE(at.execute(bank::open{"a"}));
  REQUIRE(at.execute(bank::open{"b"}));
  auto const done = at.execute(bank::open{"a"});
  REQUIRE(done);
  REQUIRE(done->position == position(2));
  REQUIRE(done->version == version(1));
  REQUIRE(at.side.events_published == 2);
}

TEST_CASE("a lost race is decided anew on what the other writer did") {
  desk<cleave_test::losing_store> at;
  REQUIRE(at.execute(bank::open{"a"}));
  at.store.appends = 0;
  at.store.races = 3;
  // Only after three foreign cents is there enough to withdraw.
  REQUIRE(append_raw(at.store.inner, "account-a", bank::deposited{7}));
  auto const done = at.execute(bank::withdraw{"a", 7});
  REQUIRE(done);
  REQUIRE(at.store.appends == 4);
  REQUIRE(done->version == version(6));
  REQUIRE(cleave::load<account>(at.store, "account-a")->state.cents == 3);
}

TEST_CASE("after a lost race the new state can refuse the command") {
  desk<cleave_test::losing_store, once> at;
  at.store.races = 1;
  REQUIRE(at.execute(bank::withdraw{"a", 7}).error().rejection().code == "touched");
  REQUIRE(log_of(at.store) == std::vector<std::string>{"money-deposited.v1@1"});
}

TEST_CASE("lost races are retried as often as the options say and no more") {
  for (unsigned const attempts : {1U, 2U, 5U}) {
    cleave::write_options options;
    options.attempts = attempts;
    desk<cleave_test::losing_store> at{options};
    REQUIRE(at.execute(bank::open{"a"}));
    at.store.appends = 0;
    at.store.races = 1000;
    auto const lost = at.execute(bank::deposit{"a", 5});
    REQUIRE_FALSE(lost);
    REQUIRE(code_of(lost) == errc::version_conflict);
    REQUIRE_THAT(lost.error().message(), Contains("account-a"));
    REQUIRE(at.store.appends == static_cast<int>(attempts));
    REQUIRE(at.side.events_published == 1);

    at.store.races = static_cast<int>(attempts) - 1;
    REQUIRE(at.execute(bank::deposit{"a", 5}));
  }
}

TEST_CASE("what decide throws is an error of the command and nothing is stored") {
  memory_desk at;
  auto const failed = at.execute(bank::break_off{"a"});
  REQUIRE(code_of(failed) == errc::handler_failed);
  REQUIRE(failed.error().message() == "handler_failed: decide threw: broken off");
  REQUIRE(*at.store.head() == position());
}

TEST_CASE("what evolve throws is an error of the command") {
  memory_desk at;
  REQUIRE(append_raw(at.store, "account-a", bank::deposited{666}));
  auto const failed = at.execute(bank::open{"a"});
  REQUIRE(code_of(failed) == errc::handler_failed);
  REQUIRE_THAT(failed.error().message(), Contains("evolve threw: cannot count that"));
  REQUIRE(*at.store.head() == position(1));
}

TEST_CASE("what id or tags throw is an error of the command and nothing is stored") {
  memory_desk at;
  REQUIRE(code_of(at.execute(bank::open{"nobody"})) == errc::handler_failed);
  REQUIRE(at.execute(bank::open{"a"}));
  auto const failed = at.execute(bank::deposit{"a", 13});
  REQUIRE(code_of(failed) == errc::handler_failed);
  REQUIRE_THAT(failed.error().message(), Contains("no tag for 13"));
  REQUIRE(*at.store.head() == position(1));
}

TEST_CASE("an event that the decider does not list fails the command") {
  memory_desk at;
  REQUIRE(at.execute(bank::open{"a"}));
  REQUIRE(append_raw(at.store, "account-a", bank::frozen{}));
  auto const failed = at.execute(bank::deposit{"a", 5});
  REQUIRE(code_of(failed) == errc::unknown_event);
  REQUIRE_THAT(failed.error().message(),
               Contains("account-frozen.v1") && Contains("account-a") && Contains("version 2"));
  REQUIRE(*at.store.head() == position(2));
}

TEST_CASE("what upcasting makes of an event and the decider does not list fails the command") {
  desk<cleave::memory::event_store, forgetful> at;
  REQUIRE(at.execute(bank::withdraw{"a", 1}));
  REQUIRE(append_raw(at.store, "account-a", renumbered_v1{}));
  auto const failed = at.execute(bank::withdraw{"a", 5});
  REQUIRE(code_of(failed) == errc::unknown_event);
  REQUIRE_THAT(failed.error().message(), Contains("renumbered.v1") && Contains("account-frozen.v1") &&
                                             Contains("position 2") && Contains("account-a") &&
                                             Contains("version 2"));
  REQUIRE(*at.store.head() == position(2));
  auto const whole = cleave::load<mindful>(at.store, "account-a");
  REQUIRE(whole);
  REQUIRE(whole->state.evolved == 11);
}

TEST_CASE("a decided event of an old version counts as what it becomes when it is read") {
  desk<cleave::memory::event_store, outdated> at;
  REQUIRE(at.execute(bank::withdraw{"a", 1}));
  auto const failed = at.execute(bank::withdraw{"a", 1});
  REQUIRE(code_of(failed) == errc::unknown_event);
  REQUIRE_THAT(failed.error().message(), Contains("account-frozen.v1"));
  REQUIRE(*at.store.head() == position(1));
}

TEST_CASE("an empty id fails the command by name before it is decided") {
  memory_desk at;
  auto const failed = at.execute(bank::open{""});
  REQUIRE(code_of(failed) == errc::invalid_argument);
  REQUIRE_THAT(failed.error().message(), Contains("command open ") && Contains("account"));
  // A command without a name is called as its type is; and decide, which would only reject, is not asked.
  auto const unnamed = at.execute(bank::withdraw{"", 5});
  REQUIRE(code_of(unnamed) == errc::invalid_argument);
  REQUIRE_THAT(unnamed.error().message(), Contains("bank::withdraw"));
  REQUIRE(*at.store.head() == position());
}

TEST_CASE("an id that makes no stream name fails the command before it is decided") {
  memory_desk at;
  REQUIRE(code_of(at.execute(bank::open{std::string("a\0b", 3)})) == errc::invalid_argument);
  REQUIRE(code_of(at.execute(bank::open{"a\n"})) == errc::invalid_argument);
  REQUIRE(code_of(at.execute(bank::open{"\xff"})) == errc::invalid_argument);
  REQUIRE(code_of(at.execute(bank::open{std::string(248, 'x')})) == errc::limit_exceeded);
  REQUIRE(code_of(at.execute(bank::open{std::string(100'000, 'x')})) == errc::limit_exceeded);
  // Also where decide would only reject.
  REQUIRE(code_of(at.execute(bank::deposit{std::string(300, 'x'), 5})) == errc::limit_exceeded);
  REQUIRE(*at.store.head() == position());
  REQUIRE(at.execute(bank::open{std::string(247, 'x')})); // with "account-" just 255 bytes
  REQUIRE(at.execute(bank::open{"it's \"q\"; DROP TABLE events;-- \xf0\x9f\x8d\xb5"}));
}

TEST_CASE("a number is an id too") {
  desk<cleave::memory::event_store, numbered> at;
  REQUIRE(at.execute(bank::withdraw{"", INT64_MIN}));
  REQUIRE(at.execute(bank::withdraw{"", 42}));
  REQUIRE(cleave::load<numbered>(at.store, "n--9223372036854775808")->version == version(1));
  REQUIRE(cleave::load<numbered>(at.store, "n-42")->version == version(1));
}

TEST_CASE("events carry their tags, the command's metadata, and ids from the source") {
  struct counter {
    std::uint8_t last = 0;
    cleave::uuid next(cleave::timestamp) { return cleave::uuid({++last}); }
  } ids;
  cleave::write_options options;
  options.ids = ids;
  memory_desk at{options};
  cleave::header const headers[] = {{"traceparent", "00-1-2-01"}};
  cleave::testing::seeded_ids others(4);
  cleave::command_context context;
  context.correlation = others.next_correlation();
  context.causation = others.next_causation();
  context.headers = headers;
  REQUIRE(at.execute(bank::open{"a"}, context));
  REQUIRE(at.execute(bank::deposit{"a", 5000}, context));
  REQUIRE(at.execute(bank::move_all{"a"}, context));

  std::set<cleave::event_id> seen;
  std::vector<std::string> tags;
  auto const read = at.store.read_all(cleave::log_range{}, [&](cleave::recorded_event const& e) {
    seen.insert(e.at.id);
    for (auto tag : e.at.tags) tags.emplace_back(tag);
    CHECK(e.at.metadata.correlation == context.correlation);
    CHECK(e.at.metadata.causation == context.causation);
    CHECK((e.at.metadata.headers.size() == 1 && e.at.metadata.headers[0] == headers[0]));
    return true;
  });
  REQUIRE(read);
  REQUIRE(seen.size() == 5);
  REQUIRE(seen.begin()->id() == cleave::uuid({1}));
  REQUIRE(seen.rbegin()->id() == cleave::uuid({5}));
  std::sort(tags.begin(), tags.end());
  REQUIRE(tags == std::vector<std::string>{"large", "large", "money", "money", "money", "small"});
}

TEST_CASE("load folds on from a state that is known already") {
  memory_desk at;
  REQUIRE(at.execute(bank::open{"a"}));
  REQUIRE(at.execute(bank::deposit{"a", 5}));
  auto known = cleave::load<account>(at.store, "account-a");
  REQUIRE(known);
  REQUIRE(at.execute(bank::deposit{"a", 7}));
  known->state.cents = 100; // shows that nothing before is read again
  auto const later = cleave::load<account>(at.store, "account-a", *known);
  REQUIRE(later->state.cents == 107);
  REQUIRE(later->version == version(3));
  REQUIRE(cleave::load<account>(at.store, "account-none")->version == version());
  REQUIRE(cleave::load<account>(at.store, "").error().code() == errc::invalid_argument);
}
