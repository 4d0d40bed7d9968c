// SPDX-License-Identifier: BSL-1.0
// 04: the same on SQLite, with a restart. The log is one file; what execute has acknowledged survives the end of the program and,
// with the default durability, a power loss.
//
// Against 03 two things are new: the events are described, so that they have a stored form (JSON text), and the store is another
// one. Deciders, projections and queries stay as they are.

#include <cleave/cleave.hpp>
#include <cleave/sqlite/event_store.hpp>

#include <boost/describe.hpp>

#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <string>
#include <unistd.h>

struct money_deposited {
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(money_deposited, (), (cents)) // stored as {"cents":500}
template <> inline constexpr auto cleave::event_name<money_deposited> = "money-deposited.v1";

struct deposit {
  std::string account;
  std::int64_t cents = 0;
};

struct account {
  using commands = cleave::command_set<deposit>;
  using events = cleave::event_set<money_deposited>;
  static constexpr std::string_view category = "account";
  static std::string const& id(deposit const& command) { return command.account; }

  void evolve(money_deposited const&) {}
  cleave::decision<money_deposited> decide(deposit const& command) const {
    return money_deposited{command.cents};
  }
};

struct balance_of {
  using result_type = std::int64_t;
  std::string account;
};

struct balances { // in memory: built anew from the log at every start
  using events = cleave::event_set<money_deposited>;
  using queries = cleave::query_set<balance_of>;
  static constexpr std::string_view name = "balances.v1";

  void on(money_deposited const& event, cleave::envelope const& at) {
    cents[std::string(at.stream.id())] += event.cents;
  }
  std::int64_t answer(balance_of const& query) const {
    auto const found = cents.find(query.account);
    return found == cents.end() ? 0 : found->second;
  }
  std::map<std::string, std::int64_t> cents;
};

// One run of the program: opens the file, deposits, and asks for the balance.
cleave::result<std::int64_t> run(std::string const& file, std::int64_t cents) {
  auto store = cleave::sqlite::event_store::open({.path = file});
  if (!store) return cleave::unexpected(store.error());
  cleave::application bank{*store, cleave::deciders<account>, cleave::projections<balances>};

  auto done = bank.execute(deposit{"alice", cents});
  if (!done) return cleave::unexpected(done.error().error()); // this decider rejects nothing
  std::cout << "deposited " << cents << ": event " << done->version.value() << " of the account\n";
  return bank.query(balance_of{"alice"}, cleave::at_least(done->position));
}

int main() {
  auto const folder = std::filesystem::temp_directory_path() /
                      ("cleave-example-04-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  auto const file = (folder / "bank.db").string();

  auto const first = run(file, 500);
  std::cout << "the program ends, and starts again\n";
  auto const second = run(file, 300);
  std::filesystem::remove_all(folder);

  if (!first || !second) {
    std::cerr << (first ? second : first).error().message() << '\n';
    return 1;
  }
  std::cout << "alice had " << *first << " cents, and has " << *second << '\n';
  return *first == 500 && *second == 800 ? 0 : 1;
}
