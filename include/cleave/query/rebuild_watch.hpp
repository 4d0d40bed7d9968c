// SPDX-License-Identifier: BSL-1.0
// Tells an observer how far a rebuild is.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/step.hpp>
#include <cleave/event/position.hpp>
#include <cleave/query/rebuild.hpp>

#include <concepts>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

namespace cleave {

// While a version of a projection stands beside the one that answers, or is removed, and once more when that is over: once a second
// at the most, behind a step of the projection.
struct rebuild_progress {
  std::string_view projection; // its name without the version
  rebuild_status const& status;
};

namespace detail {

template <class Projector>
concept tells_of_rebuilds = requires(Projector& projector) {
  { projector.status() } -> std::same_as<rebuild_status>;
};

template <class Observer>
concept observes_rebuilding = requires(Observer const& observer, rebuild_progress const& what) {
  observer.on(what);
};

// Of one projection. Any thread.
class rebuild_watch {
public:
  // Both must outlive it.
  template <class Projector, class Observer>
  rebuild_watch(std::string_view projection, Projector& projector, Observer const& observer,
                clock_ref const& clock)
      : projection_(projection),
        projector_(&projector),
        ask_([](void* asked) { return static_cast<Projector*>(asked)->status(); }),
        observer_(&observer),
        tell_([](void const* told, rebuild_progress const& what) {
          static_cast<Observer const*>(told)->on(what);
        }),
        clock_(clock) {}
  rebuild_watch(rebuild_watch const&) = delete;
  rebuild_watch& operator=(rebuild_watch const&) = delete;

  // Behind a step.
  void look() noexcept;

private:
  std::string_view projection_;
  void* projector_;
  rebuild_status (*ask_)(void* projector);
  void const* observer_;
  void (*tell_)(void const* observer, rebuild_progress const& what);
  clock_ref clock_;
  std::mutex mutex_; // guards what follows
  std::optional<timestamp> looked_at_;
  bool told_ = false; // of one that was not over
};

// What a thread steps in the place of a machine whose steps are watched.
class watched_machine {
public:
  template <class Machine>
  watched_machine(Machine& machine, rebuild_watch& watch) noexcept
      : machine_(&machine),
        step_([](void* m) noexcept { return static_cast<Machine*>(m)->step(); }),
        reached_([](void* m) noexcept { return static_cast<Machine*>(m)->reached(); }),
        watch_(&watch) {}

  cleave::step step() noexcept {
    auto const done = step_(machine_);
    watch_->look();
    return done;
  }
  position reached() const noexcept { return reached_(machine_); }

private:
  void* machine_;
  cleave::step (*step_)(void*) noexcept;
  position (*reached_)(void*) noexcept;
  rebuild_watch* watch_;
};

} // namespace detail

} // namespace cleave
