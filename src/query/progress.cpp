// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/progress.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

namespace cleave {

struct projection_progress::state {
  std::atomic<bool> failed = false;
  std::atomic<bool> closed = false;
  std::atomic<std::uint64_t> rewrites = 0;
  std::mutex mutable mutex;
  std::optional<error> why;
  std::size_t waiting = 0;
  std::condition_variable left;

  std::optional<error> failure() const {
    if (!failed.load(std::memory_order_acquire)) return std::nullopt;
    std::scoped_lock const lock(mutex);
    return why;
  }

  // Counts a wait, so that close() can see its end.
  class wait_guard {
  public:
    explicit wait_guard(state& of) : of_(of) {
      std::scoped_lock const lock(of_.mutex);
      ++of_.waiting;
    }
    wait_guard(wait_guard const&) = delete;
    wait_guard& operator=(wait_guard const&) = delete;
    ~wait_guard() {
      std::scoped_lock const lock(of_.mutex);
      if (--of_.waiting == 0) of_.left.notify_all();
    }

  private:
    state& of_;
  };
};

projection_progress::projection_progress(std::string_view name) : name_(name), state_(new state) {}
projection_progress::~projection_progress() { delete state_; }

void projection_progress::note_in_caches(std::string_view projection, envelope const& at) {
  detail::for_each_touch(projection, at, [&](cache_key key) { touch(key, at.position); });
}

void projection_progress::fail(error why) {
  {
    std::scoped_lock const lock(state_->mutex);
    if (!state_->why) state_->why = std::move(why);
  }
  state_->failed.store(true, std::memory_order_release);
  forget_answers();
  reached_.interrupt();
}

void projection_progress::rewritten() noexcept {
  forget_answers();
  state_->rewrites.fetch_add(1, std::memory_order_acq_rel);
  reached_.interrupt();
}

std::uint64_t projection_progress::rewrites() const noexcept {
  return state_->rewrites.load(std::memory_order_acquire);
}

void projection_progress::revive() noexcept {
  std::scoped_lock const lock(state_->mutex);
  state_->why.reset();
  state_->failed.store(false, std::memory_order_release);
}

bool projection_progress::failed() const noexcept { return state_->failed.load(std::memory_order_acquire); }

projection_status projection_progress::status() const {
  projection_status out{std::string(name_), reached(), {}};
  std::scoped_lock const lock(state_->mutex);
  out.waiting = state_->waiting;
  if (state_->why) out.failure = state_->why->message();
  return out;
}

void projection_progress::close() noexcept {
  state_->closed.store(true, std::memory_order_release);
  reached_.interrupt();
  std::unique_lock lock(state_->mutex);
  state_->left.wait(lock, [&] { return state_->waiting == 0; });
}

result<void> projection_progress::wait(at_least wanted) {
  using namespace std::chrono;
  if (reached() >= wanted.position) return {};
  state::wait_guard const counted(*state_);
  auto const wait = microseconds(
      std::clamp<std::int64_t>(wanted.timeout_us, 0, at_least::longest_timeout_us));
  auto const deadline = steady_clock::now() + wait;
  for (;;) {
    auto const seen = reached_.interrupts();
    if (state_->closed.load(std::memory_order_acquire)) {
      return unexpected(make_error(errc::stale,
                                   "projection {} is shutting down at position {}, {} was asked for", name_,
                                   reached(), wanted.position));
    }
    if (auto why = state_->failure()) {
      return unexpected(error(errc::stale,
                              format_text("projection {} stopped at position {}, {} was asked for", name_,
                                          reached(), wanted.position),
                              std::move(*why)));
    }
    auto const left = duration_cast<microseconds>(deadline - steady_clock::now()).count();
    if (reached_.wait_for(wanted.position, left, seen)) return {};
    if (left <= 0) {
      return unexpected(make_error(errc::stale,
                                   "projection {} is at position {}, {} was asked for (waited {} ms)", name_,
                                   reached(), wanted.position, wait.count() / 1000));
    }
  }
}

} // namespace cleave
