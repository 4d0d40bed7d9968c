// SPDX-License-Identifier: BSL-1.0
// Projectors, each beside the loop that one would write by hand: over a vector of variants, over a raw scan of an SQLite table
// with JSON by hand, and over that scan into batched upserts. Both sides update the same read model, with the same functions, from
// as much of an event as the other one looks at: its value alone, or its position and stream with it. The loops by hand keep no
// order of names, no key, no dead letters, and are left half-way by anything that throws.
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
#include <string_view>
#include <unordered_map>
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
template <class Store, class Nth> void fill(Store& store, std::int64_t count, Nth nth) {
  cleave::uuid_v7_source ids(1);
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < streams; ++i) names.push_back(stream_of(i));
  for (std::int64_t from = 0; from < count; from += streams) {
    std::vector<decltype(nth(from))> values;
    for (std::int64_t i = from; i < from + streams; ++i) values.push_back(nth(i));
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

// The account stands in the event: the handlers look at nothing else.
struct paid_in {
  std::uint32_t account = 0;
  std::int32_t cents = 0;
  static constexpr auto event_name = "paid-in.v1";
};
struct paid_out {
  std::uint32_t account = 0;
  std::int32_t cents = 0;
  static constexpr auto event_name = "paid-out.v1";
};
using payment = std::variant<paid_in, paid_out>;
payment nth_payment(std::int64_t i) {
  auto const account = static_cast<std::uint32_t>(i % streams);
  auto const cents = static_cast<std::int32_t>(i % 10'000);
  if (i % 3 == 0) return paid_out{account, cents};
  return paid_in{account, cents};
}
struct balances {
  using events = cleave::event_set<paid_in, paid_out>;
  static constexpr std::string_view name = "balances.v1";
  std::vector<std::int64_t> cents = std::vector<std::int64_t>(streams);
  void on(paid_in const& e) { cents[e.account] += e.cents; }
  void on(paid_out const& e) { cents[e.account] -= e.cents; }
};
// The account is the stream.
struct balances_by_stream {
  using events = cleave::event_set<paid_in, paid_out>;
  static constexpr std::string_view name = "balances-by-stream.v1";
  struct account {
    std::int64_t cents = 0;
    cleave::position last;
  };
  std::unordered_map<std::string_view, account> accounts; // the names are the log's
  void add(std::string_view stream, cleave::position at, std::int64_t cents) {
    account& of = accounts[stream];
    of.cents += cents;
    of.last = at;
  }
  void on(paid_in const& e, cleave::envelope const& at) { add(at.stream.text(), at.position, e.cents); }
  void on(paid_out const& e, cleave::envelope const& at) { add(at.stream.text(), at.position, -e.cents); }
};

template <class Model> void memory_ours(benchmark::State& state) {
  cleave::memory::event_store log;
  fill(log, in_memory, nth_payment);
  for (auto _ : state) {
    cleave::memory_projector<Model, cleave::memory::event_store> at(log, {}, options());
    run(at, in_memory);
  }
  state.SetItemsProcessed(state.iterations() * in_memory);
}
BENCHMARK(memory_ours<balances>)->Name("read/memory_projection/ours")->Unit(benchmark::kMillisecond);
BENCHMARK(memory_ours<balances_by_stream>)
    ->Name("read/memory_projection_by_stream/ours")
    ->Unit(benchmark::kMillisecond);

void memory_raw(benchmark::State& state) {
  std::vector<payment> log;
  for (std::int64_t i = 0; i < in_memory; ++i) log.push_back(nth_payment(i));
  for (auto _ : state) {
    balances model;
    for (payment const& event : log) {
      if (auto const* const in = std::get_if<paid_in>(&event)) model.on(*in);
      else if (auto const* const out = std::get_if<paid_out>(&event)) model.on(*out);
    }
    benchmark::DoNotOptimize(model.cents.data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * in_memory);
}
BENCHMARK(memory_raw)->Name("read/memory_projection/raw")->Unit(benchmark::kMillisecond);

// An event's position is its place in the vector.
void memory_by_stream_raw(benchmark::State& state) {
  struct stored {
    std::string_view stream;
    payment event;
  };
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < streams; ++i) names.push_back(stream_of(i));
  std::vector<stored> log;
  for (std::int64_t i = 0; i < in_memory; ++i)
    log.push_back({names[static_cast<std::size_t>(i % streams)], nth_payment(i)});
  for (auto _ : state) {
    balances_by_stream model;
    std::uint64_t at = 0;
    for (stored const& one : log) {
      cleave::position const here(++at);
      if (auto const* const in = std::get_if<paid_in>(&one.event)) model.add(one.stream, here, in->cents);
      else if (auto const* const out = std::get_if<paid_out>(&one.event))
        model.add(one.stream, here, -out->cents);
    }
    benchmark::DoNotOptimize(model.accounts.size());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * in_memory);
}
BENCHMARK(memory_by_stream_raw)->Name("read/memory_projection_by_stream/raw")->Unit(benchmark::kMillisecond);

struct filled {
  scratch folder;
  std::string ours = folder.file("ours.db");
  std::string raw = folder.file("raw.db");
  filled() {
    auto store = cleave::sqlite::event_store::open({.path = ours, .durability = cleave::durability::relaxed});
    if (!store) std::abort();
    fill(*store, in_files, nth_event);
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

// The columns that a projector needs of every event: the position, because it keeps it, the stream, because it is the event's
// key, the name and the data.
void sqlite_to_memory_raw(benchmark::State& state) {
  raw_log log(files().raw);
  for (auto _ : state) {
    net model;
    std::int64_t reached = 0;
    std::string_view key;
    log.scan_all(
        [&](std::int64_t position, std::string_view stream, std::string_view name, std::int64_t cents) {
          if (name == money_deposited::event_name) model.on(money_deposited{cents});
          else if (name == money_withdrawn::event_name) model.on(money_withdrawn{cents});
          reached = position;
          key = stream;
        });
    benchmark::DoNotOptimize(model.cents);
    benchmark::DoNotOptimize(reached);
    benchmark::DoNotOptimize(key);
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
