// SPDX-License-Identifier: BSL-1.0
// Waiting for a projection without a thread that waits: a function is called when a position is applied, or the time is up.
//
//   cleave::async_waits waits(bank.progress_of<balance_of>(), {.threads = bank.has_threads()});
//   auto begun = waits.when_reached(cleave::at_least(done->position, 2s), [&](cleave::result<void> reached) {
//     if (reached) show(bank.query(balance_of{"alice"}));
//   });
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/result.hpp>
#include <cleave/base/step.hpp>
#include <cleave/query/consistency.hpp>
#include <cleave/query/progress.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace cleave {

namespace detail {

// The monotonic clock.
clock_ref steady_time() noexcept;

// Who is told what became of a wait.
class wait_completion {
public:
  wait_completion() = default;
  wait_completion(wait_completion const&) = delete;
  wait_completion& operator=(wait_completion const&) = delete;
  virtual ~wait_completion() = default;
  virtual void complete(result<void> outcome) noexcept = 0;
};
template <class Done> class wait_completion_of final : public wait_completion {
public:
  explicit wait_completion_of(Done done) : done_(std::move(done)) {}
  void complete(result<void> outcome) noexcept override { std::move(done_)(std::move(outcome)); }

private:
  Done done_;
};

} // namespace detail

struct async_wait_options {
  std::size_t most = 16'384; // waits that are under way at once, 1 or more
  std::int64_t poll_us =
      10'000; // a timeout, and the end of the projection, is noticed so much later at the most
  bool threads =
      true; // one thread for that, which sleeps while nobody waits; false: whoever calls step() is it
  clock_ref clock = detail::steady_time(); // of the timeouts
};

// However many wait, an advance of the projection costs what those cost whose position is reached. It must be destroyed before the
// projection's application, and not by a completion. Any thread, all functions.
class async_waits {
public:
  explicit async_waits(projection_progress& progress, async_wait_options const& options = {});
  async_waits(async_waits const&) = delete;
  async_waits& operator=(async_waits const&) = delete;
  // Ends what waits with errc::stale.
  ~async_waits();

  // `done(result<void>)` is called once: with success when the projection has reached the position; with errc::stale when the
  // timeout is over, or when the projection has stopped, its failure as the cause. Among those that are reached by one advance the
  // lowest position comes first, of one position the one that came first. It runs on the thread of this object (without one, on that
  // which calls step), or before the call returns, on the caller's, if there is nothing to wait for; never within a step of the
  // projection, which goes on meanwhile. The others wait for it, so it should be short; it may ask queries and call when_reached; what
  // it throws ends the program.
  // An error here means that `done` is not called: errc::limit_exceeded when options.most wait already.
  template <std::invocable<result<void>> Done> result<void> when_reached(at_least wanted, Done done) {
    return begin(wanted, std::make_unique<detail::wait_completion_of<Done>>(std::move(done)));
  }

  // Tells those whose position is reached and those whose time is up, and all when the projection has stopped.
  cleave::step step() noexcept;
  // How many wait.
  std::size_t waiting() const;

private:
  struct state;

  result<void> begin(at_least wanted, std::unique_ptr<detail::wait_completion> done);

  state* state_;
};

} // namespace cleave
