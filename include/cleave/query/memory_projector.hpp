// SPDX-License-Identifier: BSL-1.0
// A read model in memory, the loop that feeds it from the log, and the answers from it.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/query/memory_dead_letters.hpp>
#include <cleave/query/projector.hpp>

#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <utility>

namespace cleave {

namespace detail {

// One of several parts into which the keys of a projection are divided.
struct key_partition {
  std::uint64_t index = 0;
  std::uint64_t count = 1;
  bool is_all() const noexcept { return count == 1; }
  bool holds(std::string_view key) const noexcept { return hash_text(key) % count == index; }
};

} // namespace detail

// Owns one projection of the memory form. Built from position 0. Any thread, all functions: they take turns.
//
// It parks only what the projection itself declares (`on_failure`), because that is a promise about its `on`; an inline one
// parks nothing. Dead letters, and what was discarded, live as long as this object: built anew, it meets the same events again.
template <class P, class Store> class memory_projector {
  static_assert(detail::checked_memory_projection<P>);

public:
  using projection_type = P;
  using queries = detail::queries_of<P>;

  // `in_commit`: no thread steps it, appends do through the inline functions; then a waiting query looks for what others appended.
  // `part`: it applies the events of these keys alone, and passes over the others; not together with in_commit.
  memory_projector(Store& log, P empty, projector_options const& options, bool in_commit = false,
                   detail::key_partition part = {})
      : log_(log),
        options_(options),
        in_commit_(in_commit),
        part_(part),
        empty_(std::move(empty)),
        model_(empty_),
        progress_(P::name),
        batch_(options),
        schedule_(options),
        letters_(P::name) {}

  projection_progress& progress() noexcept { return progress_; }
  position reached() const noexcept { return progress_.reached(); }
  result<void> wait(at_least wanted) {
    if (in_commit_) {
      while (reached() < wanted.position && step() == step::worked) {
      }
    }
    return detail::wait_for(*this, wanted, options_.threads);
  }

  // Applies one batch. What `on` throws stops the projection, unless it parks: a struct that was left half-way is not to be trusted.
  cleave::step step() noexcept {
    // Everything under the lock: two that step at once must not apply one event twice.
    std::unique_lock const lock(mutex_);
    if (progress_.failed()) return step::failed;
    try {
      auto const started = options_.clock.now();
      if (!schedule_.due(started)) return step::waiting;
      auto const before = reached();
      detail::fed seen;
      auto read = apply_batch(before, seen);
      if (!read) return after_failure(seen, std::move(read).error());
      batch_.done(seen.events, options_.clock.now().microseconds() - started.microseconds());
      schedule_.succeeded();
      progress_.advance(*read, changes::noted);
      return *read > before ? step::worked : step::idle;
    } catch (...) {
      progress_.fail(detail::current_exception_error("a step of the projector"));
      return step::failed;
    }
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

  // The dead letters: sink(dead_letter const&) -> bool, false ends it. The sink must not call this object.
  result<void> dead_letters(dead_letter_range const& range, detail::dead_letter_sink sink) {
    std::shared_lock const lock(mutex_);
    return letters_.list(range, sink);
  }
  // How many wait.
  result<std::uint64_t> count_dead_letters() {
    std::shared_lock const lock(mutex_);
    return letters_.count();
  }
  // Applies the dead letters of one key, or of all, again, in order of position, until it has met all that waits. Those behind one
  // of their key that fails are left alone.
  result<retried> retry(std::optional<std::string_view> key = {}) {
    retried done;
    detail::key_set stuck;
    position after;
    for (;;) {
      std::unique_lock const lock(mutex_);
      if (progress_.failed()) return unexpected(progress_.wait(at_least(position(UINT64_MAX))).error());
      std::optional<dead_letter> letter;
      auto const listed = letters_.list({.after = after, .limit = 1, .key = key},
                                        [&](dead_letter const& first) {
                                          letter = first;
                                          return false;
                                        });
      if (!listed) return unexpected(listed.error());
      if (!letter) return done;
      after = letter->position;
      if (stuck.contains(letter->key)) continue;
      auto const applied = apply_letter(*letter);
      if (!applied) return unexpected(applied.error());
      if (*applied) {
        progress_.rewritten();
        ++done.applied;
      } else {
        ++done.failed;
        stuck.insert(letter->key);
      }
    }
  }
  // The dead letter at this position is never applied; it is kept with the reason, which is not empty. Those behind it wait for a
  // retry. errc::not_found when none waits there.
  result<void> discard(position at, std::string_view reason) {
    if (reason.empty())
      return unexpected(make_error(errc::invalid_argument,
                                   "projection {}: a dead letter is discarded with a reason", P::name));
    std::unique_lock const lock(mutex_);
    auto const found = letters_.discard(at, reason);
    if (!found) return unexpected(found.error());
    if (!*found)
      return unexpected(
          make_error(errc::not_found, "projection {}: no dead letter at position {}", P::name, at));
    return {};
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
      auto const known = visit_event<typename P::events>(recorded, noting_applier{*this});
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
      progress_.advance(*committed, changes::noted);
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
  template <class E, class At> [[gnu::always_inline]] static void apply(P& model, E const& event,
                                                                        At const& at) {
    if constexpr (requires(envelope const& opened) { model.on(event, opened); }) {
      envelope const& opened = at;
      model.on(event, opened);
    } else {
      model.on(event);
    }
  }
  struct plain_applier {
    P& model;
    template <class E, class At> [[gnu::always_inline]] void operator()(E const& event, At const& at) const {
      apply(model, event, at);
    }
  };
  // For when query caches want to hear what an event touches.
  struct noting_applier {
    memory_projector& to;
    template <class E> [[gnu::always_inline]] void operator()(E const& event, envelope const& at) const {
      to.progress_.note(to.model_, event, at);
      apply(to.model_, event, at);
    }
  };
  // By reference, so that it is compiled once for all that divert.
  using divert = function_ref<result<bool>(envelope const&)>;
  result<position> feed_noting(detail::feed_range const& range, detail::fed& seen, divert which) {
    return detail::feed<P>(log_, range, seen, which, noting_applier{*this});
  }
  result<position> feed_all(detail::feed_range const& range, detail::fed& seen) {
    // Asked once, not for each event, so that a loop over objects in memory calls nothing but `on`.
    if (!progress_.notes())
      return detail::feed<P>(log_, range, seen, detail::take_all(), plain_applier{model_});
    return feed_noting(range, seen, [](envelope const&) -> result<bool> { return false; });
  }
  result<position> apply_batch(position after, detail::fed& seen) {
    detail::feed_range const range{.after = after, .limit = batch_.next()};
    if (part_.is_all() && !*letters_.any()) return feed_all(range, seen);
    return feed_noting(range, seen, [&](envelope const& at) -> result<bool> {
      auto const& key = detail::key_of(model_, at);
      if (!part_.is_all() && !part_.holds(key)) return true;
      if (!*letters_.holds(key)) return false;
      if (auto good = park(at, key, detail::waits_behind(), 0); !good)
        return unexpected(std::move(good).error());
      return true;
    });
  }

  // Everything before the event that failed is in the model.
  cleave::step after_failure(detail::fed const& seen, error why) {
    bool const parks = !in_commit_ && detail::policy_of<P>(failure_policy::stop) == failure_policy::park;
    if (!parks || !seen.failed || seen.touched) {
      progress_.fail(std::move(why));
      return step::failed;
    }
    progress_.advance(position(seen.last.value() - 1));
    if (bad_ != seen.last) {
      bad_ = seen.last;
      schedule_.succeeded();
    }
    auto const now = options_.clock.now();
    if (schedule_.failed(now)) return schedule_.due(now) ? step::worked : step::waiting;
    detail::fed again;
    auto parked = feed_noting({.after = reached(), .limit = 1}, again,
                              [&](envelope const& at) -> result<bool> {
                                auto const& key = detail::key_of(model_, at);
                                if (auto good = park(at, key, why.message(), schedule_.failures()); !good)
                                  return unexpected(std::move(good).error());
                                return true;
                              });
    if (!parked) {
      progress_.fail(detail::parking_failed(P::name, seen.last, std::move(parked).error()));
      return step::failed;
    }
    schedule_.succeeded();
    progress_.advance(seen.last);
    return step::worked;
  }

  result<void> park(envelope const& at, std::string_view key, std::string_view why, unsigned attempts) {
    if (*letters_.count() >= options_.dead_letters)
      return unexpected(make_error(errc::limit_exceeded, "{} dead letters wait, the limit is {}",
                                   *letters_.count(), options_.dead_letters));
    return letters_.park(dead_letter{at.position, std::string(key), std::string(at.name), std::string(why),
                                     attempts, options_.clock.now()});
  }

  // False: it failed again. An error when the model cannot be trusted any more, or the log not be read.
  result<bool> apply_letter(dead_letter const& letter) {
    detail::fed seen;
    auto read = feed_noting(
        {.after = position(letter.position.value() - 1), .limit = 1}, seen,
        [&](envelope const& at) -> result<bool> { return at.position != letter.position; });
    if (read && seen.last != letter.position)
      return unexpected(detail::letter_without_event(P::name, letter.position));
    if (read) return letters_.remove(letter.position);
    if (!seen.failed) return unexpected(std::move(read).error());
    if (seen.touched) {
      progress_.fail(read.error());
      return unexpected(std::move(read).error());
    }
    if (auto noted = letters_.tried(letter.position, read.error().message(), options_.clock.now()); !noted)
      return noted;
    return false;
  }

  result<position> catch_up(position after, std::uint64_t limit) {
    detail::fed seen;
    return feed_all({.after = after, .limit = limit}, seen);
  }

  Store& log_;
  projector_options options_;
  bool in_commit_;
  detail::key_partition part_;
  P empty_;
  P model_;
  position applied_; // inline only: the last event in the model, committed or not
  std::shared_mutex mutex_;
  projection_progress progress_;
  detail::batch_size batch_;
  detail::retry_schedule schedule_;
  std::optional<position> bad_; // the event that failed last
  detail::memory_dead_letters letters_;
};

} // namespace cleave
