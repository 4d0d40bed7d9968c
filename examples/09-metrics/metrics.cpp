// SPDX-License-Identifier: BSL-1.0
// 09: metrics. An observer hears of every command, query and append; what changes by itself is asked for. Here both end up in a registry of
// prometheus-cpp, as the text that Prometheus reads. To serve it over HTTP, hand the registry to a prometheus::Exposer.
//
//   observed_by   the application's observer; without one nothing is measured
//   show          what is so at this moment: how far projections are, what a cache has answered

#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/prometheus/metrics.hpp>

#include <cstdint>
#include <iostream>
#include <memory>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <string>

struct money_deposited {
  std::int64_t cents = 0;
};
template <> inline constexpr auto cleave::event_name<money_deposited> = "money-deposited.v1";

struct deposit {
  std::string account;
  std::int64_t cents = 0;
  static constexpr std::string_view command_name = "deposit";
};

struct account {
  using commands = cleave::command_set<deposit>;
  using events = cleave::event_set<money_deposited>;
  static constexpr std::string_view category = "account";
  static std::string const& id(deposit const& command) { return command.account; }

  void evolve(money_deposited const&) {}
  cleave::decision<money_deposited> decide(deposit const& command) const {
    if (command.cents <= 0)
      return cleave::reject("no-money", "{} cents are nothing to deposit", command.cents);
    return money_deposited{command.cents};
  }
};

struct all_money {
  using result_type = std::int64_t;
};
struct balance {
  using events = cleave::event_set<money_deposited>;
  using queries = cleave::query_set<all_money>;
  static constexpr std::string_view name = "balance.v1";
  std::int64_t cents = 0;
  void on(money_deposited const& event) { cents += event.cents; }
  std::int64_t answer(all_money const&) const { return cents; }
};

int main() {
  auto const registry = std::make_shared<prometheus::Registry>();
  cleave::prometheus::metrics metrics(registry);

  cleave::memory::event_store log;
  cleave::application bank{log, cleave::observed_by(metrics), cleave::deciders<account>,
                           cleave::projections<balance>};
  cleave::position last;
  for (std::int64_t const cents : {500, 0, 300}) {
    if (auto done = bank.execute(deposit{"alice", cents})) last = done->position;
  }
  auto const all = bank.query(all_money{}, cleave::at_least(last));
  metrics.show(bank.projections());

  std::string const text = prometheus::TextSerializer().Serialize(registry->Collect());
  std::cout << text;
  bool const counted = text.find(R"(message="deposit",outcome="ok"} 2)") != std::string::npos &&
                       text.find(R"(message="deposit",outcome="rejected"} 1)") != std::string::npos;
  return all && *all == 800 && counted ? 0 : 1;
}
