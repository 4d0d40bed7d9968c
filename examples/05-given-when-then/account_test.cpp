// SPDX-License-Identifier: BSL-1.0
// 05: tests as sentences. Deciders and projections are plain functions of events, so their tests need no store, no thread and no
// mock: given what has happened, when this is asked for, then that comes of it.
//
// Each sentence is a report: true or false, with a text that shows what was expected and what came. A test framework takes it as
// it is, REQUIRE(given<account>(...)...); this program does without one.

#include <cleave/testing/given_when_then.hpp>

#include <boost/describe.hpp>

#include <cstdint>
#include <iostream>
#include <map>
#include <string>

struct account_opened {
  std::string owner;
};
struct money_deposited {
  std::int64_t cents = 0;
};
// Described, so that a report shows their fields by name.
BOOST_DESCRIBE_STRUCT(account_opened, (), (owner))
BOOST_DESCRIBE_STRUCT(money_deposited, (), (cents))
template <> inline constexpr auto cleave::event_name<account_opened> = "account-opened.v1";
template <> inline constexpr auto cleave::event_name<money_deposited> = "money-deposited.v1";

struct deposit {
  std::string account;
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(deposit, (), (account, cents))

struct account {
  using commands = cleave::command_set<deposit>;
  using events = cleave::event_set<account_opened, money_deposited>;
  static constexpr std::string_view category = "account";
  static std::string const& id(deposit const& command) { return command.account; }

  bool open = false;
  void evolve(account_opened const&) { open = true; }
  void evolve(money_deposited const&) {}
  cleave::decision<money_deposited> decide(deposit const& command) const {
    if (!open) return cleave::reject("account-closed", "account {} is not open", command.account);
    if (command.cents == 0) return cleave::nothing_happened{};
    return money_deposited{command.cents};
  }
};

struct balance_of {
  using result_type = std::int64_t;
  std::string account;
};
BOOST_DESCRIBE_STRUCT(balance_of, (), (account))

struct balances {
  using events = cleave::event_set<money_deposited>;
  using queries = cleave::query_set<balance_of>;
  static constexpr std::string_view name = "balances.v1";
  void on(money_deposited const& event, cleave::envelope const& at) {
    cents[std::string(at.stream.id())] += event.cents;
  }
  std::int64_t answer(balance_of const& query) const {
    return cents.contains(query.account) ? cents.at(query.account) : 0;
  }
  std::map<std::string, std::int64_t> cents;
};

int main() {
  using namespace cleave::testing;

  int failures = 0;
  auto const require = [&](report const& told) {
    std::cout << told << '\n';
    if (!told) ++failures;
  };

  require(given<account>(account_opened{"Alice"}).when(deposit{"alice", 500}).then(money_deposited{500}));
  require(given<account>().when(deposit{"alice", 500}).then_rejected("account-closed"));
  require(given<account>(account_opened{"Alice"}).when(deposit{"alice", 0}).then_nothing());
  require(given<balances>(in("account-alice", money_deposited{500}), in("account-bob", money_deposited{700}),
                          in("account-alice", money_deposited{1}))
              .when(balance_of{"alice"})
              .then(501));

  std::cout << "And this is what a sentence says that does not hold:\n\n";
  auto const wrong =
      given<account>(account_opened{"Alice"}).when(deposit{"alice", 500}).then(money_deposited{600});
  std::cout << wrong;
  return failures == 0 && !wrong ? 0 : 1;
}
