// SPDX-License-Identifier: BSL-1.0
// 03: a read model and the query that it answers. Deciders see one stream and only to decide; questions go to read models, which
// are fed from the whole log by projections, behind the commit, on threads of their own.
//
//   projection   a function of events that fills a read model (on)
//   query        a question that names the type of its answer (result_type)
//   at_least     how fresh the answer has to be: "with the command that I have just executed"

#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <iostream>
#include <map>
#include <string>

struct money_deposited {
  std::int64_t cents = 0;
};
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
struct richest {
  using result_type = std::string;
};

struct balances {
  using events = cleave::event_set<money_deposited>;
  using queries = cleave::query_set<balance_of, richest>;
  static constexpr std::string_view name = "balances.v1";

  // The envelope is what stands around an event: stream, position, time, ...
  void on(money_deposited const& event, cleave::envelope const& at) {
    cents[std::string(at.stream.id())] += event.cents;
  }

  std::int64_t answer(balance_of const& query) const {
    auto const found = cents.find(query.account);
    return found == cents.end() ? 0 : found->second;
  }
  std::string answer(richest const&) const {
    auto const by_cents = [](auto const& one, auto const& other) { return one.second < other.second; };
    auto const found = std::max_element(cents.begin(), cents.end(), by_cents);
    return found == cents.end() ? "nobody" : found->first;
  }

  std::map<std::string, std::int64_t> cents;
};

int main() {
  cleave::memory::event_store log;
  cleave::application bank{log, cleave::deciders<account>, cleave::projections<balances>};

  cleave::position last;
  for (auto const& command : {deposit{"alice", 500}, deposit{"bob", 700}, deposit{"alice", 300}}) {
    auto done = bank.execute(command);
    if (!done) {
      std::cerr << done.error().message() << '\n';
      return 1;
    }
    last = done->position;
  }

  // Waits until the read model has seen all three, one second at the most.
  auto alice = bank.query(balance_of{"alice"}, cleave::at_least(last));
  auto rich = bank.query(richest{}, cleave::at_least(last));
  if (!alice || !rich) {
    std::cerr << (alice ? rich.error() : alice.error()).message() << '\n';
    return 1;
  }
  std::cout << "alice has " << *alice << " cents, the richest is " << *rich << '\n';

  // A position that the log has not reached: the answer would not be true, so there is none.
  auto early = bank.query(richest{}, cleave::at_least(last.next(), std::chrono::milliseconds(50)));
  std::cout << "with a deposit that nobody made: " << (early ? *early : early.error().message()) << '\n';
  return *alice == 800 && *rich == "alice" && !early && early.error().code() == cleave::errc::stale ? 0 : 1;
}
