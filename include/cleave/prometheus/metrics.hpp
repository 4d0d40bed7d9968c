// SPDX-License-Identifier: BSL-1.0
// Metrics for Prometheus: an observer that fills a registry of prometheus-cpp. To publish the registry is the application's business.
//
//   auto const registry = std::make_shared<prometheus::Registry>();
//   cleave::prometheus::metrics metrics(registry);
//   cleave::application shop{*store, cleave::observed_by(metrics), cleave::deciders<order>, ...};
//   ...
//   metrics.show(shop.projections());              // now and then, or before each scrape
//   metrics.show("prices", cache.stats());
//   metrics.show_queue("mails", bus.waiting(mails)); // an async_event_bus; or live.waiting() of a live_query
//
// | metric                                                     | labels           | what it is                              |
// |------------------------------------------------------------|------------------|-----------------------------------------|
// | cleave_handled_seconds                                     | message, outcome | commands and queries: ok, rejected, error |
// | cleave_append_seconds, cleave_append_events                |                  | each append: latency, events            |
// | cleave_append_failures_total                               | errc             | appends that stored nothing             |
// | cleave_commit_group_writes, cleave_writes_waiting          |                  | group commit: writes of a group, queue  |
// | cleave_projection_position, _lag_events, _lag_seconds,     | projection       | see projection_status                   |
// |   _waiting_queries, _dead_letters, _failed                 |                  |                                         |
// | cleave_rebuild_events_done, _events_total, _events_per_second | projection    | see rebuild_status                      |
// | cleave_cache_hits_total, _misses_total, _joined_total,     | cache            | see query_cache_stats                   |
// |   _evictions_total, _entries, _bytes                       |                  |                                         |
// | cleave_queue_depth                                         | queue            | what waits in it                        |
#pragma once

#include <cleave/event/write_counts.hpp>
#include <cleave/middleware/observer.hpp>
#include <cleave/query/progress.hpp>
#include <cleave/query/query_cache.hpp>
#include <cleave/query/rebuild.hpp>
#include <cleave/query/rebuild_watch.hpp>

#include <cstdint>
#include <memory>
#include <prometheus/registry.h>
#include <span>
#include <string_view>

namespace cleave::prometheus {

// Any thread, all functions. One for each registry: two would add up in the same metrics. When memory runs out, what was to be
// counted is lost, and nothing else. Labels are the names that the application gives, so their number is bounded by its types.
class metrics {
public:
  // Shares the registry. May throw what the registry throws: std::invalid_argument when it has another metric under one of the names.
  explicit metrics(std::shared_ptr<::prometheus::Registry> registry);
  metrics(metrics const&) = delete;
  metrics& operator=(metrics const&) = delete;
  ~metrics();

  // As the observer of an application, or of logging{}.
  void on(handled const& what) noexcept;
  void on(written const& what) noexcept;
  void on(rebuild_progress const& what) noexcept; // shows it

  // What is so at this moment.
  void show(std::span<projection_status const> projections) noexcept;
  void show(std::string_view cache, query_cache_stats const& stats) noexcept;
  void show(write_counts const& counts) noexcept;
  void show(std::string_view projection, rebuild_status const& rebuild) noexcept;
  void show_queue(std::string_view queue, std::uint64_t waiting) noexcept;

private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace cleave::prometheus
