// SPDX-License-Identifier: BSL-1.0
// Applying the dead letters of a stored projection again, in order.
#pragma once

#include <cleave/query/memory_dead_letters.hpp>
#include <cleave/query/projector.hpp>
#include <cleave/query/read_store.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cleave::detail {

// `on` may return nothing or result<void>.
template <class P, class E, class Session>
result<void> apply_to_session(P& projection, E const& event, envelope const& at, Session& in) {
  if constexpr (std::is_void_v<decltype(projection.on(event, at, in))>) {
    projection.on(event, at, in);
    return {};
  } else {
    return projection.on(event, at, in);
  }
}

// Goes through the letters that wait, in order of position. One pass() is one transaction: effect and removal of at most `batch`
// letters. A letter that fails keeps its place, and all of its key are left alone from there. A letter is taken in the
// transaction that shows it, so that two who retry at once apply it once.
template <class P, class Store, read_store ReadStore> class letter_retry {
  using session = typename ReadStore::session;
  using letters = typename ReadStore::dead_letters;

public:
  letter_retry(Store& log, ReadStore& rows, P& projection, projector_options const& options,
               std::optional<std::string_view> key)
      : log_(log), rows_(rows), projection_(projection), options_(options), key_(key) {}

  retried const& done() const noexcept { return done_; }

  // True: there may be more. The caller makes sure that no step of the projector runs meanwhile.
  result<bool> pass() {
    auto const checkpoint = rows_.checkpoint(P::name);
    if (!checkpoint) return unexpected(checkpoint.error());
    auto const applied = rows_.apply(P::name, *checkpoint, [&](session& in) -> result<position> {
      options_.on_step("begun");
      failed_.reset();
      if (auto good = take(in); !good) return unexpected(std::move(good).error());
      options_.on_step("applied");
      return *checkpoint;
    });
    if (applied) {
      options_.on_step("committed");
      after_ = last_;
      done_.applied += count_;
      before_ = position(UINT64_MAX);
      if (failing_) return note_failure(*checkpoint);
      return more_;
    }
    // Another process has moved the checkpoint meanwhile: its letters are read anew.
    if (!failed_ && applied.error().code() == errc::version_conflict && ++races_ < most_races) return true;
    if (!failed_ || is_machine_trouble(applied.error())) return unexpected(applied.error());
    // Those before it once more without it; it is marked behind them.
    failing_ = failed_->position;
    failing_key_ = failed_->key;
    failure_ = applied.error().message();
    before_ = failed_->position;
    return true;
  }

private:
  static constexpr int most_races = 100;

  result<void> take(session& in) {
    letters table(in, P::name);
    std::vector<dead_letter> found;
    auto listed = table.list({.after = after_, .limit = options_.batch, .key = key_},
                             [&](dead_letter const& letter) {
                               found.push_back(letter);
                               return true;
                             });
    if (!listed) return listed;
    more_ = !found.empty();
    last_ = after_;
    count_ = 0;
    for (dead_letter const& letter : found) {
      if (letter.position >= before_) break;
      last_ = letter.position;
      if (stuck_.contains(letter.key)) continue;
      if (auto good = apply(letter, in); !good) {
        failed_ = letter;
        return good;
      }
      auto const removed = table.remove(letter.position);
      if (!removed) return unexpected(removed.error());
      ++count_;
      options_.on_step("event");
    }
    return {};
  }

  result<void> apply(dead_letter const& letter, session& in) {
    fed seen;
    auto read = feed<P>(
        log_, {.after = position(letter.position.value() - 1), .limit = 1}, seen,
        [&](envelope const& at) -> result<bool> { return at.position != letter.position; },
        [&](auto const& event, envelope const& at) { return apply_to_session(projection_, event, at, in); });
    if (!read) return unexpected(std::move(read).error());
    if (seen.last != letter.position) return unexpected(letter_without_event(P::name, letter.position));
    return {};
  }

  result<bool> note_failure(position checkpoint) {
    auto const at = *failing_;
    failing_.reset();
    auto noted = rows_.apply(P::name, checkpoint, [&](session& in) -> result<position> {
      letters table(in, P::name);
      auto const kept = table.tried(at, failure_, options_.clock.now());
      if (!kept) return unexpected(kept.error());
      return checkpoint;
    });
    if (!noted && noted.error().code() != errc::version_conflict) return unexpected(noted.error());
    stuck_.insert(failing_key_);
    ++done_.failed;
    after_ = at;
    return true;
  }

  Store& log_;
  ReadStore& rows_;
  P& projection_;
  projector_options const& options_;
  std::optional<std::string_view> key_;
  retried done_;
  position after_;              // looked at up to here
  position before_{UINT64_MAX}; // the pass ends before this one, which fails
  position last_;               // looked at in this pass
  std::uint64_t count_ = 0;     // applied in this pass
  bool more_ = false;           // letters were found in this pass
  int races_ = 0;
  std::optional<dead_letter> failed_; // in this pass
  std::optional<position> failing_;   // to be marked
  std::string failing_key_;
  std::string failure_;
  key_set stuck_; // keys that have failed
};

} // namespace cleave::detail
