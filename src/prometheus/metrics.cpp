// SPDX-License-Identifier: BSL-1.0
#include <cleave/prometheus/metrics.hpp>

#include <bit>
#include <map>
#include <mutex>
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <string>
#include <utility>
#include <vector>

namespace cleave::prometheus {

namespace {

using ::prometheus::Counter;
using ::prometheus::Family;
using ::prometheus::Gauge;
using ::prometheus::Histogram;
using ::prometheus::Registry;

// From a command in memory, 1 us, to a wait of 10 s.
Histogram::BucketBoundaries const& seconds() {
  static Histogram::BucketBoundaries const bounds = {1e-6, 2.5e-6, 5e-6,   1e-5, 2.5e-5, 5e-5,   1e-4, 2.5e-4,
                                                     5e-4, 1e-3,   2.5e-3, 5e-3, 1e-2,   2.5e-2, 5e-2, 0.1,
                                                     0.25, 0.5,    1,      2.5,  5,      10};
  return bounds;
}
// 1, 2, 4, ..., 256: the bounds of write_counts.
Histogram::BucketBoundaries const& powers() {
  static Histogram::BucketBoundaries const bounds = [] {
    Histogram::BucketBoundaries made;
    for (std::size_t i = 0; i + 1 < write_counts::sizes; ++i)
      made.push_back(static_cast<double>(std::uint64_t{1} << i));
    return made;
  }();
  return bounds;
}

Family<Histogram>& histograms(Registry& in, char const* name, char const* help) {
  return ::prometheus::BuildHistogram().Name(name).Help(help).Register(in);
}
Family<Counter>& counters(Registry& in, char const* name, char const* help) {
  return ::prometheus::BuildCounter().Name(name).Help(help).Register(in);
}
Family<Gauge>& gauges(Registry& in, char const* name, char const* help) {
  return ::prometheus::BuildGauge().Name(name).Help(help).Register(in);
}

double in_seconds(std::int64_t us) noexcept { return static_cast<double>(us) / 1e6; }
double number(std::uint64_t n) noexcept { return static_cast<double>(n); }

char const* outcome_of(handled const& what) noexcept {
  if (what.refused != nullptr) return "rejected";
  return what.failed != nullptr ? "error" : "ok";
}

// Counts what others have counted: adds what came since.
void raise(Counter& to, std::uint64_t count) {
  double const more = number(count) - to.Value();
  if (more > 0) to.Increment(more);
}

} // namespace

struct metrics::state {
  explicit state(std::shared_ptr<Registry> registry) : shared(std::move(registry)) {}

  Histogram& handling(std::string_view message, char const* outcome) {
    std::lock_guard const lock(mutex);
    auto const found = handlings.find(std::pair(message, std::string_view(outcome)));
    if (found != handlings.end()) return *found->second;
    Histogram& made = handled_seconds.Add({{"message", std::string(message)}, {"outcome", outcome}},
                                          seconds());
    handlings.emplace(std::pair(std::string(message), std::string(outcome)), &made);
    return made;
  }

  struct by_texts {
    using is_transparent = void;
    template <class A, class B> bool operator()(A const& a, B const& b) const noexcept {
      return std::pair<std::string_view, std::string_view>(a.first, a.second) <
             std::pair<std::string_view, std::string_view>(b.first, b.second);
    }
  };

  std::shared_ptr<Registry> shared;
  Registry& in = *shared;
  Family<Histogram>& handled_seconds = histograms(in, "cleave_handled_seconds",
                                                  "Commands and queries, by how long they took");
  Histogram& append_seconds = histograms(in, "cleave_append_seconds", "Appends, by how long they took")
                                  .Add({}, seconds());
  Histogram& append_events = histograms(in, "cleave_append_events", "Appends, by how many events they stored")
                                 .Add({}, powers());
  Family<Counter>& append_failures = counters(in, "cleave_append_failures_total",
                                              "Appends that stored nothing, by the reason");
  Histogram& group_writes = histograms(in, "cleave_commit_group_writes",
                                       "Commits, by how many writes they carried")
                                .Add({}, powers());
  Gauge& writes_waiting = gauges(in, "cleave_writes_waiting", "Writes that wait for a commit to take them in")
                              .Add({});
  Family<Gauge>& position = gauges(in, "cleave_projection_position",
                                   "The position that a projection has reached");
  Family<Gauge>& lag_events = gauges(in, "cleave_projection_lag_events",
                                     "Events behind a projection's position");
  Family<Gauge>& lag_seconds = gauges(in, "cleave_projection_lag_seconds",
                                      "The age of the first event behind a projection's position");
  Family<Gauge>& waiting_queries = gauges(in, "cleave_projection_waiting_queries",
                                          "Queries that wait for a projection");
  Family<Gauge>& dead_letters = gauges(in, "cleave_projection_dead_letters",
                                       "Events that a projection has parked");
  Family<Gauge>& failed = gauges(in, "cleave_projection_failed", "1 when a projection has stopped");
  Family<Gauge>& rebuild_done = gauges(in, "cleave_rebuild_events_done",
                                       "Events that a rebuild has gone through");
  Family<Gauge>& rebuild_total = gauges(in, "cleave_rebuild_events_total",
                                        "Events that a rebuild has to go through");
  Family<Gauge>& rebuild_rate = gauges(in, "cleave_rebuild_events_per_second", "The rate of a rebuild");
  Family<Counter>& hits = counters(in, "cleave_cache_hits_total", "Answers that a cache had");
  Family<Counter>& misses = counters(in, "cleave_cache_misses_total", "Answers that were computed");
  Family<Counter>& joined = counters(in, "cleave_cache_joined_total",
                                     "Callers that got what another one was computing");
  Family<Counter>& evictions = counters(in, "cleave_cache_evictions_total", "Answers given up for room");
  Family<Gauge>& entries = gauges(in, "cleave_cache_entries", "Answers in a cache");
  Family<Gauge>& bytes = gauges(in, "cleave_cache_bytes", "Bytes in a cache, about");
  Family<Gauge>& queue_depth = gauges(in, "cleave_queue_depth",
                                      "What waits in a queue of an event bus or a live query");

  std::mutex mutex;
  std::map<std::pair<std::string, std::string>, Histogram*, by_texts> handlings;
  write_counts counted; // what group_writes shows
};

metrics::metrics(std::shared_ptr<Registry> registry) : state_(std::make_unique<state>(std::move(registry))) {}
metrics::~metrics() = default;

void metrics::on(handled const& what) noexcept {
  try {
    state_->handling(what.what, outcome_of(what)).Observe(in_seconds(what.took_us));
  } catch (...) { // no memory: see the class
    return;
  }
}

void metrics::on(written const& what) noexcept {
  try {
    if (what.failed != nullptr) {
      state_->append_failures.Add({{"errc", std::string(to_string(what.failed->code()))}}).Increment();
      return;
    }
    state_->append_seconds.Observe(in_seconds(what.took_us));
    state_->append_events.Observe(number(what.events));
  } catch (...) {
    return;
  }
}

void metrics::show(std::span<projection_status const> projections) noexcept {
  try {
    for (projection_status const& one : projections) {
      ::prometheus::Labels const of = {{"projection", one.name}};
      state_->position.Add(of).Set(number(one.checkpoint.value()));
      state_->lag_events.Add(of).Set(number(one.behind_events));
      state_->lag_seconds.Add(of).Set(in_seconds(one.behind_us));
      state_->waiting_queries.Add(of).Set(number(one.waiting));
      state_->dead_letters.Add(of).Set(number(one.dead_letters));
      state_->failed.Add(of).Set(one.failure.empty() ? 0 : 1);
    }
  } catch (...) {
    return;
  }
}

void metrics::show(std::string_view cache, query_cache_stats const& stats) noexcept {
  try {
    ::prometheus::Labels const of = {{"cache", std::string(cache)}};
    std::lock_guard const lock(state_->mutex); // two that show at once must not both add what is new
    raise(state_->hits.Add(of), stats.hits);
    raise(state_->misses.Add(of), stats.misses);
    raise(state_->joined.Add(of), stats.joined);
    raise(state_->evictions.Add(of), stats.evictions);
    state_->entries.Add(of).Set(number(stats.entries));
    state_->bytes.Add(of).Set(number(stats.bytes));
  } catch (...) {
    return;
  }
}

void metrics::show(write_counts const& counts) noexcept {
  try {
    std::lock_guard const lock(state_->mutex);
    if (counts.writes > state_->counted.writes) {
      std::vector<double> more;
      more.reserve(write_counts::sizes);
      for (std::size_t i = 0; i < write_counts::sizes; ++i)
        more.push_back(number(counts.groups[i] - state_->counted.groups[i]));
      state_->group_writes.ObserveMultiple(more, number(counts.writes - state_->counted.writes));
      state_->counted = counts;
    }
    state_->writes_waiting.Set(number(counts.waiting));
  } catch (...) {
    return;
  }
}

void metrics::on(rebuild_progress const& what) noexcept { show(what.projection, what.status); }

void metrics::show(std::string_view projection, rebuild_status const& rebuild) noexcept {
  try {
    ::prometheus::Labels const of = {{"projection", std::string(projection)}};
    state_->rebuild_done.Add(of).Set(number(rebuild.events_done));
    state_->rebuild_total.Add(of).Set(number(rebuild.events_total));
    state_->rebuild_rate.Add(of).Set(number(rebuild.events_per_second));
  } catch (...) {
    return;
  }
}

void metrics::show_queue(std::string_view queue, std::uint64_t waiting) noexcept {
  try {
    state_->queue_depth.Add({{"queue", std::string(queue)}}).Set(number(waiting));
  } catch (...) {
    return;
  }
}

} // namespace cleave::prometheus
