// SPDX-License-Identifier: BSL-1.0
// A rebuild by several workers at once: a read model that is divided by key among several read stores, of which a next version can be
// built beside the live one, in each of them by a worker of its own, and take its place in all of them at once.
//
//   struct revenue { ... };                  // two versions as in query/rebuildable_projector.hpp, with `key` and `merge`, and queries
//   struct revenue_v2 { ... };               // that name their key, as in query/partitioned_projector.hpp
//   std::vector<cleave::sqlite::read_store> files = ...;        // revenue-1.db, revenue-2.db, ...
//   cleave::application shop{log, cleave::partitioned_rebuildable_projection<revenue, revenue_v2>(files, {.events_per_second = 50'000}), ...};
//   auto& versions = shop.projector<revenue>();                 // begin, status, compare, switch_over, roll_back, drop: as undivided
//
// Why files. An SQLite file has one writer, and nearly all of a rebuild is writing: workers at one file would take turns. Files share nothing, so
// that a rebuild over N of them is done by N workers, each with rows, checkpoint, dead letters and lease in its own file, and resumes in
// each where it was (query/partitioned_stored_projector.hpp has more, and when it pays). What is in memory needs no rebuild:
// query/partitioned_projector.hpp builds it with several workers at every start.
//
// One rate. rebuild_options::events_per_second is for all workers together. A worker whose event fails stops the rebuild: status() tells
// which part and event it was, the other workers leave the version alone, and the live one goes on. A restart tries again.
//
// One switch. The row in the first read store says for all of them which version answers, so that a switch is one transaction of one file:
// there is no moment between, and nothing to complete after a kill. It waits until no part moves, and is refused where a part of the next
// version has not applied all that the active one has stored and shown. begin and drop are one transaction too; the other
// read stores follow by steps of any process. A query asks the parts first and that row last: it is never answered by a version that
// had been switched off before it, nor from parts of two versions.
#pragma once

#include <cleave/query/partitioned_stored_projector.hpp>
#include <cleave/query/partitions.hpp>
#include <cleave/query/rebuildable_projector.hpp>

#include <span>
#include <utility>
#include <vector>

namespace cleave {

namespace detail {
// A base, because the parts need it from their beginning.
struct crew_of_rebuild {
  rebuild_crew crew;
};
} // namespace detail

// Any thread, all functions. query/partitions.hpp has those that are not here: workers, dead letters, retry.
template <class Live, class Next, class Store, read_store ReadStore>
class partitioned_rebuildable_projector
    : detail::crew_of_rebuild,
      public detail::partitions<Live, rebuildable_projector<Live, Next, Store, ReadStore>> {
  static_assert(detail::checked_partition_store<ReadStore>::value &&
                detail::checked_partitioned<Next, detail::queries_of<Next>>::value);
  using part = rebuildable_projector<Live, Next, Store, ReadStore>;
  using base = detail::partitions<Live, part>;

public:
  // 1 to 64 read stores, in the same order for ever. They outlive it.
  partitioned_rebuildable_projector(Store& log, std::span<ReadStore> rows, projector_options const& options,
                                    rebuild_options const& rebuild)
      : crew_of_rebuild{{rebuild.events_per_second, rows.size()}},
        base(options, rows.size(), [&](partition const& of) {
          return part(log, rows[of.index], options, rebuild, {&rows.front(), of, &crew});
        }) {}

  // See partitions::answer. All that is merged is of one version.
  template <class Q> result<typename Q::result_type> answer(Q const& q) {
    if constexpr (detail::names_its_key<Q>) {
      return base::answer(q);
    } else {
      for (int tries = 0; tries < most_tries; ++tries) {
        detail::answered_by first;
        detail::answered_by other;
        auto all = this->inner(0).answer(q, first);
        for (std::size_t i = 1; all && i < size(); ++i) {
          auto next = this->inner(i).answer(q, other);
          if (!next) return next;
          if (other != first) break;
          all = first.version == 0 ? Live::merge(q, std::move(*all), std::move(*next))
                                   : Next::merge(q, std::move(*all), std::move(*next));
        }
        if (size() == 1 || !all || other == first) return all;
      }
      return unexpected(make_error(errc::busy, "projection {}: switched {} times during one query",
                                   detail::projection_stem(Live::name), most_tries));
    }
  }

  // As rebuildable_projector has them, of all parts. An error names the part.

  // Where a part does not know yet what was decided before, and cannot be told now, nothing is begun.
  result<void> begin() {
    if (auto told = follow(); !told) return told;
    return decide([](part& first) { return first.begin(); });
  }
  rebuild_status status() {
    std::vector<rebuild_status> all;
    all.reserve(size());
    for (std::size_t i = 0; i < size(); ++i) all.push_back(this->inner(i).status());
    return detail::sum_of(all);
  }
  // Each part at a position of its own; the lowest of them is told.
  result<rebuild_comparison> compare() {
    std::vector<rebuild_comparison> all;
    all.reserve(size());
    for (std::size_t i = 0; i < size(); ++i) {
      auto one = this->inner(i).compare();
      if (!one) return unexpected(detail::in_part({i, size()}, std::move(one).error()));
      all.push_back(std::move(*one));
    }
    return detail::sum_of(all);
  }
  result<void> switch_over() { return swap(false); }
  result<void> roll_back() { return swap(true); }
  result<void> drop() {
    return decide([](part& first) { return first.drop(); });
  }

private:
  static constexpr int most_tries = 100;

  std::size_t size() noexcept { return this->workers().size(); }

  // What the first part does counts for all. Those that cannot follow now do with their next step.
  template <class F> result<void> decide(F&& f) {
    auto done = f(this->inner(0));
    if (done) static_cast<void>(follow().has_value());
    this->look();
    return done;
  }
  result<void> follow() {
    for (std::size_t i = 1; i < size(); ++i) {
      if (auto done = this->inner(i).follow(); !done)
        return unexpected(detail::in_part({i, size()}, std::move(done).error()));
    }
    return {};
  }
  result<void> swap(bool back) {
    std::vector<part*> all;
    all.reserve(size());
    for (std::size_t i = 0; i < size(); ++i) all.push_back(&this->inner(i));
    auto done = detail::version_swap<part>(std::move(all), back).run();
    this->look();
    return done;
  }
};

} // namespace cleave
