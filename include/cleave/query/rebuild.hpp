// SPDX-License-Identifier: BSL-1.0
// Rebuilding a projection without downtime: what it may cost, how far it is, and what a comparison found. Who does it is in
// query/rebuildable_projector.hpp, and with a worker for each part of the keys in query/partitioned_rebuildable_projector.hpp.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/error.hpp>
#include <cleave/event/position.hpp>
#include <cleave/query/partition.hpp>
#include <cleave/query/projection_versions.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cleave {

struct rebuild_options {
  // Events that the version beside takes in a second while it is behind, at the most, all its parts together; 0: as many as it can. From
  // the moment when it has caught up it follows the log like the active one; it never does where more is written than this.
  std::uint64_t events_per_second = 0;
  // As projector_options::batch_us, of the version that is built beside: appends and the live version wait for its transactions.
  std::int64_t batch_us = 10'000;
};

enum class rebuild_stage : std::uint8_t {
  none,     // nothing stands beside the active version
  building, // another version is built beside it
  ready,    // that has caught up: it can be compared, and switched to
  switched, // it answers, and the old version is kept beside it: it can be rolled back, or dropped
  clearing, // what stood beside was dropped, and its rows are being removed
};

// One moment of it. Where the projection is divided, an event counts as done by the part that it belongs to: events and rates are means over
// the parts, `failure` names the part.
struct rebuild_status {
  rebuild_stage stage = rebuild_stage::none;
  std::string active;                // the version that answers
  std::string beside;                // the other one, also while it is removed; empty: none
  std::string failure;               // why the one beside stopped, or its removal did; empty while it works
  std::uint64_t events_done = 0;     // events of the log that the one beside has gone through
  std::uint64_t events_total = 0;    // events of the log
  std::uint64_t events_per_second{}; // of the log, lately
  std::optional<std::int64_t>
      left_us; // what is left at this rate, in microseconds; nothing where there is no rate yet
};

enum class rows_compared : std::uint8_t {
  same,        // every table has equal rows
  different,   // some do not
  other_shape, // tables or their columns differ in number or name: their rows cannot be compared
};
struct rebuild_comparison {
  rows_compared rows = rows_compared::same;
  cleave::position position; // both versions reflect the log up to here
  std::string detail;        // the first difference; empty: none
};

namespace detail {

// What the workers of one rebuild share. Any thread.
class rebuild_crew {
public:
  rebuild_crew(std::uint64_t events_per_second, std::size_t workers) noexcept
      : rate_(events_per_second), workers_(workers) {}

  // How many events a worker may take now, which count as taken: its share of a bucket that fills at the rate and holds what flows in
  // in 0.2 s. UINT64_MAX without a rate. A clock that was set back costs what it had gained, and no more.
  std::uint64_t take(timestamp now) noexcept;
  // Of those, what the worker has not taken in the end.
  void give_back(std::uint64_t events) noexcept;

  // A part of that build, 1 or more, has stopped: the others need not go on.
  void fail(std::uint64_t build) noexcept { failed_.store(build, std::memory_order_relaxed); }
  bool failed(std::uint64_t build) const noexcept { return failed_.load(std::memory_order_relaxed) == build; }

private:
  std::uint64_t const rate_;
  std::uint64_t const workers_;
  std::atomic<std::uint64_t> failed_ = 0;
  std::mutex mutex_;  // guards what follows
  double tokens_ = 0; // in millionths of an event
  std::optional<timestamp> since_;
};

// Positions per second, over the last 5 to 10 seconds.
class rate_meter {
public:
  void note(timestamp now, position reached) noexcept;
  std::uint64_t per_second() const noexcept { return rate_; }

private:
  struct mark {
    timestamp at;
    position reached;
  };
  std::optional<mark> older_;
  mark newer_;
  std::uint64_t rate_ = 0;
};

// Which build of that version these rows are; none while its former rows are being removed.
std::optional<std::uint64_t> build_of(projection_versions const& row, std::string_view version) noexcept;
// What the row of a part becomes where the first read store has decided otherwise; `clearing` is of each part by itself.
// errc::invalid_argument where that has never been one projection.
result<projection_versions> followed(std::string_view projection, projection_versions const& own,
                                     projection_versions const& decided);
// "part 2 of 4: " before it, where there are several.
error in_part(partition const& part, error why);
// Of all parts, in their order, what can be said of the whole.
rebuild_status sum_of(std::span<rebuild_status const> parts);
rebuild_comparison sum_of(std::span<rebuild_comparison const> parts);
// What is left, and how long that takes at this rate.
void tell_what_is_left(rebuild_status& status) noexcept;

error nothing_beside(std::string_view projection, projection_versions const& row);
error nothing_to_swap(std::string_view projection, projection_versions const& row);
error versions_changed(std::string_view projection, projection_versions const& found);
error version_unknown(std::string_view projection, std::string_view version);
error version_behind(std::string_view version, position reached, position wanted);
rebuild_comparison compare_tables(position at, std::span<std::string_view const> live_names,
                                  std::span<table_digest const> live,
                                  std::span<std::string_view const> next_names,
                                  std::span<table_digest const> next);

} // namespace detail

} // namespace cleave
