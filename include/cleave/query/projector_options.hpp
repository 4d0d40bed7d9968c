// SPDX-License-Identifier: BSL-1.0
// The options of projectors, and what they do when something fails or much waits: small state machines with the clock outside.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/error.hpp>
#include <cleave/base/id.hpp>
#include <cleave/query/dead_letter.hpp>

#include <cstdint>

namespace cleave {

// For tests: called by a stored projector, on the thread that steps it, at each point where a crash matters: "read" (nothing begun
// yet), "begun" (in the transaction), "event" (behind the effect of each event), "parked" (behind each dead letter), "applied" (all
// effects are there, the checkpoint is not), "committed" (before anybody is told); by a rebuildable one "cleared" too (rows of a version
// that was dropped are gone, in the transaction). It must not call the projector.
struct projector_step_hook {
  void (*call)(void* context, char const* step) = nullptr;
  void* context = nullptr;
  void operator()(char const* step) const {
    if (call != nullptr) call(context, step);
  }
};

struct projector_options {
  // Events of one step: at the most, 1 or more, and where it begins. A step that was full doubles the next one, one that was
  // less than half full halves it, and so does one that took longer than `batch_us`: so neither the read store's writer nor the queries of a model
  // in memory wait for long.
  std::uint64_t batch = 65'536;
  std::uint64_t least_batch = 64; // `batch` if that is less
  std::int64_t batch_us = 50'000;
  // How often a failing event of a stored projection is tried by itself before the policy applies, 1 or more. The second try comes
  // retry_us after the first, each later one after twice the wait of the one before, at most longest_retry_us. The whole projection
  // waits meanwhile. Trouble of the machine (a full disk, a busy file) is tried as often, and then stops the projection always.
  unsigned attempts = 3;
  std::int64_t retry_us = 10'000;
  std::int64_t longest_retry_us = 10'000'000;
  // Of stored projections that do not declare one; see query/projection.hpp.
  failure_policy on_failure = failure_policy::stop;
  std::uint64_t dead_letters =
      1'000'000;                 // of one projection; one more stops it with errc::limit_exceeded, 1 or more
  std::int64_t poll_us = 50'000; // how long an idle projector sleeps at most
  bool threads =
      true; // a thread steps each projector; false: the application does, and a waiting query steps what it waits for
  clock_ref clock{}; // for back-off, the length of batches and the time of dead letters
  // Several processes: a stored projection runs where its lease is, and one that dies is followed by another when the lease has
  // run out. 0: no lease; projectors of one name then share the work batch by batch, each event still applied once. At least
  // four times poll_us, because an idle holder renews it between two polls; the processes' clocks must agree much better than that.
  std::int64_t lease_us = 0;
  id_source_ref ids{}; // names the holder of a lease
  projector_step_hook on_step{};
};

namespace detail {

// How many events the next step takes.
class batch_size {
public:
  explicit batch_size(projector_options const& options) noexcept;
  std::uint64_t next() const noexcept { return next_; }
  // The last step applied `events` in `took_us`.
  void done(std::uint64_t events, std::int64_t took_us) noexcept;

private:
  std::uint64_t least_;
  std::uint64_t most_;
  std::int64_t target_us_;
  std::uint64_t next_;
};

// When to try again, and how often.
class retry_schedule {
public:
  explicit retry_schedule(projector_options const& options) noexcept;
  // Whether the wait is over. A clock that was set back does not make it longer.
  bool due(timestamp now) const noexcept;
  // One more try has failed. False: it was the last one.
  bool failed(timestamp now) noexcept;
  void succeeded() noexcept;
  unsigned failures() const noexcept { return failures_; }

private:
  unsigned attempts_;
  std::int64_t first_us_;
  std::int64_t longest_us_;
  unsigned failures_ = 0;
  std::int64_t wait_us_ = 0;
  timestamp since_;
};

// Whether the machine or a file is at fault, not the event: somewhere among the causes stands its code.
bool is_machine_trouble(error const& why) noexcept;

} // namespace detail

} // namespace cleave
