// SPDX-License-Identifier: BSL-1.0
// What memory_projector does for every projection: compiled once for each store.
#pragma once

#include <cleave/base/light_lock.hpp>
#include <cleave/query/detail/memory_model.hpp>
#include <cleave/query/memory_dead_letters.hpp>
#include <cleave/query/partition.hpp>

#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>

namespace cleave::detail {

template <class Store> class memory_core {
public:
  projection_progress& progress() noexcept { return progress_; }
  position reached() const noexcept { return progress_.reached(); }
  result<void> wait(at_least wanted) {
    if (in_commit_) {
      while (reached() < wanted.position && step() == step::worked) {
      }
    }
    return wait_for(*this, wanted, options_.threads);
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
      fed seen;
      auto read = apply_batch(before, seen);
      if (!read) return after_failure(seen, std::move(read).error());
      batch_.done(seen.events, options_.clock.now().microseconds() - started.microseconds());
      schedule_.succeeded();
      progress_.advance_in_turn(*read, changes::noted);
      return *read > before ? step::worked : step::idle;
    } catch (...) {
      progress_.fail(current_exception_error("a step of the projector"));
      return step::failed;
    }
  }

  // The dead letters: sink(dead_letter const&) -> bool, false ends it. The sink must not call this object.
  result<void> dead_letters(dead_letter_range const& range, dead_letter_sink sink) {
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
    key_set stuck;
    position after;
    for (;;) {
      std::unique_lock const lock(mutex_);
      if (auto good = readable(); !good) return unexpected(std::move(good).error());
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
                                   "projection {}: a dead letter is discarded with a reason", type_.name));
    std::unique_lock const lock(mutex_);
    auto const found = letters_.discard(at, reason);
    if (!found) return unexpected(found.error());
    if (!*found)
      return unexpected(
          make_error(errc::not_found, "projection {}: no dead letter at position {}", type_.name, at));
    return {};
  }

  // Inline use: open, append with inline_apply for each event, close. Between open and close no query sees the model, so that none
  // sees an event that was not committed.
  void inline_open() {
    mutex_.lock();
    applied_ = reached();
  }
  result<void> inline_apply(unopened_event auto const& found) {
    try {
      // What others have appended past this application comes first.
      if (applied_.next() < found.position()) {
        if (auto read = catch_up(applied_, UINT64_MAX); !read) return unexpected(std::move(read).error());
      }
      if (progress_.notes() || !type_.apply(&found, model_)) [[unlikely]] {
        memory_reader to{model_, &progress_};
        auto const known = visit_stored(found.open(), type_.rows, &to);
        if (!known) return unexpected(known.error());
      }
      applied_ = found.position();
      return {};
    } catch (...) {
      return unexpected(projection_failed(type_.name, found.open().at, current_exception_error("on")));
    }
  }
  // `touched`: inline_apply was called. Without `committed` the append failed: the truth is in the log, so the model is built from it.
  void inline_close(bool touched, std::optional<position> committed) noexcept {
    if (touched && committed) {
      progress_.advance_in_turn(*committed, changes::noted);
    } else if (touched) {
      try {
        type_.assign(model_, empty_);
        if (auto read = catch_up(position(), UINT64_MAX); read) progress_.advance_in_turn(*read);
        else progress_.fail(std::move(read).error());
      } catch (...) {
        progress_.fail(current_exception_error("the copy of a projection"));
      }
    }
    mutex_.unlock();
  }

protected:
  // `type` must outlive it; so must the model, and `empty`, which the model begins as.
  memory_core(Store& log, memory_model const& type, void* model, void const* empty,
              projector_options const& options, bool in_commit, partition part)
      : log_(log),
        type_(type),
        model_(model),
        empty_(empty),
        options_(options),
        in_commit_(in_commit),
        part_(part),
        progress_(type.name),
        batch_(options),
        schedule_(options),
        letters_(type.name) {}
  memory_core(memory_core const&) = delete;
  memory_core& operator=(memory_core const&) = delete;
  ~memory_core() = default;

  // Queries share the model; a batch of the projector waits for them, and they for it.
  std::shared_lock<light_lock> lock_model() { return std::shared_lock(mutex_); }
  // An error for a model that was left half-way by a failed event: it answers nothing any more.
  result<void> readable() {
    if (!progress_.failed()) return {};
    return unexpected(progress_.wait(at_least(position(UINT64_MAX))).error());
  }

private:
  using divert_ref = memory_feed::divert_ref;
  result<position> feed(feed_range const& wanted, fed& seen, divert_ref const* divert) {
    query_item const item{.names = type_.names};
    log_range const range{.after = wanted.after, .limit = wanted.limit, .filter = {{&item, 1}}};
    // Asked once, not for each event, so that a loop over objects in memory calls nothing but `on`.
    memory_feed sink(type_, {model_, progress_.notes() ? &progress_ : nullptr}, wanted.before, divert);
    auto read = log_.read_all(range, sink);
    seen = sink.done();
    if (sink.failed()) return unexpected(*std::move(sink.failed()));
    if (read && sink.ended()) return position(wanted.before.value() - 1);
    return read;
  }
  // use(key) -> result<bool>
  template <class Use> result<bool> with_key(envelope const& at, Use const& use) {
    if (type_.with_key == nullptr) return use(at.stream.text());
    result<bool> done = false;
    type_.with_key(model_, at, [&](std::string_view key) { done = use(key); });
    return done;
  }
  result<position> apply_batch(position after, fed& seen) {
    feed_range const range{.after = after, .limit = batch_.next()};
    if (part_.is_all() && !*letters_.any()) return feed(range, seen, nullptr);
    auto const of_others_or_behind = [&](envelope const& at) {
      return with_key(at, [&](std::string_view key) -> result<bool> {
        if (!part_.is_all() && !part_.holds(key)) return true;
        if (!*letters_.holds(key)) return false;
        if (auto good = park(at, key, waits_behind(), 0); !good) return unexpected(std::move(good).error());
        return true;
      });
    };
    divert_ref const divert = of_others_or_behind;
    return feed(range, seen, &divert);
  }

  // Everything before the event that failed is in the model.
  cleave::step after_failure(fed const& seen, error why) {
    bool const parks = !in_commit_ && type_.on_failure == failure_policy::park;
    if (!parks || !seen.failed || seen.touched) {
      progress_.fail(std::move(why));
      return step::failed;
    }
    progress_.advance_in_turn(position(seen.last.value() - 1));
    if (bad_ != seen.last) {
      bad_ = seen.last;
      schedule_.succeeded();
    }
    auto const now = options_.clock.now();
    if (schedule_.failed(now)) return schedule_.due(now) ? step::worked : step::waiting;
    fed again;
    auto const parking = [&](envelope const& at) {
      return with_key(at, [&](std::string_view key) -> result<bool> {
        if (auto good = park(at, key, why.message(), schedule_.failures()); !good)
          return unexpected(std::move(good).error());
        return true;
      });
    };
    divert_ref const divert = parking;
    auto parked = feed({.after = reached(), .limit = 1}, again, &divert);
    if (!parked) {
      progress_.fail(parking_failed(type_.name, seen.last, std::move(parked).error()));
      return step::failed;
    }
    schedule_.succeeded();
    progress_.advance_in_turn(seen.last);
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
    fed seen;
    auto const others = [&](envelope const& at) -> result<bool> { return at.position != letter.position; };
    divert_ref const divert = others;
    auto read = feed({.after = position(letter.position.value() - 1), .limit = 1}, seen, &divert);
    if (read && seen.last != letter.position)
      return unexpected(letter_without_event(type_.name, letter.position));
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
    fed seen;
    return feed({.after = after, .limit = limit}, seen, nullptr);
  }

  Store& log_;
  memory_model const& type_;
  void* model_;
  void const* empty_;
  projector_options options_;
  bool in_commit_;
  partition part_;
  position applied_; // inline only: the last event in the model, committed or not
  light_lock mutex_;
  projection_progress progress_;
  batch_size batch_;
  retry_schedule schedule_;
  std::optional<position> bad_; // the event that failed last
  memory_dead_letters letters_;
};

} // namespace cleave::detail
