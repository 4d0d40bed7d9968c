// SPDX-License-Identifier: BSL-1.0
// The small domain that the benchmarks share: an account, its events, and a read model of all balances.
#pragma once

#include <cleave/cleave.hpp>

#include <boost/describe.hpp>

#include <cstdint>
#include <string>
#include <unordered_map>

namespace bench {

struct account_opened {
  std::int64_t limit = 0;
  static constexpr auto event_name = "account-opened.v1";
};
BOOST_DESCRIBE_STRUCT(account_opened, (), (limit))
struct money_deposited {
  std::int64_t cents = 0;
  static constexpr auto event_name = "money-deposited.v1";
};
BOOST_DESCRIBE_STRUCT(money_deposited, (), (cents))
struct money_withdrawn {
  std::int64_t cents = 0;
  static constexpr auto event_name = "money-withdrawn.v1";
};
BOOST_DESCRIBE_STRUCT(money_withdrawn, (), (cents))

struct open_account {
  std::int64_t account = 0;
};
struct deposit {
  std::int64_t account = 0;
  std::int64_t cents = 0;
};

struct account {
  using commands = cleave::command_set<open_account, deposit>;
  using events = cleave::event_set<account_opened, money_deposited, money_withdrawn>;
  static constexpr std::string_view category = "account";
  static std::int64_t id(auto const& command) { return command.account; }

  bool open = false;
  std::int64_t cents = 0;

  void evolve(account_opened const&) { open = true; }
  void evolve(money_deposited const& e) { cents += e.cents; }
  void evolve(money_withdrawn const& e) { cents -= e.cents; }
  cleave::decision<account_opened> decide(open_account const&) const {
    if (open) return cleave::reject("account-open", "it is open already");
    return account_opened{};
  }
  cleave::decision<money_deposited> decide(deposit const& c) const {
    if (!open) return cleave::reject("account-closed", "account {} is not open", c.account);
    return money_deposited{c.cents};
  }
};

struct total {
  using result_type = std::int64_t;
};
// A read model that is as cheap as one can be, so that the way to it is what is measured.
struct totals {
  using events = account::events;
  using queries = cleave::query_set<total>;
  static constexpr std::string_view name = "totals.v1";
  std::int64_t cents = 0;
  void on(account_opened const&) {}
  void on(money_deposited const& e) { cents += e.cents; }
  void on(money_withdrawn const& e) { cents -= e.cents; }
  std::int64_t answer(total const&) const { return cents; }
};

} // namespace bench
