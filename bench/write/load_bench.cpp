// SPDX-License-Identifier: BSL-1.0
// What a command finds before it decides: a long stream in SQLite, loaded from its events or from its snapshot, beside an indexed read
// with decoding by hand. And two rates that are to be nothing: allocations of a routed command, and conflicts between commands
// that have no tag in common.
#include <cleave/application.hpp>
#include <cleave/event/any_event_store.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "../account.hpp"
#include "../bus/paired.hpp"
#include "../sqlite/raw_log.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

thread_local std::uint64_t allocations = 0;

} // namespace

// Counts what this program allocates.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* const got = std::malloc(size == 0 ? 1 : size)) return got;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* gone) noexcept { std::free(gone); }
[[gnu::noinline]] void operator delete(void* gone, std::size_t) noexcept { std::free(gone); }

namespace {

using bench::account;

// --- a long stream

constexpr std::int64_t events = 10'000;

// The same account, with snapshots.
struct kept_account {
  using commands = cleave::command_set<bench::open_account, bench::deposit>;
  using events = account::events;
  static constexpr std::string_view category = "kept";
  static constexpr cleave::snapshot_policy snapshots{.every = 100};
  static std::int64_t id(auto const& command) { return command.account; }
  bool open = false;
  std::int64_t cents = 0;
  void evolve(bench::account_opened const&) { open = true; }
  void evolve(bench::money_deposited const& e) { cents += e.cents; }
  void evolve(bench::money_withdrawn const& e) { cents -= e.cents; }
  cleave::decision<bench::account_opened> decide(bench::open_account const&) const {
    if (open) return cleave::reject("account-open", "it is open already");
    return bench::account_opened{};
  }
  cleave::decision<bench::money_deposited> decide(bench::deposit const& c) const {
    if (!open) return cleave::reject("account-closed", "account {} is not open", c.account);
    return bench::money_deposited{c.cents};
  }
};
BOOST_DESCRIBE_STRUCT(kept_account, (), (open, cents))

// Both accounts, of 10,000 events each, among others; and the raw table with the same.
class long_streams {
public:
  long_streams() {
    auto store = cleave::sqlite::event_store::open(
        {.path = ours(), .durability = cleave::durability::relaxed});
    if (!store) std::abort();
    cleave::application app{*store, cleave::deciders<account>};
    cleave::application kept{*store, cleave::deciders<kept_account>};
    bench::raw_log log(raw(), false);
    for (std::int64_t i = 0; i < events; ++i) {
      for (std::int64_t const number : {7, 8, 9}) {
        bool const done = i == 0 ? app.execute(bench::open_account{number}).has_value()
                                 : app.execute(bench::deposit{number, i}).has_value();
        if (!done) std::abort();
        std::string const stream = "account-" + std::to_string(number);
        log.begin();
        log.insert(stream, i + 1, i == 0 ? "account-opened.v1" : "money-deposited.v1", i);
        log.commit();
      }
      bool const done = i == 0 ? kept.execute(bench::open_account{7}).has_value()
                               : kept.execute(bench::deposit{7, i}).has_value();
      if (!done) std::abort();
    }
  }
  std::string ours() const { return folder_.file("ours.db"); }
  std::string raw() const { return folder_.file("raw.db"); }

private:
  bench::scratch folder_;
};
long_streams& files() {
  static long_streams made;
  return made;
}
cleave::sqlite::event_store open_ours() {
  auto store = cleave::sqlite::event_store::open(
      {.path = files().ours(), .durability = cleave::durability::relaxed});
  if (!store) std::abort();
  return std::move(*store);
}
constexpr std::int64_t cents = (events - 1) * events / 2;

void load_ours(benchmark::State& state) {
  auto store = open_ours();
  for (auto _ : state) {
    auto const loaded = cleave::load<account>(store, "account-8");
    if (!loaded || loaded->state.cents != cents) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * events);
}
void load_raw(benchmark::State& state) {
  bench::raw_log log(files().raw(), false, false);
  for (auto _ : state) {
    account loaded;
    log.load("account-8", [&](std::string_view name, std::int64_t value) {
      if (name == "account-opened.v1") loaded.evolve(bench::account_opened{});
      else if (name == "money-deposited.v1") loaded.evolve(bench::money_deposited{value});
      else if (name == "money-withdrawn.v1") loaded.evolve(bench::money_withdrawn{value});
    });
    if (loaded.cents != cents) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * events);
}
BENCHMARK(load_ours)->Name("write/load_10000/ours");
BENCHMARK(load_raw)->Name("write/load_10000/raw");

// In a file in use, as the raw one is: its WAL holds something. Where that is empty, SQLite asks for the size of the file in each
// transaction (fstat: 2.9 us instead of 2.5), which only ours would pay for.
void snapshot_ours(benchmark::State& state) {
  auto store = open_ours();
  cleave::application others{store, cleave::deciders<account>};
  if (!others.execute(bench::deposit{7, 1})) std::abort();
  for (auto _ : state) {
    auto const loaded = cleave::load_by_snapshot<kept_account>(store, "kept-7");
    if (!loaded || loaded->state.cents != cents) std::abort();
  }
}
// The raw table of snapshots, for a point read, decoded by hand; with `tail` also the stream's end, to know that nothing came after.
class raw_snapshots {
public:
  raw_snapshots() {
    if (sqlite3_open(folder_.file("snapshots.db").c_str(), &db_) != SQLITE_OK) std::abort();
    run("PRAGMA journal_mode = WAL");
    run("CREATE TABLE snapshot (stream TEXT PRIMARY KEY, version INTEGER NOT NULL, data TEXT NOT NULL) WITHOUT ROWID");
    for (int i = 0; i < 100; ++i)
      run("INSERT INTO snapshot VALUES ('account-" + std::to_string(i) + "', " + std::to_string(events) +
          ", '{\"open\":true,\"cents\":" + std::to_string(cents) + "}')");
    if (sqlite3_prepare_v2(db_, "SELECT version, data FROM snapshot WHERE stream = ?1", -1, &get_, nullptr) !=
        SQLITE_OK)
      std::abort();
  }
  raw_snapshots(raw_snapshots const&) = delete;
  raw_snapshots& operator=(raw_snapshots const&) = delete;
  ~raw_snapshots() {
    sqlite3_finalize(get_);
    sqlite3_close(db_);
  }
  std::int64_t get(std::string_view stream, account& to) {
    sqlite3_bind_text(get_, 1, stream.data(), static_cast<int>(stream.size()), SQLITE_STATIC);
    if (sqlite3_step(get_) != SQLITE_ROW) std::abort();
    auto const version = sqlite3_column_int64(get_, 0);
    std::string_view const data(reinterpret_cast<char const*>(sqlite3_column_text(get_, 1)),
                                static_cast<std::size_t>(sqlite3_column_bytes(get_, 1)));
    to.open = data.find("true") != std::string_view::npos;
    auto const colon = data.rfind(':');
    std::from_chars(data.data() + colon + 1, data.data() + data.size(), to.cents);
    sqlite3_reset(get_);
    return version;
  }

private:
  void run(std::string const& sql) {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) std::abort();
  }
  bench::scratch folder_;
  sqlite3* db_ = nullptr;
  sqlite3_stmt* get_ = nullptr;
};
void snapshot_raw(benchmark::State& state, bool tail) {
  bench::raw_log log(files().raw(), false, false);
  raw_snapshots rows;
  for (auto _ : state) {
    account loaded;
    std::int64_t const version = rows.get("account-8", loaded);
    if (loaded.cents != cents || (tail && log.head("account-8") != version)) std::abort();
  }
}
BENCHMARK(snapshot_ours)->Name("write/load_snapshot/ours");
BENCHMARK_CAPTURE(snapshot_raw, row, false)->Name("write/load_snapshot/raw");
BENCHMARK_CAPTURE(snapshot_raw, row_and_tail, true)->Name("write/load_snapshot/row_and_tail");

// --- rates that are to be nothing

struct add {
  std::int64_t amount = 0;
};
struct adder {
  using commands = cleave::command_set<add>;
  std::uint64_t sum = 0;
  cleave::command_result execute(add const& c, cleave::command_context const&) {
    sum += static_cast<std::uint64_t>(c.amount);
    return cleave::committed{cleave::position(sum), cleave::version(1), false};
  }
};
double allocations_of_routing() {
  cleave::command_bus bus{adder{}};
  constexpr int turns = 1'000;
  std::uint64_t const before = allocations;
  for (int i = 0; i < turns; ++i) {
    auto done = bus.execute(add{i}, cleave::no_context);
    benchmark::DoNotOptimize(done);
  }
  return bench::one_unit * static_cast<double>(allocations - before) / turns;
}

struct claimed {
  static constexpr std::string_view event_name = "claimed.v1";
  std::string name;
  std::array<std::string, 1> tags() const { return {"name:" + name}; }
};
BOOST_DESCRIBE_STRUCT(claimed, (), (name))
struct claim {
  std::string name;
};
struct claims {
  using commands = cleave::command_set<claim>;
  using events = cleave::event_set<claimed>;
  static constexpr std::string_view category = "name";
  static std::string const& id(claim const& c) { return c.name; }
  static cleave::boundary_query boundary(claim const& c) {
    return cleave::events_with<claimed>("name:" + c.name);
  }
  bool taken = false;
  void evolve(claimed const&) { taken = true; }
  cleave::decision<claimed> decide(claim const& c) const {
    if (taken) return cleave::reject("taken", "{}", c.name);
    return claimed{c.name};
  }
};

// 16 threads, each with names of its own, one attempt: each conflict would be a false one. The store is asked for conditional
// appends, because in a store that decides inside its commits there is nothing to lose.
double false_conflicts(cleave::any_event_store store) {
  cleave::application app{store, cleave::boundaries<claims>,
                          cleave::application_options{.write = {.attempts = 1}}};
  constexpr int threads = 16;
  constexpr int turns = 100;
  std::atomic<int> conflicts{0};
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&, t] {
      for (int i = 0; i < turns; ++i) {
        auto const done = app.execute(claim{std::to_string(t) + "-" + std::to_string(i)});
        if (done) continue;
        bool const lost = !done.error().is_rejection() &&
                          done.error().error().code() == cleave::errc::version_conflict;
        if (!lost) std::abort();
        ++conflicts;
      }
    });
  }
  for (std::thread& one : all) one.join();
  return bench::one_unit * 100 * static_cast<double>(conflicts) / (threads * turns);
}

[[maybe_unused]] bool const added = [] {
  auto const none = [] { return 0.0; };
  bench::add_paired_case("write/allocations", {{"ours", allocations_of_routing}, {"none", none}},
                         "allocations");
  bench::add_paired_case("write/false_conflicts_memory",
                         {{"ours",
                           [] {
                             cleave::memory::event_store store;
                             return false_conflicts(store);
                           }},
                          {"none", none}},
                         "%");
  bench::add_paired_case("write/false_conflicts_sqlite",
                         {{"ours",
                           [] {
                             bench::scratch const folder;
                             auto store = cleave::sqlite::event_store::open(
                                 {.path = folder.file("ours.db"), .durability = cleave::durability::relaxed});
                             if (!store) std::abort();
                             return false_conflicts(*store);
                           }},
                          {"none", none}},
                         "%");
  return true;
}();

} // namespace
