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
//
// Which version is active, and which stands beside it, is one row of the read store: every query reads it in its own snapshot. Two that
// take turns are enough for ever: what was dropped can be built anew under its old name.
//
// Why no query goes backwards. A switch is one transaction, which is refused unless the other version has applied all that the active
// one has stored by then, and all that this process has shown. Another process that finds the row changed first brings the new
// version to what it has shown itself. Both versions follow the log until one is dropped, so the way back is the same.
#pragma once

#include <cleave/query/guarded_rows.hpp>
#include <cleave/query/projection_name.hpp>
#include <cleave/query/rebuild.hpp>
#include <cleave/query/stored_projector.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace cleave {

namespace detail {

template <class P>
concept names_tables = requires {
  std::span<std::string_view const>(P::tables);
  std::bool_constant<!std::span<std::string_view const>(P::tables).empty()>();
};

template <class Live, class Next> struct checked_versions {
  static constexpr std::string_view stem = projection_stem(Live::name);
  template <class A, class B> static consteval bool disjoint() {
    for (std::string_view const a : A::tables) {
      for (std::string_view const b : B::tables) {
        if (a == b) return false;
      }
    }
    return true;
  }
  static_assert(
      stem != std::string_view(Live::name) && stem == projection_stem(Next::name) &&
          std::string_view(Live::name) != std::string_view(Next::name),
      "cleave: the versions of a projection are named alike but for the number: \"revenue.v1\" and \"revenue.v2\"");
  static_assert(
      names_tables<Live> && names_tables<Next>,
      "cleave: a version of a projection names its tables, so that they can be compared and dropped: add `static "
      "constexpr std::array<std::string_view, 1> tables = {\"...\"}`");
  static_assert(
      [] {
        if constexpr (names_tables<Live> && names_tables<Next>) return disjoint<Live, Next>();
        else return true;
      }(),
      "cleave: two versions of a projection have a table in common: who drops one takes the rows of the other");
  static_assert(std::is_same_v<queries_of<Live>, queries_of<Next>>,
                "cleave: the versions of a projection answer the same queries: give them one `queries`");
  static constexpr bool value = true;
};

template <class ReadStore> struct checked_version_store {
  static_assert(keeps_versions<ReadStore>, "cleave: the read store keeps no versions of projections");
  static constexpr bool value = true;
};

} // namespace detail

// Live: the version that is active where nothing is stored. Any thread, all functions: steps and changes take turns, queries do not wait for them.
template <class Live, class Next, class Store, read_store ReadStore> class rebuildable_projector {
  static_assert(detail::checked_versions<Live, Next>::value &&
                detail::checked_version_store<ReadStore>::value);

  using session = typename ReadStore::session;
  using guarded = detail::guarded_rows<ReadStore>;
  static constexpr std::string_view stem = detail::checked_versions<Live, Next>::stem;

public:
  using projection_type = Live;
  using queries = detail::queries_of<Live>;

  rebuildable_projector(Store& log, ReadStore& rows, projector_options const& options,
                        rebuild_options const& rebuild)
      : log_(log),
        rows_(rows),
        options_(options),
        rebuild_(rebuild),
        progress_(stem),
        schedule_(options),
        pace_(rebuild.events_per_second) {}

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
      with(active(), [&](auto& version) {
        version.projector.prepare();
        progress_.advance(version.projector.reached());
      });
    } catch (...) {
      return; // the first step tells
    }
  }

  // A batch of the active version, and one of what stands beside it. Where the active one has stopped, which progress() tells, the
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
      auto const other = step_beside();
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
    for (int tries = 0; tries < most_tries; ++tries) {
      // Before the snapshot: what was known to be active has reached what was shown until now.
      auto const known = active();
      std::optional<result<typename Q::result_type>> answered;
      auto asked = rows_.read([&](session& in) -> result<void> {
        auto const row = find(in);
        if (!row) return unexpected(row.error());
        if (row->active != name_of(known)) return {};
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

  // Begins to build the other version, from nothing, with tables made anew; steps go on with it, after a restart too.
  // errc::already_exists when one stands beside already.
  result<void> begin() {
    std::scoped_lock const lock(stepping_);
    if (auto known = refresh(); !known) return known;
    if (!row_.beside.empty())
      return unexpected(make_error(errc::already_exists, "projection {}: {} stands beside {} already", stem,
                                   row_.beside, row_.active));
    auto const other = 1 - active();
    auto begun = row_;
    begun.beside = name_of(other);
    begun.beside_build = std::max(row_.active_build, row_.beside_build) + 1;
    begun.switched = false;
    return change(begun, [&](typename ReadStore::versions& versions) {
      return versions.drop(name_of(other), tables_of(other));
    });
  }

  // How far it is. Waits for a step under way.
  rebuild_status status() {
    std::scoped_lock const lock(stepping_);
    rebuild_status out;
    static_cast<void>(refresh().has_value()); // without it: what was known last
    out.active = row_.active.empty() ? std::string(name_of(active())) : row_.active;
    if (!has_beside()) return out;
    out.beside = row_.beside;
    out.stage = row_.switched ? rebuild_stage::switched
                : caught_up_  ? rebuild_stage::ready
                              : rebuild_stage::building;
    with(1 - active(), [&](auto& version) {
      out.failure = version.projector.progress().status().failure;
      out.events_done = version.projector.reached().value();
    });
    auto const head = log_.head();
    out.events_total = std::max(out.events_done, head ? head->value() : 0);
    out.events_per_second = meter_.per_second();
    auto const left = out.events_total - out.events_done;
    if (left == 0) out.left_us = 0;
    else if (out.events_per_second != 0)
      out.left_us = static_cast<std::int64_t>(1e6 * static_cast<double>(left) /
                                              static_cast<double>(out.events_per_second));
    return out;
  }

  // Compares all rows of the two versions at one position, in one snapshot; both go on meanwhile. errc::not_found when none stands
  // beside, errc::stale when it cannot be brought to where the active one is: other processes do the work, or it is far behind.
  result<rebuild_comparison> compare() {
    for (int tries = 0; tries < most_tries; ++tries) {
      std::unique_lock lock(stepping_);
      if (auto ready = refresh_both(); !ready) return unexpected(std::move(ready).error());
      auto const live = active();
      auto const at = with(1 - live, [](auto& version) { return version.projector.reached(); });
      if (auto good = bring_up(live, at, {.before = at.next()}); !good)
        return unexpected(std::move(good).error());
      std::optional<rebuild_comparison> compared;
      auto asked = rows_.read([&](session& in) -> result<void> {
        auto const same_place = both_are_at(in, at);
        if (!same_place || !*same_place) return same_place ? result<void>() : unexpected(same_place.error());
        lock.unlock(); // from here on the snapshot stands
        typename ReadStore::versions versions(in, stem);
        auto const of_live = digests(versions, live);
        if (!of_live) return unexpected(of_live.error());
        auto const of_next = digests(versions, 1 - live);
        if (!of_next) return unexpected(of_next.error());
        compared = detail::compare_tables(at, tables_of(live), *of_live, tables_of(1 - live), *of_next);
        return {};
      });
      if (!asked) return unexpected(std::move(asked).error());
      if (compared) return std::move(*compared);
    }
    return unexpected(make_error(errc::stale, "projection {}: other processes moved its versions {} times",
                                 stem, most_tries));
  }

  // Queries are answered by the version beside from now on, and the old one is kept up to date beside it. errc::not_found when there is
  // none, errc::stale when it is far behind or has stopped, errc::already_exists when it was switched already. With leases, the process
  // that holds the one of the version beside can switch; another one gets errc::busy or errc::stale.
  result<void> switch_over() { return swap_versions(false); }
  // Back to the version that answered before: also when the new one has stopped. errc::not_found when there was no switch.
  result<void> roll_back() { return swap_versions(true); }

  // Drops what stands beside, with its tables: the old version, or a rebuild that is to be given up. One transaction.
  // errc::not_found when there is none.
  result<void> drop() {
    std::scoped_lock const lock(stepping_);
    if (auto known = refresh(); !known) return known;
    if (row_.beside.empty()) return unexpected(nothing_beside());
    if (!has_beside()) return unexpected(detail::version_unknown(stem, row_.beside));
    auto const other = 1 - active();
    auto dropped = row_;
    dropped.beside.clear();
    dropped.switched = false;
    return change(dropped, [&](typename ReadStore::versions& versions) {
      return versions.drop(name_of(other), tables_of(other));
    });
  }

  // The dead letters of the active version: see stored_projector. Steps wait meanwhile.
  result<void> dead_letters(dead_letter_range const& range, detail::dead_letter_sink sink) {
    return of_active([&](auto& projector) { return projector.dead_letters(range, sink); });
  }
  result<std::uint64_t> count_dead_letters() {
    return of_active([](auto& projector) { return projector.count_dead_letters(); });
  }
  result<retried> retry(std::optional<std::string_view> key = {}) {
    return of_active([&](auto& projector) { return projector.retry(key); });
  }
  result<void> discard(position at, std::string_view reason) {
    return of_active([&](auto& projector) { return projector.discard(at, reason); });
  }

private:
  static constexpr int most_tries = 100;
  static constexpr int near_steps = 64; // what needs more to catch up is not switched to, nor compared

  // One build of one version, while it is active or beside.
  template <class V> struct build {
    build(rebuildable_projector& host, std::size_t place, std::uint64_t number,
          projector_options const& options)
        : owner(host),
          index(place),
          rows(host.rows_, stem, Live::name, V::name, number),
          projector(host.log_, rows, V{}, options) {
      projector.progress().add_cache(link);
    }
    build(build const&) = delete;
    build& operator=(build const&) = delete;

    // The caches are of the projection: what the version applies that does not answer is nothing to them.
    static void touch(void* self, cache_key key, position at) noexcept {
      auto& me = *static_cast<build*>(self);
      if (me.owner.active() == me.index) me.owner.progress_.touch(key, at);
    }
    static void rewritten(void* self) noexcept {
      auto& me = *static_cast<build*>(self);
      if (me.owner.active() == me.index) me.owner.progress_.rewritten();
    }

    rebuildable_projector& owner;
    std::size_t index;
    guarded rows;
    detail::cache_link link{.cache = this, .touch = &touch, .rewritten = &rewritten};
    stored_projector<V, Store, guarded> projector;
  };

  static constexpr std::string_view name_of(std::size_t index) noexcept {
    return index == 0 ? std::string_view(Live::name) : std::string_view(Next::name);
  }
  static constexpr std::span<std::string_view const> tables_of(std::size_t index) noexcept {
    return index == 0 ? std::span<std::string_view const>(Live::tables)
                      : std::span<std::string_view const>(Next::tables);
  }
  std::size_t active() const noexcept { return active_.load(std::memory_order_acquire); }
  template <class F> decltype(auto) with(std::size_t index, F&& f) {
    return index == 0 ? f(*first_) : f(*second_);
  }
  bool is_there(std::size_t index) const noexcept {
    return index == 0 ? first_.has_value() : second_.has_value();
  }
  bool has_beside() const noexcept { return is_there(1 - active()); }
  error nothing_beside() const {
    return make_error(errc::not_found, "projection {}: nothing stands beside {}", stem, row_.active);
  }

  result<projection_versions> find(session& in) const {
    typename ReadStore::versions versions(in, stem);
    return versions.find(Live::name);
  }

  // Everything below: under stepping_.

  // Looks at the row, and follows what another process has changed.
  result<void> refresh() {
    std::optional<projection_versions> found;
    auto asked = rows_.read([&](session& in) -> result<void> {
      auto row = find(in);
      if (!row) return unexpected(std::move(row).error());
      found = std::move(*row);
      return {};
    });
    if (!asked) return asked;
    if (*found == row_) return {};
    auto const now = found->active == name_of(0) ? 0U : 1U;
    if (found->active != name_of(now)) return unexpected(detail::version_unknown(stem, found->active));
    keep(now, found->active_build);
    if (known_ && now != active()) {
      if (auto good = bring_up(now, reached()); !good) return good;
    }
    take_over(now);
    if (found->beside == name_of(1 - now)) keep(1 - now, found->beside_build);
    else lose(1 - now);
    row_ = std::move(*found);
    return {};
  }

  // Makes sure that this build of the version is there.
  void keep(std::size_t index, std::uint64_t number) {
    if (is_there(index) && with(index, [](auto& version) { return version.rows.build(); }) == number) return;
    auto options = options_;
    if (known_) options.batch_us = std::min(options.batch_us, rebuild_.batch_us);
    if (index == 0) first_.emplace(*this, index, number, options);
    else second_.emplace(*this, index, number, options);
    caught_up_ = false;
    meter_ = {};
  }
  void lose(std::size_t index) noexcept {
    if (index == 0) first_.reset();
    else second_.reset();
  }
  // Queries that begin from now on are answered by this version, which has reached what was shown.
  void take_over(std::size_t index) {
    bool const other = known_ && index != active();
    active_.store(index, std::memory_order_release);
    known_ = true;
    if (!other) return;
    progress_.revive();
    progress_.rewritten();
    with(index, [&](auto& version) { progress_.advance(version.projector.reached(), changes::noted); });
  }

  result<void> bring_up(std::size_t index, position wanted, step_bounds const& bounds = {},
                        int most_steps = INT32_MAX) {
    return with(index, [&](auto& version) -> result<void> {
      auto& projector = version.projector;
      for (int i = 0; projector.reached() < wanted; ++i) {
        bool const more = i < most_steps && projector.step(bounds) == step::worked;
        // Who stands by does no work, but sees how far another process has come.
        if (more || projector.reached() >= wanted) continue;
        if (projector.progress().failed()) return projector.progress().wait(at_least(position(UINT64_MAX)));
        return unexpected(detail::version_behind(name_of(index), projector.reached(), wanted));
      }
      return {};
    });
  }
  // Refreshed, with a version beside that is where the active one is, or further.
  result<void> refresh_both() {
    if (auto known = refresh(); !known) return known;
    if (row_.beside.empty()) return unexpected(nothing_beside());
    if (!has_beside()) return unexpected(detail::version_unknown(stem, row_.beside));
    // What others have committed to the active version may have been seen too.
    auto const stored = rows_.checkpoint(row_.active);
    if (!stored) return unexpected(stored.error());
    auto const here = with(active(), [](auto& version) { return version.projector.reached(); });
    return bring_up(1 - active(), std::max({*stored, here, reached()}), {}, near_steps);
  }

  cleave::step step_active() {
    auto const stepped = with(active(), [&](auto& version) {
      auto const one = version.projector.step();
      if (one != step::failed) progress_.advance(version.projector.reached(), changes::noted);
      return one;
    });
    if (stepped != step::failed || progress_.failed()) return stepped;
    // It may have stopped because another process has dropped it.
    auto const before = row_;
    if (refresh() && row_ != before) return step::worked;
    with(active(), [&](auto& version) {
      auto why = version.projector.progress().wait(at_least(position(UINT64_MAX)));
      progress_.fail(std::move(why).error());
    });
    return stepped;
  }

  cleave::step step_beside() {
    if (!has_beside()) return step::idle;
    auto const now = options_.clock.now();
    auto const events = caught_up_ ? UINT64_MAX : pace_.allowed(now);
    if (events == 0) return step::waiting;
    return with(1 - active(), [&](auto& version) {
      auto& projector = version.projector;
      auto const before = projector.handled();
      auto const one = projector.step({.events = events});
      pace_.took(projector.handled() - before);
      meter_.note(now, projector.reached());
      // Where events come all the time it is never idle.
      if (one == step::idle || projector.reached() >= reached()) caught_up_ = true;
      return one;
    });
  }

  // Stores the row in place of the one that is known, together with what `also` does.
  template <class Also> result<void> change(projection_versions const& to, Also&& also) {
    // The name without a version has no checkpoint and gets none.
    auto done = rows_.apply(stem, position(), [&](session& in) -> result<position> {
      if (auto good = replace_row(in, to); !good) return unexpected(std::move(good).error());
      typename ReadStore::versions versions(in, stem);
      if (auto good = also(versions); !good) return unexpected(std::move(good).error());
      return position();
    });
    if (!done) return done;
    return refresh();
  }
  result<void> replace_row(session& in, projection_versions const& to) {
    typename ReadStore::versions versions(in, stem);
    auto const stored = versions.find(Live::name);
    if (!stored) return unexpected(stored.error());
    if (*stored != row_) return unexpected(detail::versions_changed(stem, *stored));
    return versions.put(to);
  }

  result<void> swap_versions(bool back) {
    for (int tries = 0;; ++tries) {
      std::scoped_lock const lock(stepping_);
      if (auto ready = refresh_both(); !ready) return ready;
      if (row_.switched != back)
        return unexpected(
            back ? make_error(errc::not_found, "projection {}: {} has not taken the place of {}", stem,
                              row_.active, row_.beside)
                 : make_error(errc::already_exists, "projection {}: {} has taken the place of {} already",
                              stem, row_.active, row_.beside));
      auto swapped = row_;
      std::swap(swapped.active, swapped.beside);
      std::swap(swapped.active_build, swapped.beside_build);
      swapped.switched = !back;
      auto done = with(1 - active(), [&](auto& version) {
        return version.projector.in_place([&](session& in, position to) -> result<void> {
          typename ReadStore::versions versions(in, stem);
          auto const stored = versions.checkpoint(row_.active);
          if (!stored) return unexpected(stored.error());
          auto const shown = std::max(*stored, reached());
          if (to < shown) return unexpected(detail::version_behind(row_.beside, to, shown));
          return replace_row(in, swapped);
        });
      });
      if (done) return refresh();
      bool const raced = done.error().code() == errc::stale || done.error().code() == errc::version_conflict;
      if (!raced || tries >= most_tries) return done;
    }
  }

  // Whether this snapshot has the rows of both as of there: they have reached it, and nobody has taken them further. A stored
  // checkpoint may be before, where events of others were passed over.
  result<bool> both_are_at(session& in, position at) {
    typename ReadStore::versions versions(in, stem);
    auto const row = versions.find(Live::name);
    if (!row) return unexpected(row.error());
    auto const first = versions.checkpoint(Live::name);
    if (!first) return unexpected(first.error());
    auto const second = versions.checkpoint(Next::name);
    if (!second) return unexpected(second.error());
    return *row == row_ && *first <= at && *second <= at;
  }
  static result<std::vector<table_digest>> digests(typename ReadStore::versions& versions,
                                                   std::size_t index) {
    std::vector<table_digest> all;
    for (std::string_view const table : tables_of(index)) {
      auto one = versions.digest(table);
      if (!one) return unexpected(std::move(one).error());
      all.push_back(std::move(*one));
    }
    return all;
  }

  template <class F> auto of_active(F&& f)
      -> decltype(f(std::declval<stored_projector<Live, Store, guarded>&>())) {
    std::scoped_lock const lock(stepping_);
    if (auto known = refresh(); !known) return unexpected(std::move(known).error());
    return with(active(), [&](auto& version) { return f(version.projector); });
  }

  Store& log_;
  ReadStore& rows_;
  projector_options options_;
  rebuild_options rebuild_;
  Live live_{}; // these two only answer
  Next next_{};
  projection_progress progress_;
  std::atomic<std::size_t> active_ =
      0;                            // changed under stepping_; never ahead of what that version has reached
  std::mutex stepping_;             // guards what follows
  detail::retry_schedule schedule_; // of reading the row
  bool known_ = false;              // the row was read once
  projection_versions row_;
  std::optional<build<Live>> first_;
  std::optional<build<Next>> second_;
  bool caught_up_ = false; // what stands beside: it was once where the active one was
  detail::pace pace_;
  detail::rate_meter meter_;
};

} // namespace cleave
