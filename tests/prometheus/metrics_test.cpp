// SPDX-License-Identifier: BSL-1.0
// What Prometheus would read, after real commands.
#include <cleave/cleave.hpp>
#include <cleave/event/async_event_bus.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/memory/query_cache.hpp>
#include <cleave/prometheus/metrics.hpp>
#include <cleave/query/live_query.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/manual_clock.hpp>

#include "../sqlite/scratch.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

struct paid {
  std::int64_t cents = 0;
  static constexpr auto event_name = "paid.v1";
};
BOOST_DESCRIBE_STRUCT(paid, (), (cents))
struct pay {
  std::string invoice;
  std::int64_t cents = 0;
  static constexpr std::string_view command_name = "pay";
};
struct ledger {
  using commands = cleave::command_set<pay>;
  using events = cleave::event_set<paid>;
  static constexpr std::string_view category = "invoice";
  static std::string const& id(pay const& command) { return command.invoice; }
  void evolve(paid const&) {}
  cleave::decision<paid> decide(pay const& command) const {
    if (command.cents <= 0) return cleave::reject("nothing-to-pay", "{} cents", command.cents);
    return paid{command.cents};
  }
};
struct total {
  using result_type = std::int64_t;
};
BOOST_DESCRIBE_STRUCT(total, (), ())
struct totals {
  using events = cleave::event_set<paid>;
  using queries = cleave::query_set<total>;
  static constexpr std::string_view name = "totals.v1";
  static constexpr auto on_failure = cleave::failure_policy::park;
  std::int64_t cents = 0;
  void on(paid const& e) {
    if (e.cents == 13) throw std::runtime_error("unlucky");
    cents += e.cents;
  }
  std::int64_t answer(total const&) const { return cents; }
};

struct published {
  std::shared_ptr<prometheus::Registry> registry = std::make_shared<prometheus::Registry>();
  cleave::prometheus::metrics metrics{registry};
  std::string text() const { return prometheus::TextSerializer().Serialize(registry->Collect()); }
  // Whether this is one of the lines.
  bool has(std::string_view line) const {
    std::string const all = "\n" + text();
    INFO(all);
    bool const found = all.find("\n" + std::string(line) + "\n") != std::string::npos;
    CHECK(found);
    return found;
  }
};

cleave::application_options stepped() {
  cleave::application_options options;
  options.projector.threads = false;
  options.projector.attempts = 1;
  return options;
}

} // namespace

TEST_CASE("the registry counts commands and queries by name and outcome, and appends by their events") {
  cleave::memory::event_store log;
  published seen;
  cleave::application app{log, cleave::observed_by(seen.metrics), cleave::deciders<ledger>,
                          cleave::projections<totals>, stepped()};
  REQUIRE(app.execute(pay{"i1", 5}));
  REQUIRE(app.execute(pay{"i2", 6}));
  auto const last = app.execute(pay{"i1", 7});
  REQUIRE(last);
  REQUIRE(app.execute(pay{"i1", 0}).error().is_rejection());
  REQUIRE(*app.query(total{}, cleave::at_least(last->position)) == 18);

  REQUIRE(seen.has(R"(cleave_handled_seconds_count{message="pay",outcome="ok"} 3)"));
  REQUIRE(seen.has(R"(cleave_handled_seconds_count{message="pay",outcome="rejected"} 1)"));
  REQUIRE(seen.text().find(R"(total",outcome="ok"} 1)") != std::string::npos);
  REQUIRE(seen.has("cleave_append_seconds_count 3"));
  REQUIRE(seen.has("cleave_append_events_sum 3"));
  REQUIRE(seen.has(R"(cleave_append_events_bucket{le="1"} 3)"));
}

TEST_CASE("the registry shows how far projections are, and their dead letters") {
  cleave::memory::event_store log;
  published seen;
  cleave::application app{log, cleave::deciders<ledger>, cleave::projections<totals>, stepped()};
  REQUIRE(app.execute(pay{"i1", 5}));
  REQUIRE(app.execute(pay{"i2", 13}));
  seen.metrics.show(app.projections());
  REQUIRE(seen.has(R"(cleave_projection_lag_events{projection="totals.v1"} 2)"));
  REQUIRE(seen.has(R"(cleave_projection_dead_letters{projection="totals.v1"} 0)"));
  while (app.step() == cleave::step::worked) {
  }
  seen.metrics.show(app.projections());
  REQUIRE(seen.has(R"(cleave_projection_lag_events{projection="totals.v1"} 0)"));
  REQUIRE(seen.has(R"(cleave_projection_position{projection="totals.v1"} 2)"));
  REQUIRE(seen.has(R"(cleave_projection_dead_letters{projection="totals.v1"} 1)"));
  REQUIRE(seen.has(R"(cleave_projection_failed{projection="totals.v1"} 0)"));
  // Without an observer nothing else was counted.
  REQUIRE(seen.has("cleave_append_seconds_count 0"));
}

TEST_CASE("a cache's counts are shown as they are, however often") {
  published seen;
  for (int i = 0; i < 2; ++i)
    seen.metrics.show("prices",
                      cleave::query_cache_stats{.hits = 7, .misses = 2, .evictions = 1, .entries = 3});
  seen.metrics.show("prices",
                    cleave::query_cache_stats{.hits = 9, .misses = 2, .evictions = 1, .entries = 2});
  REQUIRE(seen.has(R"(cleave_cache_hits_total{cache="prices"} 9)"));
  REQUIRE(seen.has(R"(cleave_cache_misses_total{cache="prices"} 2)"));
  REQUIRE(seen.has(R"(cleave_cache_evictions_total{cache="prices"} 1)"));
  REQUIRE(seen.has(R"(cleave_cache_entries{cache="prices"} 2)"));
}

TEST_CASE("a durable store's commits are counted by the writes that they carried") {
  cleave::test::scratch_folder const folder;
  auto log = cleave::sqlite::event_store::open({.path = folder.file("log.db")});
  REQUIRE(log);
  published seen;
  cleave::application app{*log, cleave::observed_by(seen.metrics), cleave::deciders<ledger>};
  for (int i = 1; i <= 3; ++i) REQUIRE(app.execute(pay{"i1", i}));
  REQUIRE(app.execute(pay{"i1", 0}).error().is_rejection());
  auto const counts = log->counts();
  REQUIRE(counts.waiting == 0);
  seen.metrics.show(counts);
  seen.metrics.show(log->counts());
  REQUIRE(seen.has("cleave_append_seconds_count 3"));
  REQUIRE(seen.has("cleave_append_events_sum 3"));
  REQUIRE(seen.has("cleave_commit_group_writes_sum " + std::to_string(counts.writes)));
  REQUIRE(counts.writes >= 3);
  REQUIRE(seen.has("cleave_writes_waiting 0"));
}

TEST_CASE(
    "the depths of queues are shown: what an asynchronous bus and a live query still have to hand out") {
  published seen;
  cleave::async_event_bus<paid> bus({.capacity = 8, .batch = 2});
  auto const slow = bus.subscribe([](paid const&) {});
  for (int i = 0; i < 3; ++i) REQUIRE(bus.publish(paid{i}) == cleave::publish_outcome::taken);
  seen.metrics.show_queue("mails", bus.waiting(slow));
  REQUIRE(seen.has(R"(cleave_queue_depth{queue="mails"} 3)"));
  REQUIRE(bus.step(slow.first) == cleave::step::worked);
  seen.metrics.show_queue("mails", bus.waiting(slow));
  REQUIRE(seen.has(R"(cleave_queue_depth{queue="mails"} 1)"));

  cleave::memory::event_store log;
  cleave::application app{log, cleave::deciders<ledger>, cleave::projections<totals>, stepped()};
  cleave::live_query live(app, total{}, cleave::live_query_options{.queue = 2});
  for (int i = 1; i <= 3; ++i) {
    auto const done = app.execute(pay{"i1", i});
    REQUIRE(done);
    REQUIRE(app.query(total{}, cleave::at_least(done->position)));
    REQUIRE(live.step() == cleave::step::worked);
    REQUIRE(live.waiting() == std::size_t(i == 3 ? 1 : i)); // two are given up for one fresh answer
  }
  REQUIRE(live.next(std::chrono::seconds(0))->lagged);
  REQUIRE(live.waiting() == 0);
}

TEST_CASE("how far a rebuild is, is shown as an observer is told of it") {
  published seen;
  cleave::rebuild_status status;
  status.stage = cleave::rebuild_stage::building;
  status.events_done = 250;
  status.events_total = 1'000;
  status.events_per_second = 50;
  seen.metrics.on(cleave::rebuild_progress{"totals", status});
  REQUIRE(seen.has(R"(cleave_rebuild_events_done{projection="totals"} 250)"));
  REQUIRE(seen.has(R"(cleave_rebuild_events_total{projection="totals"} 1000)"));
  REQUIRE(seen.has(R"(cleave_rebuild_events_per_second{projection="totals"} 50)"));
  status.stage = cleave::rebuild_stage::ready;
  status.events_done = status.events_total;
  seen.metrics.on(cleave::rebuild_progress{"totals", status});
  REQUIRE(seen.has(R"(cleave_rebuild_events_done{projection="totals"} 1000)"));
}
