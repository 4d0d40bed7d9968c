// SPDX-License-Identifier: BSL-1.0
// What has to be known of a projection in memory by code that is not compiled for it: what feeds one from the log is compiled once
// for each store, and not for each projection.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/event/object_visitor.hpp>
#include <cleave/query/projector.hpp>

#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

namespace cleave::detail {

// Where an event goes.
struct memory_reader {
  void* model;
  projection_progress* noted; // for when query caches want to hear what an event touches; else nullptr
  bool touched = false;       // the model has taken a part of what the event became by upcasting
};

struct memory_model {
  std::string_view name;
  std::span<std::string_view const> names; // of the events that it wants
  std::span<reader_row const> rows;        // what they read into is a memory_reader
  failure_policy on_failure;
  // use(key) with the key of an event; nullptr: its stream.
  void (*with_key)(void const* model, envelope const& at, function_ref<void(std::string_view)> use);
  void (*assign)(void* model, void const* other);
  // Applies objects of a run of the store (see object_visitor); nullptr where it hands out none.
  object_visit* visit;
  // Applies one unopened event of it. False: it is no object of the projection's events by the address of its type. nullptr likewise.
  bool (*apply)(void const* found, void* model);
};

template <class P, class E, class At> [[gnu::always_inline]] inline void
apply_in_memory(P& model, E const& event, At const& at) {
  if constexpr (applies_with_envelope<P, E>) {
    envelope const& opened = at;
    model.on(event, opened);
  } else {
    model.on(event);
  }
}

// For objects of a store: the model alone.
template <class P> struct plain_applier {
  P& model;
  explicit plain_applier(void* of) noexcept : model(*static_cast<P*>(of)) {}
  template <class E, class At>
  [[gnu::always_inline]] void operator()(E const& event, At const& at) const {
    apply_in_memory(model, event, at);
  }
};

// For visit_event's rows.
template <class P> struct memory_applier {
  memory_reader& to;
  template <class E, class At> [[gnu::always_inline]] void operator()(E const& event, At const& at) const {
    P& model = *static_cast<P*>(to.model);
    if (to.noted != nullptr) to.noted->note(model, event, at);
    apply_in_memory(model, event, at);
    to.touched = true;
  }
};
template <class P, class List> struct memory_rows;
template <class P, class... Es> struct memory_rows<P, boost::mp11::mp_list<Es...>> {
  template <class E> static void apply(void const* object, envelope const& at, void* reader) {
    memory_applier<P> to{*static_cast<memory_reader*>(reader)};
    if constexpr (upcastable<E>) deliver<typename P::events, 0>(*static_cast<E const*>(object), at, to);
    else to(*static_cast<E const*>(object), at);
  }
  static constexpr std::array<reader_row, sizeof...(Es)> value{{{&event_type_of<Es>, &apply<Es>}...}};
};

template <class P, class Found> bool apply_found(void const* found, void* model) {
  plain_applier<P> applier(model);
  return visit_object<typename P::events>(*static_cast<Found const*>(found), applier,
                                          stored_events<typename P::events>{});
}

template <class P> void use_key_of(void const* model, envelope const& at,
                                   function_ref<void(std::string_view)> use) {
  use(std::string_view(key_of(*static_cast<P const*>(model), at)));
}
template <class P> void assign_model(void* model, void const* other) {
  *static_cast<P*>(model) = *static_cast<P const*>(other);
}

template <class Store> struct run_of_store {
  using type = void;
};
template <class Store>
  requires requires { typename Store::run; }
struct run_of_store<Store> {
  using type = typename Store::run;
};

template <class P, class Store> consteval memory_model describe_model() {
  using run = typename run_of_store<Store>::type;
  memory_model model{.name = P::name,
                     .names = stored_names<typename P::events>,
                     .rows = memory_rows<P, stored_events<typename P::events>>::value,
                     .on_failure = policy_of<P>(failure_policy::stop),
                     .with_key = nullptr,
                     .assign = &assign_model<P>,
                     .visit = nullptr,
                     .apply = nullptr};
  if constexpr (has_key<P>) model.with_key = &use_key_of<P>;
  if constexpr (!std::is_void_v<run>) {
    model.visit = &object_visitor<plain_applier<P>, typename P::events, run>::visit;
    model.apply = &apply_found<P, std::remove_cvref_t<decltype(std::declval<run const&>()[0])>>;
  }
  return model;
}
template <class P, class Store> inline constexpr memory_model memory_model_of = describe_model<P, Store>();

// What stands between the log and a model: a sink. `divert` says of an event that it is dealt with otherwise; nullptr: of none.
class memory_feed {
public:
  using divert_ref = function_ref<result<bool>(envelope const&)>;

  memory_feed(memory_model const& type, memory_reader const& to, position before,
              divert_ref const* divert) noexcept
      : type_(type), to_(to), before_(before), divert_(divert), kinds_(type.rows.size()) {}

  bool operator()(recorded_event const& found);
  // A run of objects is one flat loop as long as nothing unusual happens.
  template <class Run> run_taken take(Run const& run) {
    run_taken taken{0, 0, true};
    bool const plain = divert_ == nullptr && to_.noted == nullptr;
    while (taken.more && taken.seen < run.size()) {
      if (plain) take_objects(run, taken);
      if (!taken.more || taken.seen == run.size()) break;
      if (run.wanted(taken.seen)) {
        taken.more = (*this)(run[taken.seen].open());
        ++taken.handed_out;
      }
      ++taken.seen;
    }
    return taken;
  }

  bool ended() const noexcept { return ended_; }
  fed const& done() const noexcept { return done_; }
  std::optional<error>& failed() noexcept { return failed_; }

private:
  // Goes on while it meets objects of the projection's events, and events that are not wanted.
  template <class Run> void take_objects(Run const& run, run_taken& taken) {
    std::uint64_t const ours = before_.value() -
                               run[0].position().value(); // a multiple of 2^64 more where it is less
    std::uint64_t const size = run[0].position() < before_ ? std::min(run.size(), ours) : 0;
    objects_seen now{taken.seen};
    try {
      // Nothing is noted of an event that goes well: the loop is as short as one that is written by hand.
      while (now.at < size) {
        type_.visit(&run, now, size, kinds_, to_.model);
        if (now.at == size) break;
        if (kinds_.learn(run[now.at], type_.rows)) continue;
        if (run.wanted(now.at)) break;
        kinds_.pass_over(run[now.at], now); // names alone are asked for
      }
    } catch (...) {
      taken.more = thrown(run[now.at].open().at);
      ++now.at;
    }
    std::uint64_t last = now.at; // behind the last one that was handed out
    while (last != taken.seen && !kinds_.knows(run[last - 1])) --last;
    if (last != taken.seen) {
      std::uint64_t const handed_out = now.at - taken.seen - now.others;
      done_.events += handed_out;
      done_.last = run[last - 1].position();
      done_.touched = now.touched == done_.last;
      taken.handed_out += handed_out;
    }
    taken.seen = now.at;
  }

  bool take_one(recorded_event const& found);
  bool thrown(envelope const& at);
  bool stop(error why); // there is nothing more to take

  memory_model const& type_;
  memory_reader to_;
  position before_;
  divert_ref const* divert_;
  object_kinds kinds_;
  fed done_;
  std::optional<error> failed_;
  bool ended_ = false;
};

} // namespace cleave::detail
