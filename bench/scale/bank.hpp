// SPDX-License-Identifier: BSL-1.0
// What the curves measure, each as seconds of one: an append of one event, an event of a load, an event of a projection that
// starts anew, an answer from the cache, and an append with the answer to a question that waits for it.
#pragma once

#include <cleave/memory/event_store.hpp>
#include <cleave/memory/query_cache.hpp>
#include <cleave/query/memory_projector.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "../account.hpp"
#include "../scratch.hpp"
#include "sweep.hpp"

#include <memory>
#include <string>
#include <vector>

namespace bench {

struct balance_of {
  using result_type = std::int64_t;
  std::string account;
  std::string const& depends_on() const { return account; }
};
BOOST_DESCRIBE_STRUCT(balance_of, (), (account))

struct balances {
  using events = cleave::event_set<money_deposited>;
  using queries = cleave::query_set<balance_of>;
  static constexpr std::string_view name = "balances.v1";
  std::unordered_map<std::string, std::int64_t> cents{};
  void on(money_deposited const& e, cleave::envelope const& at) {
    cents[std::string(at.stream.text())] += e.cents;
  }
  std::int64_t answer(balance_of const& q) const { return cents.at(q.account); }
};

inline std::string account_name(std::uint64_t n) { return "account-" + std::to_string(n); }
// A number below `count`, each time another one.
inline std::uint64_t scattered(std::uint64_t turn, std::uint64_t count) { return turn * 7'919 % count; }

// A log, and what is done with it. Any of its functions that take a turn may be called by several threads.
template <class Store> class bank {
public:
  explicit bank(Store& store) : store_(store) {}

  // `each` deposits to each of `streams` accounts from `first` on, in one append.
  void fill(std::uint64_t first, std::uint64_t streams, std::uint64_t each) {
    static constexpr money_deposited event{5};
    std::vector<std::string> names;
    std::vector<cleave::new_event> sent;
    std::vector<cleave::stream_append> parts;
    for (std::uint64_t s = 0; s < streams; ++s) names.push_back(account_name(first + s));
    for (std::uint64_t e = 0; e < streams * each; ++e) sent.push_back(cleave::to_new_event(next_id(), event));
    for (std::uint64_t s = 0; s < streams; ++s)
      parts.push_back({names[s], cleave::expectation::any(), {&sent[s * each], each}});
    require(store_.append({.streams = parts}).has_value());
  }

  cleave::position append(std::uint64_t turn, std::uint64_t streams) {
    static constexpr money_deposited event{5};
    auto const sent = cleave::to_new_event(next_id(), event);
    auto const name = account_name(scattered(turn, streams));
    cleave::stream_append const part{name, cleave::expectation::any(), {&sent, 1}};
    auto const done = store_.append({.streams = {&part, 1}});
    require(done.has_value());
    return done->position;
  }
  void load(std::uint64_t turn, std::uint64_t streams) {
    auto const loaded = cleave::load<account>(store_, account_name(scattered(turn, streams)));
    require(loaded.has_value());
    benchmark::DoNotOptimize(loaded);
  }

  double seconds_of_append(std::uint64_t streams, std::uint64_t turns) {
    return seconds_in_threads(1, turns, [&](std::uint64_t turn) { append(turn, streams); });
  }
  // Of one event, where each stream has `each`.
  double seconds_of_load(std::uint64_t streams, std::uint64_t each, std::uint64_t turns) {
    return seconds_in_threads(1, turns, [&](std::uint64_t turn) { load(turn, streams); }) /
           static_cast<double>(each);
  }
  template <class Model> double seconds_of_projection() {
    cleave::projector_options options;
    options.threads = false;
    cleave::memory_projector<Model, Store> projector(store_, {}, options);
    double const all = seconds_of([&] {
      while (projector.step() == cleave::step::worked) continue;
    });
    return all / static_cast<double>(projector.reached().value());
  }
  // The questions are in the cache.
  double seconds_of_cached(std::uint64_t streams, std::uint64_t threads, std::uint64_t turns) {
    cleave::memory::query_cache cache({.entries = 200'000, .bytes = std::size_t{256} << 20});
    cleave::application app{store_, cleave::projections<balances>, cleave::cached_queries<balance_of>(cache)};
    auto const head = store_.head().value();
    std::uint64_t const asked = std::min(turns, streams);
    auto const ask = [&](std::uint64_t turn) {
      auto const answer = app.query(balance_of{account_name(scattered(turn, asked))},
                                    cleave::at_least(head, std::chrono::seconds(60)));
      require(answer.has_value());
    };
    for (std::uint64_t turn = 0; turn < asked; ++turn) ask(turn);
    return seconds_in_threads(threads, turns, ask);
  }
  // Until the last of `waiters` has the answer that shows an append for which all of them wait.
  double seconds_of_wait(std::uint64_t streams, std::uint64_t waiters, std::uint64_t turns) {
    cleave::application app{store_, cleave::projections<totals>};
    cleave::at_least const now(store_.head().value(), std::chrono::seconds(60));
    require(app.query(total{}, now).has_value()); // the projection has caught up
    double all = 0;
    for (std::uint64_t turn = 0; turn < turns; ++turn) {
      cleave::at_least const next(cleave::position(store_.head().value().value() + 1),
                                  std::chrono::seconds(60));
      std::vector<std::thread> waiting;
      for (std::uint64_t w = 0; w < waiters; ++w)
        waiting.emplace_back([&] { require(app.query(total{}, next).has_value()); });
      while (app.projections()[0].waiting != waiters) std::this_thread::yield();
      all += seconds_of([&] {
        append(turn, streams);
        for (auto& thread : waiting) thread.join();
      });
    }
    return all / static_cast<double>(turns);
  }

private:
  cleave::event_id next_id() { return cleave::event_id(ids_.next(cleave::timestamp(1))); }

  Store& store_;
  cleave::uuid_v7_source ids_;
};

// The two stores: in memory, and in a file of its own, where a commit does not wait for the disk. `turns` take some hundredths of a
// second.
struct in_memory {
  static constexpr auto name = "memory";
  static constexpr std::uint64_t turns = 100'000;
  cleave::memory::event_store store{};
};
struct in_sqlite {
  static constexpr auto name = "sqlite";
  static constexpr std::uint64_t turns = 2'000;
  scratch folder{};
  cleave::sqlite::event_store store = cleave::sqlite::event_store::open(
                                          {.path = folder.file("scale.db"),
                                           .durability = cleave::durability::relaxed})
                                          .value();
};

} // namespace bench
