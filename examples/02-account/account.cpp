// SPDX-License-Identifier: BSL-1.0
// 02: a bank account that says no. A decider knows the past, so it can refuse a command: with a rejection, which is a value with
// a code for programs and a text for people. Of a rejected command nothing is stored.
//
// What execute returns is one of three:
//   committed    where its events are now: position in the log, version of the stream
//   a rejection  the domain refused it
//   an error     something failed: a disk, a lost race, a name that is too long

#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>

#include <cstdint>
#include <iostream>
#include <string>

struct account_opened {
  std::string owner;
};
struct money_deposited {
  std::int64_t cents = 0;
};
struct money_withdrawn {
  std::int64_t cents = 0;
};
template <> inline constexpr auto cleave::event_name<account_opened> = "account-opened.v1";
template <> inline constexpr auto cleave::event_name<money_deposited> = "money-deposited.v1";
template <> inline constexpr auto cleave::event_name<money_withdrawn> = "money-withdrawn.v1";

struct open_account {
  std::string account;
  std::string owner;
};
struct deposit {
  std::string account;
  std::int64_t cents = 0;
};
struct withdraw {
  std::string account;
  std::int64_t cents = 0;
};

struct account {
  using commands = cleave::command_set<open_account, deposit, withdraw>;
  using events = cleave::event_set<account_opened, money_deposited, money_withdrawn>;
  static constexpr std::string_view category = "account";
  static std::string const& id(auto const& command) { return command.account; }

  bool open = false;
  std::int64_t cents = 0;

  void evolve(account_opened const&) { open = true; }
  void evolve(money_deposited const& event) { cents += event.cents; }
  void evolve(money_withdrawn const& event) { cents -= event.cents; }

  // A decision says which events can come of it; it is these events, a rejection, or nothing_happened.
  cleave::decision<account_opened> decide(open_account const& command) const {
    if (open) return cleave::reject("account-open", "account {} is open already", command.account);
    return account_opened{command.owner};
  }
  cleave::decision<money_deposited> decide(deposit const& command) const {
    if (!open) return cleave::reject("account-closed", "account {} is not open", command.account);
    if (command.cents == 0) return cleave::nothing_happened{};
    return money_deposited{command.cents};
  }
  cleave::decision<money_withdrawn> decide(withdraw const& command) const {
    if (command.cents > cents) {
      return cleave::reject("overdrawn", "account {} has {} cents, {} were asked for", command.account, cents,
                            command.cents);
    }
    return money_withdrawn{command.cents};
  }
};

int main() {
  cleave::memory::event_store log;
  cleave::application bank{log, cleave::deciders<account>};

  // Executes a command, prints what became of it, and returns that in one word.
  auto const tell = [&](char const* what, auto const& command) -> std::string {
    auto done = bank.execute(command);
    std::cout << what << ": " << (done ? "done" : done.error().message()) << '\n';
    if (done) return "done";
    return done.error().is_rejection() ? done.error().rejection().code : "error";
  };

  bool const as_expected = tell("deposit 5 for alice", deposit{"alice", 500}) == "account-closed" &&
                           tell("open alice", open_account{"alice", "Alice"}) == "done" &&
                           tell("open alice once more", open_account{"alice", "Alice"}) == "account-open" &&
                           tell("deposit 5 for alice", deposit{"alice", 500}) == "done" &&
                           tell("withdraw 7 for alice", withdraw{"alice", 700}) == "overdrawn" &&
                           tell("withdraw 2 for alice", withdraw{"alice", 200}) == "done";

  auto alice = cleave::load<account>(log, "account-alice");
  if (!alice) {
    std::cerr << alice.error().message() << '\n';
    return 1;
  }
  std::cout << "alice has " << alice->state.cents << " cents after " << alice->version.value() << " events\n";
  return as_expected && alice->state.cents == 300 && alice->version == cleave::version(3) ? 0 : 1;
}
