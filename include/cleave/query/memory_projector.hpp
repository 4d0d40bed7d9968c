// SPDX-License-Identifier: BSL-1.0
// A read model in memory, the loop that feeds it from the log, and the answers from it.
#pragma once

#include <cleave/query/projector.hpp>

#include <mutex>
#include <optional>
#include <shared_mutex>
#include <utility>

namespace cleave {

// Owns one projection of the memory form. Built from position 0. Any thread, all functions: they take turns.
template <class P, class Store> class memory_projector {
  static_assert(detail::checked_memory_projection<P>);

public:
  using queries = detail::queries_of<P>;

  // `in_commit`: no thread steps it, appends do through the inline functions; then a waiting query looks for what others appended.
  memory_projector(Store& log, P empty, projector_options const& options, bool in_commit = false)
      : log_(log),
        options_(options),
        in_commit_(in_commit),
        empty_(std::move(empty)),
        model_(empty_),
        progress_(P::name) {}

  projection_progress& progress() noexcept { return progress_; }
  position reached() const noexcept { return progress_.reached(); }
  result<void> wait(at_least wanted) {
    if (in_commit_) {
      while (reached() < wanted.position && step() == step::worked) {
      }
    }
    return detail::wait_for(*this, wanted, options_.threads);
  }

  // Applies one batch. What `on` throws stops the projection: a struct that was left half-way is not to be trusted.
  cleave::step step() noexcept {
    // Everything under the lock: two that step at once must not apply one event twice.
    std::unique_lock const lock(mutex_);
    if (progress_.failed()) return step::failed;
    auto const before = reached();
    auto read = catch_up(before, options_.batch);
    if (!read) {
      progress_.fail(std::move(read).error());
      return step::failed;
    }
    progress_.advance(*read);
    return *read > before ? step::worked : step::idle;
  }

  // The answer as of now. Queries share the model; a batch of the projector waits for them, and they for it. A model that was left
  // half-way by a failed event answers nothing any more.
  template <class Q> result<typename Q::result_type> answer(Q const& q) {
    std::shared_lock const lock(mutex_);
    if (progress_.failed()) return unexpected(progress_.wait(at_least(position(UINT64_MAX))).error());
    try {
      return std::as_const(model_).answer(q);
    } catch (...) {
      return unexpected(detail::current_exception_error("answer"));
    }
  }

  // Inline use: open, append with inline_apply for each event, close. Between open and close no query sees the model, so that none
  // sees an event that was not committed.
  void inline_open() {
    mutex_.lock();
    applied_ = reached();
  }
  result<void> inline_apply(recorded_event const& recorded) {
    try {
      // What others have appended past this application comes first.
      if (applied_.next() < recorded.at.position) {
        if (auto read = catch_up(applied_, UINT64_MAX); !read) return unexpected(std::move(read).error());
      }
      auto const known = visit_event<typename P::events>(
          recorded, [&](auto const& event, envelope const& at) { apply(event, at); });
      if (!known) return unexpected(known.error());
      applied_ = recorded.at.position;
      return {};
    } catch (...) {
      return unexpected(
          detail::projection_failed(P::name, recorded.at, detail::current_exception_error("on")));
    }
  }
  // `touched`: inline_apply was called. Without `committed` the append failed: the truth is in the log, so the model is built from it.
  void inline_close(bool touched, std::optional<position> committed) noexcept {
    if (touched && committed) {
      progress_.advance(*committed);
    } else if (touched) {
      try {
        model_ = empty_;
        if (auto read = catch_up(position(), UINT64_MAX); read) progress_.advance(*read);
        else progress_.fail(std::move(read).error());
      } catch (...) {
        progress_.fail(detail::current_exception_error("the copy of a projection"));
      }
    }
    mutex_.unlock();
  }

private:
  template <class E> void apply(E const& event, envelope const& at) {
    if constexpr (requires { model_.on(event, at); }) model_.on(event, at);
    else model_.on(event);
  }
  result<position> catch_up(position after, std::uint64_t limit) {
    return detail::feed<P>(log_, after, limit, [&](auto const& event, envelope const& at) -> result<void> {
      apply(event, at);
      return {};
    });
  }

  Store& log_;
  projector_options options_;
  bool in_commit_;
  P empty_;
  P model_;
  position applied_; // inline only: the last event in the model, committed or not
  std::shared_mutex mutex_;
  projection_progress progress_;
};

} // namespace cleave
