// SPDX-License-Identifier: BSL-1.0
// The write side of an application: the store, the inline projections, and what follows a commit.
#pragma once

#include <cleave/command/write_side.hpp>
#include <cleave/event/event_bus.hpp>
#include <cleave/event/event_store.hpp>
#include <cleave/event/stream_snapshot.hpp>
#include <cleave/middleware/observer.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <type_traits>

namespace cleave::detail {

// What a store decides in: its own scope, or its transaction where inline projections write in it.
template <class Store, bool Inline> struct commit_scope_of {
  struct none {};
  using type = none;
};
template <decides_in_commit Store, bool Inline> struct commit_scope_of<Store, Inline> {
  using type = typename Store::commit_scope;
};
template <decides_in_commit Store>
  requires requires { typename Store::transaction; }
struct commit_scope_of<Store, true> {
  using type = typename Store::transaction;
};

// Where a scope shows its streams; nothing for one that does not.
template <class Scope> struct stream_place_of {
  using type = std::nullptr_t;
};
template <shows_streams Scope> struct stream_place_of<Scope> {
  using type = typename Scope::stream_place;
};

template <class Store, class InlineHosts, class Observer> class application_side {
  using scope = typename commit_scope_of<Store, InlineHosts::size != 0>::type;

  // What an observer is told of a write.
  struct tally {
    bool appended = false;
    std::uint64_t events = 0;
    static tally of(append_request const& request, cleave::appended const& done) noexcept {
      tally seen{.appended = true};
      if (done.repeated) return seen;
      for (stream_append const& part : request.streams) seen.events += part.events.size();
      return seen;
    }
  };

public:
  using store_type = Store;

  application_side(Store& store, InlineHosts& inline_projectors, event_bus& bus, write_options const& options,
                   Observer observer)
      : store_(store),
        inline_projectors_(inline_projectors),
        bus_(bus),
        options_(options),
        observer_(observer) {
    CLEAVE_ASSERT(options.attempts >= 1, "write_options::attempts is at least 1");
  }

  Store& store() noexcept { return store_; }
  write_options const& options() const noexcept { return options_; }
  Observer const& observer() const noexcept { return observer_; }

  // Appends, with the inline projections as a part of it.
  result<appended> append(append_request const& request) {
    return observed([&](tally& of) {
      auto done = append_now(request);
      if (done) of = tally::of(request, *done);
      return done;
    });
  }

  // What a decision inside a commit sees, and appends with.
  class commit {
  public:
    commit(application_side& side, scope& in) noexcept : side_(side), in_(in) {}
    template <event_sink Sink> result<version> read_stream(stream_name stream, stream_range range,
                                                           Sink&& sink) {
      return in_.read_stream(stream, range, sink);
    }
    template <event_sink Sink> result<position> read_all(log_range const& range, Sink&& sink) {
      return in_.read_all(range, sink);
    }
    std::uint64_t rollbacks() const noexcept { return in_.rollbacks(); }
    using stream_place = typename stream_place_of<scope>::type;
    stream_place find_stream(stream_name stream) const noexcept
      requires shows_streams<scope>
    {
      return in_.find_stream(stream);
    }
    stream_name name_of(stream_place place) const noexcept
      requires shows_streams<scope>
    {
      return in_.name_of(place);
    }
    version version_of(stream_place place) const noexcept
      requires shows_streams<scope>
    {
      return in_.version_of(place);
    }
    timestamp now(clock_ref const& clock)
      requires tells_time<scope>
    {
      return in_.now(clock);
    }
    result<appended> append(append_request const& request) {
      auto done = side_.append_in(in_, request, touched_);
      if (done) reached_ = done->position;
      if constexpr (observes_storing<Observer>) {
        if (done) tally_ = tally::of(request, *done);
      }
      return done;
    }

    void keep_snapshot(stream_name stream, version upto, std::uint64_t fingerprint, std::string_view data)
      requires keeps_snapshots<Store>
    {
      in_.keep_snapshot(stream, upto, fingerprint, data);
    }

  private:
    friend class application_side;
    application_side& side_;
    scope& in_;
    bool touched_ = false; // the inline projections
    std::optional<position> reached_;
    [[no_unique_address]] std::conditional_t<observes_storing<Observer>, tally, unobserved> tally_;
  };

  template <class Work> result<void> in_commit(Work const& work) {
    if constexpr (!observes_storing<Observer>) {
      return in_commit_now(work);
    } else {
      return observed([&](tally& of) {
        return in_commit_now([&](commit& now) {
          auto good = work(now);
          of = now.tally_;
          return good;
        });
      });
    }
  }

  // The same inside a transaction of the store; call committed() when that has been committed.
  template <class Scope> result<appended> append_in(Scope& in, append_request const& request) {
    bool touched = false;
    return append_in(in, request, touched);
  }
  void committed(appended const& done) noexcept {
    inline_projectors_.for_each([&](auto& projector) { projector.inline_close(true, done.position); });
  }

  // After the commit: each event goes to the subscribers of the bus, on this thread.
  void published(append_request const& request, appended const& done) noexcept {
    bus_.publish(request, done);
  }

private:
  // Without an observer this is in_commit.
  template <class Work> [[gnu::always_inline]] result<void> in_commit_now(Work const& work) {
    if constexpr (InlineHosts::size == 0) {
      return store_.decide_in_commit([&](scope& in) {
        commit now(*this, in);
        return work(now);
      });
    } else {
      bool touched = false;
      std::optional<position> reached;
      auto const noted = [&](scope& in) {
        commit now(*this, in);
        auto good = work(now);
        touched = now.touched_;
        reached = now.reached_;
        return good;
      };
      if constexpr (Store::keeps_objects) {
        inline_projectors_.for_each([](auto& projector) { projector.inline_open(); });
        auto done = store_.decide_in_commit(noted);
        if (!done) reached.reset();
        inline_projectors_.for_each([&](auto& projector) { projector.inline_close(touched, reached); });
        return done;
      } else {
        auto done = store_.transact(noted);
        if (done && touched)
          inline_projectors_.for_each([&](auto& projector) { projector.inline_close(true, reached); });
        return done;
      }
    }
  }

  result<appended> append_now(append_request const& request) {
    if constexpr (InlineHosts::size == 0) return store_.append(request);
    else return inline_append(store_, request);
  }

  // write(tally&) -> result; the observer, if it wants to, hears of it unless there was nothing to store.
  template <class Write> auto observed(Write&& write) {
    tally of;
    if constexpr (!observes_storing<Observer>) {
      return write(of);
    } else {
      timestamp const begin = options_.clock.now();
      auto done = write(of);
      written what{.took_us = options_.clock.now().microseconds() - begin.microseconds(),
                   .events = of.events};
      if (!done) what.failed = &done.error();
      if (!done || of.appended) observer_.on(what);
      return done;
    }
  }

  template <class Scope> result<appended> append_in(Scope& in, append_request const& request, bool& touched) {
    if constexpr (InlineHosts::size == 0) {
      return in.append(request);
    } else if constexpr (requires { typename Store::transaction; }) {
      return in.append(request, [&](recorded_event const& recorded, Scope& inside) {
        touched = true;
        return inline_apply(recorded, inside);
      });
    } else {
      return in.append(request, [&](unopened_event auto const& found) {
        touched = true;
        return inline_apply(found);
      });
    }
  }

  result<appended> inline_append(Store& store, append_request const& request) {
    bool touched = false;
    inline_projectors_.for_each([](auto& projector) { projector.inline_open(); });
    auto done = [&] {
      if constexpr (requires { typename Store::transaction; }) {
        return store.append(request, [&](recorded_event const& recorded, typename Store::transaction& in) {
          touched = true;
          return inline_apply(recorded, in);
        });
      } else {
        return store.append(request, [&](unopened_event auto const& found) {
          touched = true;
          return inline_apply(found);
        });
      }
    }();
    inline_projectors_.for_each([&](auto& projector) {
      projector.inline_close(touched, done ? std::optional(done->position) : std::nullopt);
    });
    return done;
  }

  // Event: unopened where the store shows it so.
  template <class Event, class... Transaction> result<void> inline_apply(Event const& event,
                                                                         Transaction&... in) {
    result<void> good;
    inline_projectors_.for_each([&](auto& projector) {
      if (good) good = projector.inline_apply(event, in...);
    });
    return good;
  }

  Store& store_;
  InlineHosts& inline_projectors_;
  event_bus& bus_;
  write_options options_;
  [[no_unique_address]] Observer observer_;
};

} // namespace cleave::detail
