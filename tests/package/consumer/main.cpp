// SPDX-License-Identifier: BSL-1.0
// What a stranger writes in 60 lines: command, rejection, projection, query with at_least, and a restart, on one SQLite file.
#include <cleave/cleave.hpp>
#include <cleave/sqlite/event_store.hpp>

#include <boost/describe.hpp>

#include <filesystem>
#include <map>
#include <unistd.h>

struct deposited {
  std::int64_t cents = 0;
};
BOOST_DESCRIBE_STRUCT(deposited, (), (cents))
template <> inline constexpr auto cleave::event_name<deposited> = "deposited.v1";
struct deposit {
  std::string account;
  std::int64_t cents = 0;
};
struct account {
  using commands = cleave::command_set<deposit>;
  using events = cleave::event_set<deposited>;
  static constexpr auto category = "account";
  static std::string const& id(deposit const& command) { return command.account; }
  void evolve(deposited const&) {}
  cleave::decision<deposited> decide(deposit const& command) const {
    if (command.cents <= 0) return cleave::reject("bad-amount", "{} cents are no deposit", command.cents);
    return deposited{command.cents};
  }
};

struct balance_of {
  using result_type = std::int64_t;
  std::string account;
};
struct balances {
  using events = cleave::event_set<deposited>;
  using queries = cleave::query_set<balance_of>;
  static constexpr auto name = "balances.v1";
  void on(deposited const& e, cleave::envelope const& at) { cents[std::string(at.stream.id())] += e.cents; }
  std::int64_t answer(balance_of const& query) const { return cents.at(query.account); }
  std::map<std::string, std::int64_t> cents;
};

// One life of the program: whether it ends with this balance.
bool ends_with(std::int64_t cents, std::string const& file) {
  auto store = cleave::sqlite::event_store::open({.path = file}).value();
  cleave::application bank{store, cleave::deciders<account>, cleave::projections<balances>};
  auto const refused = bank.execute(deposit{"alice", 0});
  auto const done = bank.execute(deposit{"alice", 500});
  if (refused || refused.error().rejection().code != "bad-amount" || !done) return false;
  return bank.query(balance_of{"alice"}, cleave::at_least(done->position)).value_or(0) == cents;
}
int main() {
  auto const folder = std::filesystem::temp_directory_path() / ("cleave-" + std::to_string(getpid()));
  std::filesystem::create_directory(folder);
  bool const good = ends_with(500, folder / "bank.db") && ends_with(1000, folder / "bank.db");
  return std::filesystem::remove_all(folder) > 0 && good ? 0 : 1;
}
