// SPDX-License-Identifier: BSL-1.0
// How long the outcomes of commands are kept. Without it: for ever. A repeat that comes when its outcome is forgotten is a new
// command, so what is kept must outlast every sender's patience.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/error.hpp>
#include <cleave/base/limits.hpp>
#include <cleave/base/step.hpp>
#include <cleave/event/event_store.hpp>

#include <cstdint>
#include <optional>

namespace cleave {

// forget_outcomes(before, keep, most): forgets outcomes of commands that were stored before `before`, and all but the newest `keep`,
// the oldest first, at most `most` of them (1 to limits::outcomes_per_step); returns how many. Their ids are new again. Any thread.
template <class S>
concept forgets_outcomes = requires(S& store, timestamp before, std::uint64_t keep, std::uint64_t most) {
  { store.forget_outcomes(before, keep, most) } -> std::same_as<result<std::uint64_t>>;
};

struct outcome_retention {
  std::int64_t age_us = INT64_MAX;     // older ones go; not negative
  std::uint64_t count = UINT64_MAX;    // all but the newest so many go
  std::uint64_t outcomes_a_step = 256; // 1 to limits::outcomes_per_step
  clock_ref clock{};                   // the same as the store's
};

// Keeps to it, step by step. For one thread at a time, such as a step_thread. Store: outlives it.
template <forgets_outcomes Store> class outcome_sweeper {
public:
  outcome_sweeper(Store& store, outcome_retention const& keep) : store_(store), keep_(keep) {
    CLEAVE_ASSERT(keep.age_us >= 0, "outcome_retention::age_us is not negative");
    CLEAVE_ASSERT(keep.outcomes_a_step >= 1 && keep.outcomes_a_step <= limits::outcomes_per_step,
                  "outcome_retention::outcomes_a_step is 1 to limits::outcomes_per_step");
  }

  // Forgets a few. worked: there may be more; idle: no more for now; waiting: the store could not, as failure() tells; try again.
  cleave::step step() noexcept {
    try {
      failure_.reset();
      std::int64_t const now = keep_.clock.now().microseconds();
      std::int64_t const oldest = now < INT64_MIN + keep_.age_us ? INT64_MIN : now - keep_.age_us;
      auto const gone = store_.forget_outcomes(timestamp(oldest), keep_.count, keep_.outcomes_a_step);
      if (gone) return *gone == keep_.outcomes_a_step ? step::worked : step::idle;
      failure_ = gone.error();
    } catch (...) {
      failure_ = detail::current_exception_error("the clock of outcome_retention");
    }
    return step::waiting;
  }
  // Why the last step could not.
  std::optional<error> const& failure() const noexcept { return failure_; }
  // For step_thread: no position wakes it, only time.
  static position reached() noexcept { return position(limits::position_max); }

private:
  Store& store_;
  outcome_retention keep_;
  std::optional<error> failure_;
};

} // namespace cleave
