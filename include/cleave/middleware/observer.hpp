// SPDX-License-Identifier: BSL-1.0
// The observer of an application: any object that has one or more of these functions. What it does not have costs nothing.
//
//   struct watcher {
//     void on(cleave::handled const&);           // each command and each query (middleware/logging.hpp)
//     void on(cleave::written const&);           // each append but those of handlers with a transaction of their own
//     void on(cleave::rebuild_progress const&);  // how far a rebuild is (query/rebuild_watch.hpp)
//   };
//   cleave::application shop{*store, cleave::observed_by(watching), cleave::deciders<order>};
//
// It is called on the threads of the commands, queries and projections, from several at once, and must not throw. What else changes by
// itself is asked for, not told: application::projections() for lags and dead letters, stats() of a query cache, write_counts of a
// durable store.
#pragma once

#include <cleave/middleware/logging.hpp>

#include <cstdint>

namespace cleave {

// One write as the one who asked for it sees it.
struct written {
  std::int64_t took_us = 0;      // until it was answered, by the clock of write_options
  std::uint64_t events = 0;      // stored by it; 0 also for a repeat
  error const* failed = nullptr; // why nothing was stored, version_conflict included; valid during the call
};

namespace detail {

// Nobody observes: nothing is measured.
struct unobserved {};

// Hands on to an observer that lives elsewhere.
template <class Observer> struct observer_link {
  Observer* to;
  template <class What>
    requires requires(Observer& observer, What const& what) { observer.on(what); }
  void on(What const& what) const noexcept {
    to->on(what);
  }
};

template <class Observer>
concept observes_handling = requires(Observer const& observer, handled const& what) { observer.on(what); };
template <class Observer>
concept observes_storing = requires(Observer const& observer, written const& what) { observer.on(what); };

} // namespace detail

} // namespace cleave
