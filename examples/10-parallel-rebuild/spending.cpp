// SPDX-License-Identifier: BSL-1.0
// 10: a parallel rebuild. What customers have spent is kept in two files, each with its part of the customers. The first version of it
// has forgotten the shipping costs; the second one is built from the log while the first still answers, by a worker for each
// file, and takes its place in both at once.
//
//   begin, status        the rebuild, and how far it is; after a kill it goes on where it was
//   compare              whether the rows are the same, which they are not to be here
//   switch_over, drop    one transaction, then the old rows are removed; roll_back() would lead back

#include <cleave/cleave.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include <boost/describe.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

struct ordered {
  std::int64_t cents = 0;
  std::int64_t shipping_cents = 0;
};
BOOST_DESCRIBE_STRUCT(ordered, (), (cents, shipping_cents))
template <> inline constexpr auto cleave::event_name<ordered> = "ordered.v1";

struct order {
  std::string customer;
  std::int64_t cents = 0;
};
struct customer {
  using commands = cleave::command_set<order>;
  using events = cleave::event_set<ordered>;
  static constexpr std::string_view category = "customer";
  static std::string const& id(order const& command) { return command.customer; }
  void evolve(ordered const&) {}
  cleave::decision<ordered> decide(order const& command) const { return ordered{command.cents, 390}; }
};

struct spent_by { // about one customer: asked of one file
  using result_type = std::int64_t;
  std::string customer; // "customer-ann"
  std::string_view key() const { return customer; }
};
struct spent_by_all { // asked of all files, and merged
  using result_type = std::int64_t;
};

template <int Version> struct spending {
  using events = cleave::event_set<ordered>;
  using queries = cleave::query_set<spent_by, spent_by_all>;
  static constexpr std::string_view name = Version == 1 ? "spending.v1" : "spending.v2";
  static constexpr std::array<std::string_view, 1> tables = {Version == 1 ? "spending_1" : "spending_2"};

  static cleave::result<void> create(cleave::sqlite::database& db) {
    return db.run_script(cleave::format_text(
        "CREATE TABLE IF NOT EXISTS {} (customer TEXT PRIMARY KEY, cents INTEGER NOT NULL)", tables[0]));
  }
  static cleave::result<void> on(ordered const& event, cleave::envelope const& at,
                                 cleave::sqlite::database& db) {
    static std::string const sql = cleave::format_text(
        "INSERT INTO {} VALUES (?1, ?2) ON CONFLICT DO UPDATE SET cents = cents + ?2", tables[0]);
    auto const cents = Version == 1 ? event.cents : event.cents + event.shipping_cents;
    auto done = db.execute(sql, at.stream.text(), cents);
    if (!done) return cleave::unexpected(done.error());
    return {};
  }
  static cleave::result<std::int64_t> answer(spent_by const& query, cleave::sqlite::database& db) {
    return number(db, "SELECT cents FROM {} WHERE customer = ?1", query.customer);
  }
  static cleave::result<std::int64_t> answer(spent_by_all const&, cleave::sqlite::database& db) {
    return number(db, "SELECT coalesce(sum(cents), 0) FROM {}");
  }
  static std::int64_t merge(spent_by_all const&, std::int64_t one, std::int64_t other) { return one + other; }

private:
  template <class... Values> static cleave::result<std::int64_t>
  number(cleave::sqlite::database& db, cleave::checked_format<1> sql, Values const&... values) {
    auto const found = db.value<std::int64_t>(cleave::format_text(sql, tables[0]), values...);
    if (!found) return cleave::unexpected(found.error());
    return found->value_or(0);
  }
};

int main() {
  std::filesystem::remove_all("spending");
  std::filesystem::create_directory("spending");
  auto log = cleave::sqlite::event_store::open({.path = "spending/log.db"}).value();
  std::vector<cleave::sqlite::read_store> files;
  for (std::string const path : {"spending/1.db", "spending/2.db"})
    files.push_back(cleave::sqlite::read_store::open({.path = path}).value());

  cleave::application shop{log, cleave::deciders<customer>,
                           cleave::partitioned_rebuildable_projection<spending<1>, spending<2>>(
                               files, {.events_per_second = 100'000})}; // both workers together
  cleave::position last;
  for (std::string const name : {"ann", "bob", "cid", "ann"})
    last = shop.execute(order{name, 1'000}).value().position;
  auto const ask = [&] {
    auto const all = shop.query(spent_by_all{}, cleave::at_least(last)).value();
    auto const ann = shop.query(spent_by{"customer-ann"}, cleave::at_least(last)).value();
    std::cout << "ann " << ann << ", all " << all << '\n';
    return all;
  };
  bool good = ask() == 4'000;

  auto& versions = shop.projector<spending<1>>();
  good = good && versions.begin();
  while (versions.status().stage == cleave::rebuild_stage::building) std::this_thread::yield();
  auto const now = versions.status();
  std::cout << now.beside << ": " << now.events_done << " of " << now.events_total << " events\n";
  auto const compared = versions.compare();
  good = good && compared && compared->rows == cleave::rows_compared::different;
  if (compared) std::cout << compared->detail << '\n';
  good = good && ask() == 4'000;

  good = good && versions.switch_over() && ask() == 4'000 + 4 * 390 && versions.drop();
  return good ? 0 : 1;
}
