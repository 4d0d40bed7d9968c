// SPDX-License-Identifier: BSL-1.0
// The loop that feeds a read model in a read store from the log.
#pragma once

#include <cleave/query/lease_guard.hpp>
#include <cleave/query/letter_parking.hpp>
#include <cleave/query/letter_retry.hpp>
#include <cleave/query/projector.hpp>
#include <cleave/query/read_store.hpp>
#include <cleave/query/stored_model.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace cleave {

// What one step takes at the most.
struct step_bounds {
  std::uint64_t events = UINT64_MAX;      // 1 or more
  position before = position(UINT64_MAX); // the first position that is left alone
  bool without_lease = false; // also where another process holds the lease: the transactions keep it right
};

// Owns one projection of the stored form. Rows and checkpoint are committed together, so that each event takes effect exactly once,
// whatever ends the process. Any thread, all functions: steps take turns.
//
// An event that fails in a batch is tried by itself, behind all that stands before it, as often as the options say; then the
// policy applies. What is parked is stored together with the checkpoint, as effects are. When the dead letters themselves cannot
// be read or written, the projection stops.
//
// With options.lease_us only the process that holds the lease applies events; the others look at its progress, which their queries
// see, and take over when the lease has run out. A retry of dead letters needs no lease, nor do the last events before versions of
// a projection change places: the transactions keep it right.
template <class P, class Store, read_store ReadStore>
class stored_projector : public detail::stored_model<P, ReadStore> {
  using model = detail::stored_model<P, ReadStore>;
  using session = typename ReadStore::session;

public:
  stored_projector(Store& log, ReadStore& rows, P projection, projector_options const& options)
      : stored_projector(log, rows, std::move(projection), options,
                         detail::policy_of<P>(options.on_failure)) {}
  // `part`: it applies the events of these keys alone, and passes over the others.
  stored_projector(Store& log, ReadStore& rows, P projection, projector_options const& options,
                   failure_policy policy, partition const& part = {})
      : model(rows, std::move(projection), part),
        log_(log),
        options_(options),
        policy_(policy),
        progress_(P::name),
        batch_(options),
        schedule_(options),
        parking_(log, projection_, options_, part),
        lease_(rows, options_) {}
  stored_projector(stored_projector const&) = delete;
  stored_projector& operator=(stored_projector const&) = delete;
  ~stored_projector() { lease_.release(); }

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
  cleave::step step(step_bounds const& bounds = {}) noexcept {
    // Without threads every waiting query steps what it waits for, and several may wait at once.
    std::scoped_lock const lock(stepping_);
    bounds_ = bounds;
    if (progress_.failed()) return step::failed;
    try {
      if (!schedule_.due(options_.clock.now())) return step::waiting;
      auto const before = reached();
      if (!bounds.without_lease) {
        if (auto const ours = lease_.in_reach(); !ours) return after_failure(ours.error());
        else if (!*ours) return stand_by();
      }
      bool const first = !stored_;
      auto reached_now = attempt();
      if (!reached_now) return after_failure(std::move(reached_now).error());
      if (!bad_ || *reached_now >= *bad_) {
        bad_.reset();
        schedule_.succeeded();
      }
      if (careful_ > 0) --careful_;
      handled_ += fed_.events - fed_.passed;
      progress_.advance(*reached_now, first ? changes::unknown : changes::noted);
      return first || *reached_now > before ? step::worked : step::idle;
    } catch (...) {
      progress_.fail(detail::current_exception_error("a step of the projector"));
      return step::failed;
    }
  }

  // How many events of its own were handed to the projection, or parked, and committed, since this object was made.
  std::uint64_t handled() {
    std::scoped_lock const lock(stepping_);
    return handled_;
  }
  // A transaction in place of a batch: fill(session, reached) -> result<void> is called where the checkpoint becomes what is reached.
  // errc::version_conflict when another process has moved it meanwhile. It needs no lease.
  template <class Fill> result<void> in_place(Fill&& fill) {
    std::scoped_lock const lock(stepping_);
    bounds_ = {.without_lease = true};
    auto const stored = attach();
    if (!stored) return unexpected(stored.error());
    auto const to = std::max(*stored, reached());
    auto done = in_transaction([&](session& in) -> result<position> {
      if (auto good = fill(in, to); !good) return unexpected(std::move(good).error());
      return to;
    });
    if (done) stored_ = to;
    else stored_.reset();
    return done;
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
      progress_.rewritten(); // also when it failed: what was applied before stays applied
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
  using model::part_;
  using model::projection_;
  using model::rows_;

  // The stored checkpoint.
  result<position> attach() {
    if (stored_) return *stored_;
    auto found = rows_.checkpoint(P::name);
    if (!found) return found;
    tried_at_ = *found;
    if (!created_) {
      if (auto good = this->create(*found); !good) return unexpected(std::move(good).error());
      created_ = true;
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
    if (!ours->found || ours->at >= bounds_.before) {
      position const last(bounds_.before.value() - 1);
      return pass_over(after, std::max(after, std::min(ours->at, last)));
    }
    // What is passed over before it is not read again.
    detail::feed_range range{.after = std::max(after, position(ours->at.value() - 1)),
                             .limit = std::min(bounds_.events, careful_ > 0 ? 1 : batch_.next()),
                             .before = bounds_.before};
    if (bad_ && *bad_ > ours->at) range.before = std::min(*bad_, range.before);
    if (bad_ && *bad_ == ours->at) range.limit = 1;
    auto const started = options_.clock.now();
    position to = after;
    auto applied = in_transaction([&](session& in) -> result<position> {
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
      progress_.note(projection_, event, at);
      auto done = detail::apply_to_session(projection_, event, at, in);
      if (done) options_.on_step("event");
      return done;
    };
    auto read = parking_.feed_around(range, in, fed_, apply);
    if (read) options_.on_step("applied");
    return read;
  }

  struct found_event {
    bool found;
    position at; // of the event; where there is none, up to here
  };
  // A part looks at so many events of the other parts as a batch may have.
  result<found_event> first_of_ours(position after) {
    query_item const item{.names = stored_names<typename P::events>};
    bool found = false;
    auto read = log_.read_all(
        log_range{.after = after, .limit = part_.is_all() ? 1 : options_.batch, .filter = {{&item, 1}}},
        [&](recorded_event const& next) {
          found = part_.is_all() || part_.holds(detail::key_of(projection_, next.at));
          return !found;
        });
    if (!read) return unexpected(std::move(read).error());
    return found_event{found, *read};
  }

  // Where no event of this projection waits, the end is reached without a transaction; only now and then is that stored, and
  // the lease renewed.
  result<position> pass_over(position after, position end) {
    if (!lease_.due() && (end == after || end.value() - stored_->value() < skipped_between_checkpoints))
      return end;
    auto saved = in_transaction([&](session&) -> result<position> { return end; });
    if (!saved) return unexpected(std::move(saved).error());
    stored_ = end;
    return end;
  }

  // Another projector, perhaps in another process, may have moved the checkpoint: look again. A conflict at the checkpoint of the
  // one before was no race, because nobody has moved it in between.
  bool overtaken(error const& why) {
    if (why.code() != errc::version_conflict || conflict_at_ == tried_at_) return false;
    conflict_at_ = tried_at_;
    parking_.forget();
    return true;
  }

  cleave::step after_failure(error why) {
    if (lease_.lost()) return stand_by();
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
    if (lease_.lost()) return stand_by();
    stored_.reset();
    if (overtaken(parked.error())) return step::worked;
    progress_.fail(detail::parking_failed(P::name, at, std::move(parked).error()));
    return step::failed;
  }

  // The event's dead letter and the checkpoint behind it, in one transaction.
  result<void> store_letter(position at, error const& why) {
    return in_transaction([&](session& in) -> result<position> {
      options_.on_step("begun");
      if (auto good = parking_.park_event(at, why, schedule_.failures(), in); !good)
        return unexpected(std::move(good).error());
      options_.on_step("applied");
      return at;
    });
  }

  // fill(session) -> result<position> in a transaction of the read store that is refused to one who has lost the lease.
  template <class Fill> result<void> in_transaction(Fill&& fill) {
    auto done = rows_.apply(P::name, *stored_, [&](session& in) -> result<position> {
      if (!bounds_.without_lease) {
        if (auto ours = lease_.hold(in); !ours) return unexpected(std::move(ours).error());
      }
      return fill(in);
    });
    if (done && !bounds_.without_lease) lease_.committed();
    return done;
  }
  // Another process runs the projection: what it has reached is what queries here may see.
  cleave::step stand_by() {
    stored_.reset();
    bad_.reset();
    careful_ = 0;
    schedule_.succeeded();
    parking_.forget();
    lease_.stand_by();
    if (auto const found = rows_.checkpoint(P::name)) progress_.advance(*found);
    return step::waiting;
  }
  static constexpr std::uint64_t skipped_between_checkpoints = 10'000;

  Store& log_;
  projector_options options_;
  failure_policy policy_;
  projection_progress progress_;
  std::mutex stepping_; // guards what follows, and the projection while it applies events
  step_bounds bounds_;  // of the step under way
  std::uint64_t handled_ = 0;
  bool created_ = false;
  std::optional<position> stored_;      // the checkpoint in the read store, once it is known
  position tried_at_;                   // the checkpoint as it was found last
  std::optional<position> conflict_at_; // the same at the last version_conflict
  detail::batch_size batch_;
  detail::retry_schedule schedule_;
  detail::fed fed_;             // of the last attempt
  std::optional<position> bad_; // the event that has failed
  std::uint64_t careful_ = 0;   // so many more batches have one event
  detail::letter_parking<P, Store, ReadStore> parking_;
  detail::lease_guard<P, ReadStore> lease_;
};

} // namespace cleave
