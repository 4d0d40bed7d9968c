// SPDX-License-Identifier: BSL-1.0
// Two versions of a projection change places, in all its parts by one transaction: the one in which the row of the first read store is
// changed, which decides for all. Until it is committed the transactions of all other parts are held open, so that none of them moves
// on meanwhile, in this process or another: what was shown of the active version is in the other one too when that takes its place.
#pragma once

#include <cleave/query/rebuild.hpp>

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

namespace cleave::detail {

// Part: rebuildable_projector, all parts in their order. Every process takes the read stores in one order, the first one last.
template <class Part> class version_swap {
public:
  version_swap(std::vector<Part*> parts, bool back) : parts_(std::move(parts)), back_(back) {}

  result<void> run() {
    for (int tries = 0;; ++tries) {
      bool raced = false;
      auto done = attempt(raced);
      if (done || !raced || tries >= Part::most_tries) return done;
    }
  }

private:
  result<void> attempt(bool& raced) {
    std::vector<std::unique_lock<std::mutex>> locks;
    locks.reserve(parts_.size());
    for (Part* const each : parts_) locks.emplace_back(each->stepping_);
    if (auto ready = for_each_part([](Part& each) { return each.refresh_both(); }); !ready) return ready;
    auto const& row = parts_.front()->row_;
    if (row.switched != back_) return unexpected(nothing_to_swap(Part::stem, row));
    swapped_ = false;
    auto done = hold(parts_.size() - 1);
    // What others were held for is done, whatever became of their transactions.
    if (done || swapped_) return for_each_part([](Part& each) { return each.refresh(); });
    raced = done.error().code() == errc::stale || done.error().code() == errc::version_conflict;
    return done;
  }

  // Within the transactions of the parts behind this one.
  result<void> hold(std::size_t part) {
    Part& held = *parts_[part];
    auto done = held.in_place_beside([&](typename Part::session& in) -> result<void> {
      if (part == 0) return swap_rows(in);
      // In the log's own file this may be called a second time.
      return swapped_ ? result<void>() : hold(part - 1);
    });
    if (done && part == 0) swapped_ = true;
    return done;
  }
  result<void> swap_rows(typename Part::session& in) {
    auto const& row = parts_.front()->row_;
    auto swapped = row;
    std::swap(swapped.active, swapped.beside);
    std::swap(swapped.active_build, swapped.beside_build);
    swapped.switched = !back_;
    return Part::builds::replace(in, row, swapped);
  }

  template <class F> result<void> for_each_part(F&& f) {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (auto done = f(*parts_[i]); !done)
        return unexpected(in_part({i, parts_.size()}, std::move(done).error()));
    }
    return {};
  }

  std::vector<Part*> parts_;
  bool back_;
  bool swapped_ = false;
};

} // namespace cleave::detail
