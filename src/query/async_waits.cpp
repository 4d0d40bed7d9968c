// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/error.hpp>
#include <cleave/config.hpp>
#include <cleave/query/async_waits.hpp>
#include <cleave/query/step_thread.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>

namespace cleave {

namespace {

struct steady {
  static timestamp now() noexcept {
    auto const passed = std::chrono::steady_clock::now().time_since_epoch();
    return timestamp(std::chrono::duration_cast<std::chrono::microseconds>(passed).count());
  }
};

} // namespace

clock_ref detail::steady_time() noexcept {
  static steady clock;
  return clock;
}

struct async_waits::state {
  struct wait;
  // Of equal keys the order of arrival.
  using by_position = std::multimap<std::uint64_t, wait>;
  using by_deadline = std::multimap<std::int64_t, by_position::iterator>;
  struct wait {
    std::unique_ptr<detail::wait_completion> done;
    std::int64_t timeout_us;
    by_deadline::iterator deadline;
  };
  struct found {
    std::uint64_t wanted;
    std::int64_t timeout_us;
    std::unique_ptr<detail::wait_completion> done;
  };

  // The machine of the thread: it rests while nobody waits. Whoever has something for it interrupts `woken`.
  struct timer {
    state& of;
    position reached() const noexcept { return {}; }
    cleave::step step() noexcept {
      if (of.end_waits()) return cleave::step::worked;
      return of.waiting() == 0 ? cleave::step::failed : cleave::step::waiting;
    }
  };

  state(projection_progress& of, async_wait_options const& chosen) : progress(of), options(chosen) {}

  // None when there is nothing that `may` be ended. They are taken out one by one, so that nothing is allocated and no lock is held
  // while somebody is told.
  template <class May> std::optional<found> take(May&& may) {
    std::scoped_lock const lock(mutex);
    auto const place = may();
    if (place == waits.end()) return std::nullopt;
    found out{place->first, place->second.timeout_us, std::move(place->second.done)};
    deadlines.erase(place->second.deadline);
    waits.erase(place);
    return out;
  }
  // As a blocking wait that asks once.
  result<void> outcome(std::uint64_t wanted) const {
    return progress.wait(at_least(position(wanted), std::chrono::microseconds(0)));
  }
  result<void> too_late(found const& of) const {
    auto asked = outcome(of.wanted);
    if (asked || progress.failed()) return asked;
    return unexpected(
        make_error(errc::stale, "projection {} is at position {}, {} was asked for (waited {} ms)",
                   progress.name(), progress.reached(), position(of.wanted), of.timeout_us / 1000));
  }
  result<void> nobody_waits(found const& of) const {
    auto asked = outcome(of.wanted);
    if (asked || progress.failed()) return asked;
    return unexpected(make_error(errc::stale,
                                 "projection {} is at position {}, {} was asked for: nobody waits any longer",
                                 progress.name(), progress.reached(), position(of.wanted)));
  }
  bool end_waits() noexcept {
    bool worked = false;
    auto const head = progress.reached().value();
    while (auto const next = take([&] {
             return !waits.empty() && waits.begin()->first <= head ? waits.begin() : waits.end();
           })) {
      worked = true;
      next->done->complete({});
    }
    bool const failed = progress.failed();
    auto const now = options.clock.now().microseconds();
    while (auto const next = take([&] {
             if (failed) return waits.begin();
             return !deadlines.empty() && deadlines.begin()->first <= now ? deadlines.begin()->second
                                                                          : waits.end();
           })) {
      worked = true;
      next->done->complete(too_late(*next));
    }
    return worked;
  }
  // On the thread that steps the projection: it does nothing but wake the other one.
  void advanced(position head) noexcept {
    {
      std::scoped_lock const lock(mutex);
      if (waits.empty() || waits.begin()->first > head.value()) return;
    }
    woken.interrupt();
  }
  std::size_t waiting() const noexcept {
    std::scoped_lock const lock(mutex);
    return waits.size();
  }

  projection_progress& progress;
  async_wait_options options;
  std::mutex mutable mutex; // guards these two
  by_position waits;
  by_deadline deadlines;
  timer machine{*this};
  commit_signal woken;
  commit_subscription advances;
  std::optional<step_thread> thread; // last: it ends before what it steps
};

async_waits::async_waits(projection_progress& progress, async_wait_options const& options)
    : state_(new state(progress, options)) {
  CLEAVE_ASSERT(options.most >= 1 && options.poll_us >= 1,
                "async_wait_options::most and poll_us are at least 1");
  try {
    state_->advances = progress.advances().on_commit(
        state_, [](void* self, position head) noexcept { static_cast<state*>(self)->advanced(head); });
    if (options.threads) state_->thread.emplace(state_->machine, state_->woken, options.poll_us);
  } catch (...) {
    delete state_;
    throw;
  }
}

async_waits::~async_waits() {
  state_->advances.reset();
  state_->thread.reset();
  while (auto const next = state_->take([&] { return state_->waits.begin(); }))
    next->done->complete(state_->nobody_waits(*next));
  delete state_;
}

result<void> async_waits::begin(at_least wanted, std::unique_ptr<detail::wait_completion> done) {
  auto const& progress = state_->progress;
  auto const timeout_us = std::clamp<std::int64_t>(wanted.timeout_us, 0, at_least::longest_timeout_us);
  auto const ended = [&] { return progress.reached() >= wanted.position || progress.failed(); };
  if (timeout_us == 0 || ended()) {
    done->complete(state_->outcome(wanted.position.value()));
    return {};
  }
  bool first = false;
  {
    std::scoped_lock const lock(state_->mutex);
    if (state_->waits.size() >= state_->options.most) {
      return unexpected(make_error(errc::limit_exceeded, "{} wait for projection {}, the limit is {}",
                                   state_->waits.size(), progress.name(), state_->options.most));
    }
    first = state_->waits.empty();
    auto const until = state_->options.clock.now().microseconds() + timeout_us;
    auto const deadline = state_->deadlines.emplace(until, state_->waits.end());
    try {
      deadline->second = state_->waits.emplace(wanted.position.value(),
                                               state::wait{std::move(done), timeout_us, deadline});
    } catch (...) {
      state_->deadlines.erase(deadline);
      throw;
    }
  }
  // The projection may have gone on meanwhile, and its advance have looked before this wait was there.
  if (state_->options.threads && (first || ended())) state_->woken.interrupt();
  return {};
}

cleave::step async_waits::step() noexcept { return state_->end_waits() ? step::worked : step::idle; }
std::size_t async_waits::waiting() const { return state_->waiting(); }

} // namespace cleave
