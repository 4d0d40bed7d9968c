// SPDX-License-Identifier: BSL-1.0
// Reading the events of a set out of a whole log.
#pragma once

#include <cleave/event/event_set.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/event/object_visitor.hpp>

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

namespace cleave {

namespace detail {

// Calls f(event, envelope) or f(event).
template <class F> struct event_taker {
  F& f;
  explicit event_taker(void* of) noexcept : f(**static_cast<F**>(of)) {}
  template <class E, class At>
  [[gnu::always_inline]] void operator()(E const& event, At const& at) const {
    if constexpr (std::invocable<F&, E const&, envelope const&>) {
      envelope const& opened = at;
      f(event, opened);
    } else {
      f(event);
    }
  }
};

// A sink.
template <class Set, class F> class event_reader {
public:
  explicit event_reader(F& f) : f_(std::addressof(f)), kinds_(rows().size()) {}

  bool operator()(recorded_event const& found) {
    auto const known = visit_event<Set>(found, event_taker<F>(&f_));
    if (!known) failed_ = known.error();
    return known.has_value();
  }
  template <class Run> run_taken take(Run const& run) {
    objects_seen now;
    bool more = true;
    while (more && now.at != run.size()) {
      object_visitor<event_taker<F>, Set, Run>::visit(&run, now, run.size(), kinds_, &f_);
      if (now.at == run.size()) break;
      auto const found = run[now.at];
      if (kinds_.learn(found, rows())) continue;
      if (run.wanted(now.at)) {
        more = (*this)(found.open());
        ++now.at;
      } else {
        kinds_.pass_over(found, now); // names alone are asked for
      }
    }
    return {now.at, now.at - now.others, more};
  }

  std::optional<error>& failed() noexcept { return failed_; }

private:
  static std::span<reader_row const> rows() noexcept {
    return reader_rows_of<Set, event_taker<F>, stored_events<Set>>::value;
  }

  F* f_;
  object_kinds kinds_;
  std::optional<error> failed_;
};

} // namespace detail

// Calls f(event, envelope), or f(event), with each event of `Set` behind position `after`, in the order of the log, old events as what
// they become by upcasting: what read_all with a filter of stored_names<Set> and visit_event do together, and for a store that
// keeps objects much faster, most of all where f does without the envelope. The event and the envelope are valid during the call.
//
// Returns the position up to which the log is read: its head as the read began. An event that does not decode ends the read with
// errc::decode_failed, which names event, field and position; f has had those before it. What f throws passes through. Calls
// may come from any thread that may read the store.
template <class Set, class Store, class F> result<position> read_events(Store& store, position after, F&& f) {
  static_assert(detail::is_event_set<Set>, "cleave: read_events needs an event_set");
  using function = std::remove_reference_t<F>;
  detail::event_reader<Set, function> sink(f);
  query_item const item{.names = stored_names<Set>};
  auto read = store.read_all({.after = after, .filter = {{&item, 1}}}, sink);
  if (sink.failed()) return unexpected(*std::move(sink.failed()));
  return read;
}

} // namespace cleave
