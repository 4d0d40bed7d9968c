// SPDX-License-Identifier: BSL-1.0
// Projectors, each beside the loop that one would write by hand: over a vector of variants, over a raw scan of an SQLite table
// with JSON by hand, and over that scan into batched upserts. The loops by hand keep no order of names, no key, no dead letters, and
// are left half-way by anything that throws.
#include <cleave/memory/event_store.hpp>
#include <cleave/query/memory_projector.hpp>
#include <cleave/query/stored_projector.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "../account.hpp"
#include "../sqlite/raw_log.hpp"

#include <benchmark/benchmark.h>

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace {

using namespace bench;

constexpr std::int64_t streams = 1'000;
constexpr std::int64_t in_memory = 1'000'000;
constexpr std::int64_t in_files = 100'000;

using any_event = std::variant<account_opened, money_deposited, money_withdrawn>;
any_event nth_event(std::int64_t i) {
  if (i % 3 == 0) return money_withdrawn{i};
  return money_deposited{i};
}
std::string stream_of(std::int64_t i) { return "account-" + std::to_string(i % streams); }

// In batches, as few commits as possible.
template <class Store> void fill(Store& store, std::int64_t count) {
  cleave::uuid_v7_source ids(1);
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < streams; ++i) names.push_back(stream_of(i));
  for (std::int64_t from = 0; from < count; from += streams) {
    std::vector<any_event> values;
    for (std::int64_t i = from; i < from + streams; ++i) values.push_back(nth_event(i));
    std::vector<cleave::new_event> sent;
    for (auto const& value : values) {
      std::visit(
          [&](auto const& event) {
            sent.push_back(cleave::to_new_event(cleave::event_id(ids.next(cleave::timestamp(1))), event));
          },
          value);
    }
    std::vector<cleave::stream_append> parts;
    for (std::size_t i = 0; i < names.size(); ++i)
      parts.push_back({names[i], cleave::expectation::any(), {&sent[i], 1}});
    if (!store.append({.streams = parts})) std::abort();
  }
}

struct net {
  using events = cleave::event_set<money_deposited, money_withdrawn>;
  static constexpr std::string_view name = "net.v1";
  std::int64_t cents = 0;
  std::int64_t count = 0;
  void on(money_deposited const& e) { cents += e.cents, ++count; }
  void on(money_withdrawn const& e) { cents -= e.cents, ++count; }
};

template <class Projector> void run(Projector& at, std::int64_t count) {
  while (at.step() == cleave::step::worked) {
  }
  if (at.reached() != cleave::position(static_cast<std::uint64_t>(count))) std::abort();
}
cleave::projector_options options() {
  cleave::projector_options out;
  out.threads = false;
  return out;
}

void memory_ours(benchmark::State& state) {
  cleave::memory::event_store log;
  fill(log, in_memory);
  for (auto _ : state) {
    cleave::memory_projector<net, cleave::memory::event_store> at(log, {}, options());
    run(at, in_memory);
  }
  state.SetItemsProcessed(state.iterations() * in_memory);
}
BENCHMARK(memory_ours)->Name("read/memory_projection/ours")->Unit(benchmark::kMillisecond);

void memory_raw(benchmark::State& state) {
  std::vector<any_event> log;
  for (std::int64_t i = 0; i < in_memory; ++i) log.push_back(nth_event(i));
  for (auto _ : state) {
    net model;
    for (any_event const& event : log) {
      if (auto const* const in = std::get_if<money_deposited>(&event)) model.on(*in);
      else if (auto const* const out = std::get_if<money_withdrawn>(&event)) model.on(*out);
    }
    benchmark::DoNotOptimize(model.cents);
  }
  state.SetItemsProcessed(state.iterations() * in_memory);
}
BENCHMARK(memory_raw)->Name("read/memory_projection/raw")->Unit(benchmark::kMillisecond);

struct filled {
  scratch folder;
  std::string ours = folder.file("ours.db");
  std::string raw = folder.file("raw.db");
  filled() {
    auto store = cleave::sqlite::event_store::open({.path = ours, .durability = cleave::durability::relaxed});
    if (!store) std::abort();
    fill(*store, in_files);
    raw_log log(raw);
    log.begin();
    for (std::int64_t i = 0; i < in_files; ++i) {
      bool const withdrawn = std::holds_alternative<money_withdrawn>(nth_event(i));
      log.insert(stream_of(i), i / streams + 1,
                 withdrawn ? money_withdrawn::event_name : money_deposited::event_name, i);
    }
    log.commit();
  }
};
filled const& files() {
  static filled const made;
  return made;
}
cleave::sqlite::event_store open_log() {
  auto store = cleave::sqlite::event_store::open({.path = files().ours});
  if (!store) std::abort();
  return std::move(*store);
}

void sqlite_to_memory_ours(benchmark::State& state) {
  auto log = open_log();
  for (auto _ : state) {
    cleave::memory_projector<net, cleave::sqlite::event_store> at(log, {}, options());
    run(at, in_files);
  }
  state.SetItemsProcessed(state.iterations() * in_files);
}
BENCHMARK(sqlite_to_memory_ours)
    ->Name("read/sqlite_to_memory/ours")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

void sqlite_to_memory_raw(benchmark::State& state) {
  raw_log log(files().raw);
  for (auto _ : state) {
    net model;
    log.scan([&](std::string_view name, std::int64_t cents) {
      if (name == money_deposited::event_name) model.on(money_deposited{cents});
      else if (name == money_withdrawn::event_name) model.on(money_withdrawn{cents});
    });
    benchmark::DoNotOptimize(model.cents);
  }
  state.SetItemsProcessed(state.iterations() * in_files);
}
BENCHMARK(sqlite_to_memory_raw)
    ->Name("read/sqlite_to_memory/raw")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

constexpr char const* balance_table =
    "CREATE TABLE IF NOT EXISTS balance (stream TEXT PRIMARY KEY, cents INTEGER NOT NULL) WITHOUT ROWID";
constexpr char const* balance_upsert =
    "INSERT INTO balance VALUES (?1, ?2) ON CONFLICT (stream) DO UPDATE SET "
    "cents = cents + excluded.cents";

struct balance_rows {
  using events = cleave::event_set<money_deposited, money_withdrawn>;
  static constexpr std::string_view name = "balance-rows.v1";
  static cleave::result<void> create(cleave::sqlite::database& db) { return db.run_script(balance_table); }
  static cleave::result<void> add(std::int64_t cents, cleave::envelope const& at,
                                  cleave::sqlite::database& db) {
    auto done = db.execute(balance_upsert, at.stream.text(), cents);
    if (!done) return cleave::unexpected(std::move(done).error());
    return {};
  }
  static cleave::result<void> on(money_deposited const& e, cleave::envelope const& at,
                                 cleave::sqlite::database& db) {
    return add(e.cents, at, db);
  }
  static cleave::result<void> on(money_withdrawn const& e, cleave::envelope const& at,
                                 cleave::sqlite::database& db) {
    return add(-e.cents, at, db);
  }
};

void sqlite_to_sqlite_ours(benchmark::State& state) {
  auto log = open_log();
  for (auto _ : state) {
    state.PauseTiming();
    auto folder = std::make_unique<scratch>();
    auto rows = cleave::sqlite::read_store::open({.path = folder->file("rows.db")});
    if (!rows) std::abort();
    auto at = std::make_unique<
        cleave::stored_projector<balance_rows, cleave::sqlite::event_store, cleave::sqlite::read_store>>(
        log, *rows, balance_rows{}, options());
    at->prepare();
    state.ResumeTiming();
    run(*at, in_files);
    state.PauseTiming();
    at.reset();
    rows = cleave::unexpected(cleave::error(cleave::errc::stopped, "closed"));
    folder.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * in_files);
}
BENCHMARK(sqlite_to_sqlite_ours)
    ->Name("read/sqlite_to_sqlite/ours")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

// The same rows, the same size of transactions at most, and a checkpoint in each.
class raw_balances {
public:
  raw_balances(std::string const& log, std::string const& rows) {
    check(sqlite3_open(log.c_str(), &log_), log_);
    check(sqlite3_open(rows.c_str(), &rows_), rows_);
    for (char const* const sql :
         {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", balance_table,
          "CREATE TABLE checkpoint (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID"}) {
      run(sql);
    }
    check(sqlite3_prepare_v2(log_,
                             "SELECT position, stream, name, data FROM event WHERE position > ?1 "
                             "AND name IN (?2, ?3) ORDER BY position LIMIT ?4",
                             -1, &scan_, nullptr),
          log_);
    check(sqlite3_prepare_v2(rows_, balance_upsert, -1, &upsert_, nullptr), rows_);
    check(sqlite3_prepare_v2(rows_, "INSERT OR REPLACE INTO checkpoint VALUES ('balance', ?1)", -1,
                             &checkpoint_, nullptr),
          rows_);
  }
  raw_balances(raw_balances const&) = delete;
  raw_balances& operator=(raw_balances const&) = delete;
  ~raw_balances() {
    for (sqlite3_stmt* statement : {scan_, upsert_, checkpoint_}) sqlite3_finalize(statement);
    sqlite3_close(log_);
    sqlite3_close(rows_);
  }

  // False when nothing is left.
  bool batch(std::int64_t most) {
    run("BEGIN IMMEDIATE");
    sqlite3_bind_int64(scan_, 1, reached_);
    bind(scan_, 2, money_deposited::event_name);
    bind(scan_, 3, money_withdrawn::event_name);
    sqlite3_bind_int64(scan_, 4, most);
    std::int64_t count = 0;
    for (; sqlite3_step(scan_) == SQLITE_ROW; ++count) {
      reached_ = sqlite3_column_int64(scan_, 0);
      auto const stream = text(scan_, 1);
      bool const in = text(scan_, 2) == money_deposited::event_name;
      auto const data = text(scan_, 3);
      std::int64_t cents = 0;
      std::from_chars(data.data() + data.find(':') + 1, data.data() + data.size(), cents);
      bind(upsert_, 1, stream);
      sqlite3_bind_int64(upsert_, 2, in ? cents : -cents);
      if (sqlite3_step(upsert_) != SQLITE_DONE) std::abort();
      sqlite3_reset(upsert_);
    }
    sqlite3_reset(scan_);
    sqlite3_bind_int64(checkpoint_, 1, reached_);
    if (sqlite3_step(checkpoint_) != SQLITE_DONE) std::abort();
    sqlite3_reset(checkpoint_);
    run("COMMIT");
    return count == most;
  }
  std::int64_t reached() const noexcept { return reached_; }

private:
  static std::string_view text(sqlite3_stmt* statement, int column) {
    return {reinterpret_cast<char const*>(sqlite3_column_text(statement, column)),
            static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
  }
  static void bind(sqlite3_stmt* statement, int place, std::string_view value) {
    sqlite3_bind_text(statement, place, value.data(), static_cast<int>(value.size()), SQLITE_STATIC);
  }
  void run(char const* sql) { check(sqlite3_exec(rows_, sql, nullptr, nullptr, nullptr), rows_); }
  static void check(int code, sqlite3* db) {
    if (code == SQLITE_OK) return;
    std::fprintf(stderr, "raw SQLite: %s (%d)\n", sqlite3_errmsg(db), code);
    std::abort();
  }

  sqlite3* log_ = nullptr;
  sqlite3* rows_ = nullptr;
  sqlite3_stmt* scan_ = nullptr;
  sqlite3_stmt* upsert_ = nullptr;
  sqlite3_stmt* checkpoint_ = nullptr;
  std::int64_t reached_ = 0;
};

void sqlite_to_sqlite_raw(benchmark::State& state) {
  auto const most = static_cast<std::int64_t>(cleave::projector_options{}.batch);
  for (auto _ : state) {
    state.PauseTiming();
    auto folder = std::make_unique<scratch>();
    auto at = std::make_unique<raw_balances>(files().raw, folder->file("rows.db"));
    state.ResumeTiming();
    while (at->batch(most)) {
    }
    if (at->reached() != in_files) std::abort();
    state.PauseTiming();
    at.reset();
    folder.reset();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * in_files);
}
BENCHMARK(sqlite_to_sqlite_raw)
    ->Name("read/sqlite_to_sqlite/raw")
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

} // namespace
