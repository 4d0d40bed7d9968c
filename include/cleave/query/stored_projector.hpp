// SPDX-License-Identifier: BSL-1.0
// A read model in a read store, the loop that feeds it from the log, and the answers from it.
#pragma once

#include <cleave/query/letter_retry.hpp>
#include <cleave/query/projector.hpp>
#include <cleave/query/read_store.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace cleave {

// Owns one projection of the stored form. Rows and checkpoint are committed together, so that each event takes effect exactly once,
// whatever ends the process. Any thread, all functions: steps take turns.
//
// An event that fails in a batch is tried by itself, behind all that stands before it, as often as the options say; then the
// policy applies. What is parked is stored together with the checkpoint, as effects are. When the dead letters themselves cannot
// be read or written, the projection stops.
template <class P, class Store, read_store ReadStore> class stored_projector {
  using session = typename ReadStore::session;
  static_assert(detail::checked_stored_projection<P, session>);

public:
  using projection_type = P;
  using queries = detail::queries_of<P>;

  stored_projector(Store& log, ReadStore& rows, P projection, projector_options const& options)
      : stored_projector(log, rows, std::move(projection), options,
                         detail::policy_of<P>(options.on_failure)) {}
  stored_projector(Store& log, ReadStore& rows, P projection, projector_options const& options,
                   failure_policy policy)
      : log_(log),
        rows_(rows),
        projection_(std::move(projection)),
        options_(options),
        policy_(policy),
        progress_(P::name),
        batch_(options),
        schedule_(options) {}

  projection_progress& progress() noexcept { return progress_; }
  position reached() const noexcept { return progress_.reached(); }
  result<void> wait(at_least wanted) { return detail::wait_for(*this, wanted, options_.threads); }

  // Creates the tables and reads the checkpoint, so that a query finds something to ask even before the first step. Called once,
  // before any step; what fails here is tried again, and told, by the first step.
  void prepare() noexcept {
    std::scoped_lock const lock(stepping_);
    if (auto const found = attach()) progress_.advance(*found);
  }

  // Each step applies one batch; the first one does what prepare() could not.
  cleave::step step() noexcept {
    // Without threads every waiting query steps what it waits for, and several may wait at once.
    std::scoped_lock const lock(stepping_);
    if (progress_.failed()) return step::failed;
    try {
      if (!schedule_.due(options_.clock.now())) return step::waiting;
      auto const before = reached();
      bool const first = !stored_;
      auto reached_now = attempt();
      if (!reached_now) return after_failure(std::move(reached_now).error());
      if (!bad_ || *reached_now >= *bad_) {
        bad_.reset();
        schedule_.succeeded();
      }
      if (careful_ > 0) --careful_;
      progress_.advance(*reached_now);
      return first || *reached_now > before ? step::worked : step::idle;
    } catch (...) {
      progress_.fail(detail::current_exception_error("a step of the projector"));
      return step::failed;
    }
  }

  // The answer as of one snapshot of the read store.
  template <class Q> result<typename Q::result_type> answer(Q const& q) const {
    std::optional<result<typename Q::result_type>> answered;
    auto asked = rows_.read([&](session& in) -> result<void> {
      answered.emplace(projection_.answer(q, in));
      return {};
    });
    if (!asked) return unexpected(std::move(asked).error());
    return std::move(*answered);
  }

  // The dead letters, as of one snapshot: sink(dead_letter const&) -> bool, false ends it.
  result<void> dead_letters(dead_letter_range const& range, detail::dead_letter_sink sink) const
    requires keeps_dead_letters<ReadStore>
  {
    return rows_.read([&](session& in) -> result<void> {
      typename ReadStore::dead_letters letters(in, P::name);
      return letters.list(range, sink);
    });
  }
  // Applies the dead letters of one key, or of all, again, in order of position: effect and removal of each in one transaction, many
  // letters in one, steps of the projector between two. It ends when it has met all that waits, those parked meanwhile too. An
  // error is trouble of the machine; what was applied before stays applied.
  result<retried> retry(std::optional<std::string_view> key = {})
    requires keeps_dead_letters<ReadStore>
  {
    detail::letter_retry<P, Store, ReadStore> again(log_, rows_, projection_, options_, key);
    for (;;) {
      std::scoped_lock const lock(stepping_);
      auto const more = again.pass();
      if (!more) return unexpected(more.error());
      if (!*more) return again.done();
    }
  }
  // The dead letter at this position is never applied; it is kept with the reason, which is not empty. Those behind it wait for a
  // retry. errc::not_found when none waits there.
  result<void> discard(position at, std::string_view reason)
    requires keeps_dead_letters<ReadStore>
  {
    if (reason.empty())
      return unexpected(make_error(errc::invalid_argument,
                                   "projection {}: a dead letter is discarded with a reason", P::name));
    std::scoped_lock const lock(stepping_);
    auto const checkpoint = rows_.checkpoint(P::name);
    if (!checkpoint) return unexpected(checkpoint.error());
    return rows_.apply(P::name, *checkpoint, [&](session& in) -> result<position> {
      typename ReadStore::dead_letters letters(in, P::name);
      auto const found = letters.discard(at, reason);
      if (!found) return unexpected(found.error());
      if (!*found)
        return unexpected(
            make_error(errc::not_found, "projection {}: no dead letter at position {}", P::name, at));
      return *checkpoint;
    });
  }

private:
  // The stored checkpoint.
  result<position> attach() {
    if (stored_) return *stored_;
    auto found = rows_.checkpoint(P::name);
    if (!found) return found;
    tried_at_ = *found;
    if constexpr (requires(session& in) { projection_.create(in); }) {
      if (!created_) {
        auto created = rows_.apply(P::name, *found, [&](session& in) -> result<position> {
          if constexpr (std::is_void_v<decltype(projection_.create(in))>) {
            projection_.create(in);
          } else {
            if (auto done = projection_.create(in); !done) return unexpected(std::move(done).error());
          }
          return *found;
        });
        if (!created) return unexpected(std::move(created).error());
        created_ = true;
      }
    }
    stored_ = *found;
    return found;
  }

  result<position> attempt() {
    fed_ = {};
    try {
      auto const after = attach();
      if (!after) return after;
      return advance(std::max(*after, reached()));
    } catch (...) {
      return unexpected(detail::current_exception_error("a step of the projector"));
    }
  }

  result<position> advance(position after) {
    options_.on_step("read");
    auto const ours = first_of_ours(after);
    if (!ours) return unexpected(ours.error());
    if (!ours->found) return pass_over(after, ours->at);
    detail::feed_range range{.after = after, .limit = careful_ > 0 ? 1 : batch_.next()};
    if (bad_ && *bad_ > ours->at) range.before = *bad_;
    if (bad_ && *bad_ == ours->at) range.limit = 1;
    auto const started = options_.clock.now();
    position to = after;
    auto applied = rows_.apply(P::name, *stored_, [&](session& in) -> result<position> {
      auto read = fill(range, in);
      if (read) to = *read;
      return read;
    });
    if (!applied) return unexpected(std::move(applied).error());
    stored_ = to;
    options_.on_step("committed");
    if (range.limit > 1)
      batch_.done(fed_.events, options_.clock.now().microseconds() - started.microseconds());
    return to;
  }

  // In the transaction. It may be called a second time: nothing of the first is left then.
  result<position> fill(detail::feed_range const& range, session& in) {
    fed_ = {};
    options_.on_step("begun");
    auto const apply = [&](auto const& event, envelope const& at) {
      auto done = detail::apply_to_session(projection_, event, at, in);
      if (done) options_.on_step("event");
      return done;
    };
    auto const feed_all = [&](auto&& divert) {
      auto read = detail::feed<P>(log_, range, fed_, divert, apply);
      if (read) options_.on_step("applied");
      return read;
    };
    if constexpr (keeps_dead_letters<ReadStore>) {
      typename ReadStore::dead_letters letters(in, P::name);
      result<bool> const any = letters.any();
      if (!any) return unexpected(any.error());
      if (*any) {
        return feed_all([&](envelope const& at) -> result<bool> {
          auto const& key = detail::key_of(projection_, at);
          auto held = letters.holds(key);
          if (!held || !*held) return held;
          if (auto parked = park(letters, at, key, detail::waits_behind(), 0); !parked)
            return unexpected(std::move(parked).error());
          return true;
        });
      }
    }
    return feed_all([](envelope const&) -> result<bool> { return false; });
  }

  struct found_event {
    bool found;
    position at; // of the event; the log's end where there is none
  };
  result<found_event> first_of_ours(position after) {
    query_item const item{.names = stored_names<typename P::events>};
    bool found = false;
    auto read = log_.read_all(log_range{.after = after, .limit = 1, .filter = {{&item, 1}}},
                              [&](recorded_event const&) {
                                found = true;
                                return false;
                              });
    if (!read) return unexpected(std::move(read).error());
    return found_event{found, *read};
  }

  // When no event of this projection waits, the log's end is reached without a transaction; only now and then is that stored.
  result<position> pass_over(position after, position end) {
    if (end == after || end.value() - stored_->value() < skipped_between_checkpoints) return end;
    auto saved = rows_.apply(P::name, *stored_, [&](session&) -> result<position> { return end; });
    if (!saved) return unexpected(std::move(saved).error());
    stored_ = end;
    return end;
  }

  // Another projector, perhaps in another process, may have moved the checkpoint: look again. A conflict at the checkpoint of the
  // one before was no race, because nobody has moved it in between.
  bool overtaken(error const& why) {
    if (why.code() != errc::version_conflict || conflict_at_ == tried_at_) return false;
    conflict_at_ = tried_at_;
    letters_.reset();
    return true;
  }

  cleave::step after_failure(error why) {
    stored_.reset();
    if (overtaken(why)) return step::worked;
    bool const of_events = !fed_.diverting && fed_.events > 0 && !detail::is_machine_trouble(why);
    bool const of_one = of_events && (fed_.failed || fed_.events == 1);
    // From here the batches end before the one that fails, so that everything up to there is applied; then it is tried by itself.
    if (of_one && bad_ != fed_.last) {
      bad_ = fed_.last;
      return step::worked;
    }
    // What was refused is the whole batch (a constraint that is checked at the end): event by event, to find the one.
    if (of_events && !of_one && careful_ == 0) {
      careful_ = fed_.events;
      return step::worked;
    }
    if (schedule_.failed(options_.clock.now()))
      return schedule_.due(options_.clock.now()) ? step::worked : step::waiting;
    if (of_one && policy_ == failure_policy::park) return park_bad(why);
    progress_.fail(std::move(why));
    return step::failed;
  }

  cleave::step park_bad(error const& why) {
    auto const at = *bad_;
    auto const found = attach();
    // Somebody else has dealt with it.
    if (found && *found >= at) return step::worked;
    auto parked = found ? store_letter(at, why) : result<void>(unexpected(found.error()));
    if (parked) {
      bad_.reset();
      schedule_.succeeded();
      if (careful_ > 0) --careful_;
      stored_ = at;
      options_.on_step("committed");
      progress_.advance(at);
      return step::worked;
    }
    stored_.reset();
    if (overtaken(parked.error())) return step::worked;
    progress_.fail(detail::parking_failed(P::name, at, std::move(parked).error()));
    return step::failed;
  }

  // The event's dead letter and the checkpoint behind it, in one transaction.
  result<void> store_letter(position at, error const& why) {
    if constexpr (!keeps_dead_letters<ReadStore>) {
      static_cast<void>(at);
      return unexpected(error(errc::unsupported, "the read store keeps no dead letters", why));
    } else {
      return rows_.apply(P::name, *stored_, [&](session& in) -> result<position> {
        options_.on_step("begun");
        typename ReadStore::dead_letters letters(in, P::name);
        detail::fed seen;
        auto read = detail::feed<P>(
            log_, {.after = position(at.value() - 1), .limit = 1}, seen,
            [&](envelope const& of) -> result<bool> {
              auto const& key = detail::key_of(projection_, of);
              if (auto good = park(letters, of, key, why.message(), schedule_.failures()); !good)
                return unexpected(std::move(good).error());
              return true;
            },
            [](auto const&, envelope const&) -> result<void> { return {}; });
        if (!read) return unexpected(std::move(read).error());
        if (seen.last != at) return unexpected(detail::letter_without_event(P::name, at));
        options_.on_step("applied");
        return at;
      });
    }
  }

  template <class Letters>
  result<void> park(Letters& letters, envelope const& at, std::string_view key, std::string_view why,
                    unsigned attempts) {
    // What is known is never less than what waits, unless another projector was here: a retry only takes away.
    if (!letters_ || *letters_ >= options_.dead_letters) {
      auto const waiting = letters.count();
      if (!waiting) return unexpected(waiting.error());
      letters_ = *waiting;
      if (*waiting >= options_.dead_letters)
        return unexpected(make_error(errc::limit_exceeded, "{} dead letters wait, the limit is {}", *waiting,
                                     options_.dead_letters));
    }
    auto done = letters.park(dead_letter{at.position, std::string(key), std::string(at.name),
                                         std::string(why), attempts, options_.clock.now()});
    if (!done) return done;
    ++*letters_;
    options_.on_step("parked");
    return done;
  }

  static constexpr std::uint64_t skipped_between_checkpoints = 10'000;

  Store& log_;
  ReadStore& rows_;
  P projection_;
  projector_options options_;
  failure_policy policy_;
  projection_progress progress_;
  std::mutex stepping_; // guards what follows, and the projection while it applies events
  bool created_ = false;
  std::optional<position> stored_;      // the checkpoint in the read store, once it is known
  position tried_at_;                   // the checkpoint as it was found last
  std::optional<position> conflict_at_; // the same at the last version_conflict
  detail::batch_size batch_;
  detail::retry_schedule schedule_;
  detail::fed fed_;                      // of the last attempt
  std::optional<position> bad_;          // the event that has failed
  std::uint64_t careful_ = 0;            // so many more batches have one event
  std::optional<std::uint64_t> letters_; // at most so many dead letters wait; nothing: not known
};

} // namespace cleave
