// SPDX-License-Identifier: BSL-1.0
// A stored read model that is part of the commit: its rows change in the append's own transaction.
#pragma once

#include <cleave/query/stored_projector.hpp>

#include <mutex>
#include <optional>
#include <utility>

namespace cleave {

// The read store keeps its tables in the log's own file. Transaction: the store's; it gives checkpoint(projection), and
// apply(projection, from, fill) as the read store does, within the append. step() brings the model up to the log's head
// before the first append; whatever others append past this application is caught up in the next append that concerns it. It
// parks nothing: an event that fails is not appended.
template <class P, class Store, read_store ReadStore> class inline_stored_projector {
  using session = typename ReadStore::session;
  using transaction = typename Store::transaction;

public:
  using projection_type = P;
  using queries = detail::queries_of<P>;

  inline_stored_projector(Store& log, ReadStore& rows, P projection, projector_options const& options)
      : log_(log),
        projection_(projection),
        behind_(log, rows, std::move(projection), options, failure_policy::stop) {}

  projection_progress& progress() noexcept { return behind_.progress(); }
  position reached() const noexcept { return behind_.reached(); }
  cleave::step step() noexcept { return behind_.step(); }
  result<void> wait(at_least wanted) {
    // A commit of this application is in the model when it is in the log; for one of others the log is looked at.
    if (reached() < wanted.position) {
      std::scoped_lock const lock(stepping_);
      while (reached() < wanted.position && behind_.step() == step::worked) {
      }
    }
    return progress().wait(wanted);
  }
  template <class Q> result<typename Q::result_type> answer(Q const& q) const { return behind_.answer(q); }

  void inline_open() noexcept {}
  // Any thread that is inside the append's transaction. An error fails the append.
  result<void> inline_apply(recorded_event const& recorded, transaction& in) {
    using events = typename P::events;
    if (!detail::contains(stored_names<events>, recorded.at.name)) return {};
    auto const from = in.checkpoint(P::name);
    if (!from) return unexpected(from.error());
    return in.apply(P::name, *from, [&](session& rows) -> result<position> {
      auto const apply = [&](auto const& event, envelope const& at) {
        progress().note(projection_, event, at);
        return detail::apply_to_session(projection_, event, at, rows);
      };
      // What was appended past this application comes first. All of it is committed: the log shows it outside the transaction.
      if (from->next() < recorded.at.position) {
        auto caught_up = detail::feed<P>(log_, *from, UINT64_MAX, apply);
        if (!caught_up) return caught_up;
      }
      result<void> applied;
      result<bool> known = false;
      try {
        known = visit_event<events>(recorded, [&](auto const& event, envelope const& at) {
          if (applied) applied = apply(event, at);
        });
      } catch (...) {
        applied = unexpected(detail::current_exception_error("on"));
      }
      if (!known) return unexpected(known.error());
      if (!applied)
        return unexpected(detail::projection_failed(P::name, recorded.at, std::move(applied).error()));
      return recorded.at.position;
    });
  }
  void inline_close(bool, std::optional<position> committed) noexcept {
    if (committed) progress().advance(*committed, changes::noted);
  }

private:
  Store& log_;
  P projection_;
  stored_projector<P, Store, ReadStore> behind_;
  std::mutex stepping_;
};

} // namespace cleave
