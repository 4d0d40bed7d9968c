// SPDX-License-Identifier: BSL-1.0
// A stored read model that can be built anew beside the one that answers: while commands and queries go on, its next version is filled
// from the log, compared with the live one, and switched to; back, if need be; and the old one is dropped.
//
//   struct revenue    { static constexpr std::string_view name = "revenue.v1"; ... };       // both: stored projections that
//   struct revenue_v2 { static constexpr std::string_view name = "revenue.v2";              // answer the same queries
//                       static constexpr std::array<std::string_view, 1> tables = {"revenue_v2"}; ... };
//   cleave::application shop{log, cleave::rebuildable_projection<revenue, revenue_v2>(rows), ...};
//   auto& versions = shop.projector<revenue>();
//   versions.begin(); ... versions.status() ... versions.compare(); versions.switch_over(); versions.drop();
// Each of these may be called in any process, whichever one runs it. By several workers: partitioned_rebuildable_projector.hpp.
//
// Which version is active, and which stands beside it, is one row of the read store: every query reads it in its own snapshot. Two that
// take turns are enough for ever: what was dropped can be built anew under its old name.
//
// Why no query goes backwards. A switch is one transaction, which is refused unless the other version has applied all that the active
// one has stored by then, and all that this process has shown. Another process that finds the row changed first brings the new
// version to what it has shown itself. Both versions follow the log until one is dropped, so the way back is the same.
#pragma once

#include <cleave/query/rebuild.hpp>
#include <cleave/query/version_builds.hpp>
#include <cleave/query/version_clearing.hpp>
#include <cleave/query/version_rows.hpp>
#include <cleave/query/version_swap.hpp>

#include <algorithm>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace cleave {

// Live: the version that is active where nothing is stored. Any thread, all functions: steps and changes take turns, queries do not wait for them.
template <class Live, class Next, class Store, read_store ReadStore> class rebuildable_projector {
  static_assert(detail::checked_versions<Live, Next>::value &&
                detail::checked_version_store<ReadStore>::value);

  using session = typename ReadStore::session;
  using builds = detail::version_builds<Live, Next, Store, ReadStore>;
  static constexpr std::string_view stem = builds::stem;

public:
  using projection_type = Live;
  using queries = detail::queries_of<Live>;

  rebuildable_projector(Store& log, ReadStore& rows, projector_options const& options,
                        rebuild_options const& rebuild)
      : rebuildable_projector(log, rows, options, rebuild, {&rows, {}, nullptr}) {}
  // One part of a projection that is divided.
  rebuildable_projector(Store& log, ReadStore& rows, projector_options const& options,
                        rebuild_options const& rebuild, detail::part_of_rebuild<ReadStore> const& whole)
      : log_(log),
        rows_(rows),
        options_(options),
        rebuild_(rebuild),
        progress_(stem),
        alone_(rebuild.events_per_second, 1),
        crew_(whole.crew != nullptr ? *whole.crew : alone_),
        schedule_(options),
        versions_(*whole.first, rows, whole.part),
        builds_(log, rows, progress_, whole.part),
        clearing_(rows, options_, rebuild) {}

  projection_progress& progress() noexcept { return progress_; }
  position reached() const noexcept { return progress_.reached(); }
  result<void> wait(at_least wanted) {
    if (!options_.threads) {
      // Of what stands beside nobody waits for anything.
      std::scoped_lock const lock(stepping_);
      while (reached() < wanted.position && refresh() && step_active() == step::worked) {
      }
      wanted.timeout_us = 0;
    }
    return progress_.wait(wanted);
  }

  // Finds out which version is active, and makes its tables; called once, before any step.
  void prepare() noexcept {
    std::scoped_lock const lock(stepping_);
    try {
      if (!refresh()) return;
      builds_.with(builds_.active(), [&](auto& projector) {
        projector.prepare();
        progress_.advance(projector.reached());
      });
    } catch (...) {
      return; // the first step tells
    }
  }

  // A batch of the active version, and one of what stands beside it, or a piece of what is to be removed. Where the active one has stopped, which progress() tells, the
  // steps are still for what is to take its place.
  cleave::step step() noexcept {
    std::scoped_lock const lock(stepping_);
    try {
      if (!schedule_.due(options_.clock.now())) return step::waiting;
      if (auto known = refresh(); !known) {
        if (schedule_.failed(options_.clock.now())) return step::waiting;
        progress_.fail(std::move(known).error());
        return step::failed;
      }
      schedule_.succeeded();
      auto const live = step_active();
      auto const other = row_.clearing.empty() ? step_beside() : clearing_.step(row_, 1 - builds_.active());
      if (live == step::worked || other == step::worked) return step::worked;
      // Where the active version has stopped, another one may be built, and take its place.
      return live == step::failed ? step::waiting : live;
    } catch (...) {
      progress_.fail(detail::current_exception_error("a step of the projector"));
      return step::failed;
    }
  }

  // The answer of the active version, as of one snapshot of the read store.
  template <class Q> result<typename Q::result_type> answer(Q const& q) {
    detail::answered_by by;
    return answer(q, by);
  }
  // The same, and whose it is.
  template <class Q> result<typename Q::result_type> answer(Q const& q, detail::answered_by& by) {
    for (int tries = 0; tries < most_tries; ++tries) {
      // Before the snapshot: what was known to be active has reached what was shown until now.
      auto const known = builds_.active();
      std::optional<result<typename Q::result_type>> answered;
      auto asked = rows_.read([&](session& in) -> result<void> {
        auto const row = versions_.answering(in);
        if (!row) return unexpected(row.error());
        if (!*row || (*row)->active != builds::name_of(known)) return {};
        by = {known, (*row)->active_build};
        if (known == 0) answered.emplace(live_.answer(q, in));
        else answered.emplace(next_.answer(q, in));
        return {};
      });
      if (!asked) return unexpected(std::move(asked).error());
      if (answered) return std::move(*answered);
      std::scoped_lock const lock(stepping_);
      if (auto changed = refresh(); !changed) return unexpected(std::move(changed).error());
    }
    return unexpected(
        make_error(errc::busy, "projection {}: switched {} times during one query", stem, most_tries));
  }

  // Begins to build the other version, from nothing, with tables made anew; steps go on with it, after a restart too. What was left
  // under its name is removed before. errc::already_exists when one stands beside already.
  result<void> begin() {
    std::scoped_lock const lock(stepping_);
    if (auto known = refresh(); !known) return known;
    if (!row_.beside.empty())
      return unexpected(make_error(errc::already_exists, "projection {}: {} stands beside {} already", stem,
                                   row_.beside, row_.active));
    auto const other = 1 - builds_.active();
    auto begun = row_;
    begun.beside = builds::name_of(other);
    begun.beside_build = std::max(row_.active_build, row_.beside_build) + 1;
    begun.switched = false;
    if (auto done = clearing_.begin(row_, begun, other); !done) return done;
    return refresh();
  }

  // Learns what another part, or another process, has decided; each step does.
  result<void> follow() {
    std::scoped_lock const lock(stepping_);
    return refresh();
  }

  // How far it is. Waits for a step under way.
  rebuild_status status() {
    std::scoped_lock const lock(stepping_);
    rebuild_status out;
    static_cast<void>(refresh().has_value()); // without it: what was known last
    auto const active = builds_.active();
    out.active = row_.active.empty() ? std::string(builds::name_of(active)) : row_.active;
    if (row_.beside.empty() && !row_.clearing.empty()) {
      out.stage = rebuild_stage::clearing;
      out.beside = row_.clearing;
      out.failure = clearing_.failure();
    }
    if (row_.beside != builds::name_of(1 - active)) return out;
    out.beside = row_.beside;
    out.stage = row_.switched ? rebuild_stage::switched : rebuild_stage::building;
    out.failure = clearing_.failure();
    if (has_beside()) {
      if (caught_up_ && !row_.switched) out.stage = rebuild_stage::ready;
      builds_.with(1 - active, [&](auto& projector) {
        out.failure = projector.progress().status().failure;
        out.events_done = projector.reached().value();
      });
    }
    out.events_total = log_.head().value_or(position()).value();
    out.events_per_second = meter_.per_second();
    detail::tell_what_is_left(out);
    return out;
  }

  // Compares all rows of the two versions at one position, in one snapshot; both go on meanwhile. errc::not_found when none stands
  // beside, errc::stale when it is far behind.
  result<rebuild_comparison> compare() {
    for (int tries = 0; tries < most_tries; ++tries) {
      std::unique_lock lock(stepping_);
      if (auto ready = refresh_both(); !ready) return unexpected(std::move(ready).error());
      auto const live = builds_.active();
      auto const at = builds_.with(1 - live, [](auto& projector) { return projector.reached(); });
      if (auto good = builds_.bring_up(live, at, {.before = at.next()}); !good)
        return unexpected(std::move(good).error());
      std::optional<rebuild_comparison> compared;
      auto asked = rows_.read([&](session& in) -> result<void> {
        auto const same_place = builds::both_are_at(in, row_, at);
        if (!same_place || !*same_place) return same_place ? result<void>() : unexpected(same_place.error());
        lock.unlock(); // from here on the snapshot stands
        auto found = builds::compare(in, live, at);
        if (!found) return unexpected(std::move(found).error());
        compared = std::move(*found);
        return {};
      });
      if (!asked) return unexpected(std::move(asked).error());
      if (compared) return std::move(*compared);
    }
    return unexpected(make_error(errc::stale, "projection {}: other processes moved its versions {} times",
                                 stem, most_tries));
  }

  // Queries are answered by the version beside from now on, and the old one is kept up to date beside it. errc::not_found when there is
  // none, errc::stale when it is far behind or has stopped, errc::already_exists when it was switched already. The last events before
  // the switch are applied here, also where another process holds the lease: the transactions keep that right.
  result<void> switch_over() { return detail::version_swap<rebuildable_projector>({this}, false).run(); }
  // Back to the version that answered before: also when the new one has stopped. errc::not_found when there was no switch.
  result<void> roll_back() { return detail::version_swap<rebuildable_projector>({this}, true).run(); }

  // Drops what stands beside, with its tables: the old version, or a rebuild that is to be given up. From here on nobody writes to it. Its
  // rows are removed by steps, of any process, each a transaction of bounded length, after a restart too; status() tells when they are
  // gone. Few rows are gone at once. errc::not_found when there is none.
  result<void> drop() {
    std::scoped_lock const lock(stepping_);
    if (auto known = refresh(); !known) return known;
    if (row_.beside.empty()) return unexpected(detail::nothing_beside(stem, row_));
    auto const other = 1 - builds_.active();
    if (row_.beside != builds::name_of(other)) return unexpected(detail::version_unknown(stem, row_.beside));
    auto dropped = row_;
    dropped.beside.clear();
    dropped.switched = false;
    if (auto done = clearing_.begin(row_, dropped, other); !done) return done;
    return refresh();
  }

  // The dead letters of the active version: see stored_projector. Steps wait meanwhile.
  result<void> dead_letters(dead_letter_range const& range, detail::dead_letter_sink sink) {
    return of_active([&](auto& projector) { return projector.dead_letters(range, sink); });
  }
  result<std::uint64_t> count_dead_letters() {
    return of_active([](auto& projector) { return projector.count_dead_letters(); });
  }
  result<retried> retry(std::optional<std::string_view> key = {}) {
    auto done = of_active([&](auto& projector) { return projector.retry(key); });
    progress_.rewritten();
    return done;
  }
  result<void> discard(position at, std::string_view reason) {
    return of_active([&](auto& projector) { return projector.discard(at, reason); });
  }

private:
  friend class detail::version_swap<rebuildable_projector>;
  static constexpr int most_tries = 100;
  static constexpr int near_steps = 64; // what needs more to catch up is not switched to, nor compared

  // Everything below: under stepping_.
  bool has_beside() const noexcept { return builds_.is_there(1 - builds_.active()); }

  // Looks at the row, and follows what another process has changed.
  result<void> refresh() {
    if (auto ours = known_ ? result<void>() : versions_.take_part(); !ours) return ours;
    auto found = versions_.follow();
    if (!found) return unexpected(std::move(found).error());
    if (*found == row_) return {};
    if (found->clearing != row_.clearing) clearing_.try_again();
    auto const now = found->active == builds::name_of(0) ? 0U : 1U;
    if (found->active != builds::name_of(now))
      return unexpected(detail::version_unknown(stem, found->active));
    keep(now, found->active_build);
    if (known_ && now != builds_.active()) {
      if (auto good = builds_.bring_up(now, reached()); !good) return good;
    }
    take_over(now);
    if (found->beside == builds::name_of(1 - now) && found->clearing.empty())
      keep(1 - now, found->beside_build);
    else builds_.lose(1 - now);
    row_ = std::move(*found);
    return {};
  }
  void keep(std::size_t index, std::uint64_t number) {
    auto options = options_;
    if (known_) options.batch_us = std::min(options.batch_us, rebuild_.batch_us);
    if (!builds_.keep(index, number, options)) return;
    caught_up_ = false;
    meter_ = {};
  }
  // Queries that begin from now on are answered by this version, which has reached what was shown.
  void take_over(std::size_t index) {
    bool const other = known_ && index != builds_.active();
    builds_.activate(index);
    known_ = true;
    if (!other) return;
    progress_.revive();
    progress_.rewritten();
    builds_.with(index, [&](auto& projector) { progress_.advance(projector.reached(), changes::noted); });
  }

  // Refreshed, with a version beside that is where the active one is, or further.
  result<void> refresh_both() {
    if (auto known = refresh(); !known) return known;
    if (row_.beside.empty()) return unexpected(detail::nothing_beside(stem, row_));
    auto const other = 1 - builds_.active();
    if (row_.beside != builds::name_of(other)) return unexpected(detail::version_unknown(stem, row_.beside));
    if (!has_beside()) return unexpected(detail::version_behind(row_.beside, position(), reached()));
    // What others have committed to the active version may have been seen too.
    auto const stored = rows_.checkpoint(row_.active);
    if (!stored) return unexpected(stored.error());
    auto const here = builds_.with(1 - other, [](auto& projector) { return projector.reached(); });
    return builds_.bring_up(other, std::max({*stored, here, reached()}), {}, near_steps);
  }

  cleave::step step_active() {
    auto const stepped = builds_.with(builds_.active(), [&](auto& projector) {
      auto const one = projector.step();
      if (one != step::failed) progress_.advance(projector.reached(), changes::noted);
      return one;
    });
    if (stepped != step::failed || progress_.failed()) return stepped;
    // It may have stopped because another process has dropped it.
    auto const before = row_;
    if (refresh() && row_ != before) return step::worked;
    builds_.with(builds_.active(), [&](auto& projector) {
      progress_.fail(projector.progress().wait(at_least(position(UINT64_MAX))).error());
    });
    return stepped;
  }

  cleave::step step_beside() {
    if (!has_beside()) return step::idle;
    auto const now = options_.clock.now();
    if (!row_.switched && crew_.failed(row_.beside_build)) return step::waiting;
    auto const events = caught_up_ ? UINT64_MAX : crew_.take(now);
    if (events == 0) return step::waiting;
    return builds_.with(1 - builds_.active(), [&](auto& projector) {
      auto const before = projector.handled();
      auto const one = projector.step({.events = events});
      if (!caught_up_) crew_.give_back(events - (projector.handled() - before));
      if (one == step::failed) crew_.fail(row_.beside_build);
      meter_.note(now, projector.reached());
      // Where events come all the time it is never idle.
      if (one == step::idle || projector.reached() >= reached()) caught_up_ = true;
      return one;
    });
  }

  // One transaction in which what stands beside has all that the active version has stored by then, and shown here; then(session) is
  // called in it. errc::stale where it has not.
  template <class Then> result<void> in_place_beside(Then&& then) {
    return builds_.with(1 - builds_.active(), [&](auto& projector) {
      return projector.in_place([&](session& in, position to) -> result<void> {
        typename ReadStore::versions versions(in, stem);
        auto const stored = versions.checkpoint(row_.active);
        if (!stored) return unexpected(stored.error());
        auto const shown = std::max(*stored, reached());
        if (to < shown) return unexpected(detail::version_behind(row_.beside, to, shown));
        return then(in);
      });
    });
  }

  template <class F> auto of_active(F&& f)
      -> decltype(f(std::declval<typename builds::template projector_of<Live>&>())) {
    std::scoped_lock const lock(stepping_);
    if (auto known = refresh(); !known) return unexpected(std::move(known).error());
    return builds_.with(builds_.active(), f);
  }

  Store& log_;
  ReadStore& rows_;
  projector_options options_;
  rebuild_options rebuild_;
  Live live_{}; // these two only answer
  Next next_{};
  projection_progress progress_;
  detail::rebuild_crew alone_;
  detail::rebuild_crew& crew_;
  std::mutex stepping_;             // guards what follows
  detail::retry_schedule schedule_; // of reading the row
  bool known_ = false;              // the row was read once
  projection_versions row_;
  detail::version_rows<builds, ReadStore> versions_;
  builds builds_;          // but for active()
  bool caught_up_ = false; // what stands beside: it was once where the active one was
  detail::rate_meter meter_;
  detail::version_clearing<builds, ReadStore> clearing_;
};

} // namespace cleave
