// SPDX-License-Identifier: BSL-1.0
// What the partitioned projectors share: a projection that several workers feed at once, each for its part of the keys, and that is
// one projection for who asks it. In memory: query/partitioned_projector.hpp; in read stores: query/partitioned_stored_projector.hpp; with a
// next version beside it: query/partitioned_rebuildable_projector.hpp.
#pragma once

#include <cleave/query/partition.hpp>
#include <cleave/query/projector.hpp>

#include <algorithm>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cleave::detail {

template <class Q>
concept names_its_key = requires(Q const& q) { std::string_view(q.key()); };
template <class P, class Q>
concept merges_answers = requires(Q const& q, typename Q::result_type one) {
  { P::merge(q, std::move(one), std::move(one)) } -> std::convertible_to<typename Q::result_type>;
};
template <class P, class Q> struct checked_partitioned_query {
  static_assert(
      names_its_key<Q> || merges_answers<P, Q>,
      "cleave: a query to a partitioned projection is about one key, or its answers are merged: add `std::string_view "
      "key() const` to the query, or `static Query::result_type merge(Query const&, Query::result_type, "
      "Query::result_type)` to the projection");
};
template <class P, class Queries> struct checked_partitioned;
template <class P, class... Qs> struct checked_partitioned<P, query_set<Qs...>>
    : checked_partitioned_query<P, Qs>... {
  static constexpr bool value = true;
};

// Inner: the projector of a part. Any thread, all functions. What the projection has reached is what the last of the workers has
// reached: it never passes an event that is not applied, also when a worker stops. Then the others go on, and so do queries about
// their keys that ask for no position.
template <class P, class Inner> class partitions {
  static_assert(checked_partitioned<P, queries_of<P>>::value);

public:
  using projection_type = P;
  using queries = queries_of<P>;

  // One worker: a state machine for a thread of its own.
  class worker {
  public:
    template <class Make> worker(partitions& host, Make const& make, partition const& part)
        : host_(host), inner_(make(part)) {
      inner_.progress().add_cache(link_);
    }
    worker(worker const&) = delete;
    worker& operator=(worker const&) = delete;

    position reached() const noexcept { return inner_.reached(); }
    cleave::step step() noexcept {
      auto const done = inner_.step();
      host_.look();
      return done;
    }

  private:
    friend class partitions;
    static void touch(void* self, cache_key key, position at) noexcept {
      static_cast<worker*>(self)->host_.progress_.touch(key, at);
    }
    static void rewritten(void* self) noexcept {
      static_cast<worker*>(self)->host_.progress_.forget_answers();
    }

    partitions& host_;
    std::uint64_t rewrites_ = 0; // of its model, that the whole has been told of
    cache_link link_{.cache = this, .touch = &touch, .rewritten = &rewritten};
    Inner inner_;
  };

  partitions(partitions const&) = delete;
  partitions& operator=(partitions const&) = delete;

  std::deque<worker>& workers() noexcept { return workers_; }
  projection_progress& progress() noexcept { return progress_; }
  // Every event up to here is applied.
  position reached() const noexcept { return progress_.reached(); }
  result<void> wait(at_least wanted) {
    if (!options_.threads) {
      wanted.timeout_us = 0;
      for (worker& each : workers_) static_cast<void>(each.inner_.wait(wanted).has_value());
      look();
    }
    return progress_.wait(wanted);
  }

  // As the workers' projectors have it: called once, before any step.
  void prepare() noexcept
    requires requires(Inner& inner) { inner.prepare(); }
  {
    for (worker& each : workers_) each.inner_.prepare();
    look();
  }
  // A batch of each worker, for applications without threads.
  cleave::step step() noexcept {
    auto all = step::idle;
    for (worker& each : workers_) {
      auto const one = each.step();
      if (one == step::worked || all == step::idle) all = one;
    }
    return all;
  }

  // About one key: the answer of its worker. Else the answers of all, merged; each reflects what was reached before the call, and
  // some may reflect more.
  template <class Q> result<typename Q::result_type> answer(Q const& q) {
    if constexpr (names_its_key<Q>) {
      return of_key(q.key()).answer(q);
    } else {
      auto all = workers_.front().inner_.answer(q);
      for (std::size_t i = 1; all && i < workers_.size(); ++i) {
        auto next = workers_[i].inner_.answer(q);
        if (!next) return next;
        all = P::merge(q, std::move(*all), std::move(*next));
      }
      return all;
    }
  }

  // The dead letters of all workers, in order of position: sink(dead_letter const&) -> bool, false ends it.
  result<void> dead_letters(dead_letter_range const& range, dead_letter_sink sink) {
    std::vector<dead_letter> all;
    for (worker& each : workers_) {
      auto listed = each.inner_.dead_letters(range, [&](dead_letter const& letter) {
        all.push_back(letter);
        return true;
      });
      if (!listed) return listed;
    }
    std::ranges::sort(all, {}, &dead_letter::position);
    if (all.size() > range.limit) all.resize(range.limit);
    for (dead_letter const& letter : all) {
      if (!sink(letter)) break;
    }
    return {};
  }
  // How many wait, of all workers.
  result<std::uint64_t> count_dead_letters() {
    std::uint64_t sum = 0;
    for (worker& each : workers_) {
      auto const some = each.inner_.count_dead_letters();
      if (!some) return some;
      sum += *some;
    }
    return sum;
  }
  // In order for each key.
  result<retried> retry(std::optional<std::string_view> key = {}) {
    auto done = retry_parts(key);
    look(); // also when it failed: what was applied before stays applied
    return done;
  }
  result<void> discard(position at, std::string_view reason) {
    for (worker& each : workers_) {
      auto done = each.inner_.discard(at, reason);
      if (done || done.error().code() != errc::not_found || &each == &workers_.back()) return done;
    }
    return {};
  }

protected:
  static constexpr std::size_t most_workers = 64;

  // make(partition) gives the projector of a part.
  template <class Make> partitions(projector_options const& options, std::size_t workers, Make const& make)
      : options_(options), progress_(P::name) {
    CLEAVE_ASSERT(workers >= 1 && workers <= most_workers, "a partitioned projection has 1 to 64 workers");
    for (std::size_t i = 0; i < workers; ++i) workers_.emplace_back(*this, make, partition{i, workers});
  }

  Inner& inner(std::size_t part) noexcept { return workers_[part].inner_; }

  // Behind whatever a worker has done: what all have reached, whether one has failed, or is the model otherwise now. Under a lock, so
  // that of two that end at once the later one sees both.
  void look() noexcept {
    std::scoped_lock const lock(looking_);
    position lowest = workers_.front().reached();
    Inner* failed = nullptr;
    bool rewritten = false;
    for (worker& each : workers_) {
      lowest = std::min(lowest, each.reached());
      if (failed == nullptr && each.inner_.progress().failed()) failed = &each.inner_;
      auto const rewrites = each.inner_.progress().rewrites();
      rewritten = std::exchange(each.rewrites_, rewrites) != rewrites || rewritten;
    }
    progress_.advance(lowest, changes::noted);
    if (rewritten) progress_.rewritten();
    if (failed == nullptr && progress_.failed()) progress_.revive();
    if (failed == nullptr || progress_.failed()) return;
    at_least never(position(UINT64_MAX));
    never.timeout_us = 0;
    progress_.fail(failed->progress().wait(never).error());
  }

private:
  Inner& of_key(std::string_view key) { return workers_[hash_text(key) % workers_.size()].inner_; }

  result<retried> retry_parts(std::optional<std::string_view> key) {
    if (key) return of_key(*key).retry(key);
    retried sum;
    for (worker& each : workers_) {
      auto const one = each.inner_.retry();
      if (!one) return one;
      sum.applied += one->applied;
      sum.failed += one->failed;
    }
    return sum;
  }

  projector_options options_;
  projection_progress progress_;
  std::mutex looking_;
  std::deque<worker> workers_;
};

} // namespace cleave::detail
