// SPDX-License-Identifier: BSL-1.0
// The thread runner around a state machine: steps it while it works, parks while it is idle.
#pragma once

#include <cleave/base/step.hpp>
#include <cleave/event/commit_signal.hpp>
#include <cleave/event/position.hpp>

#include <cstdint>

namespace cleave {

// Starts a thread that calls machine.step() until the object is destroyed, which waits for the step under way and no longer.
// When the machine is idle, the thread sleeps until `source` shows more than machine.reached(), at most `poll_us` microseconds: the
// bound on what a lost wake-up, or a commit of another process, can cost. After step::waiting it sleeps `poll_us`; after step::failed it rests until destroyed.
// The machine's step must not throw; machine and source must outlive the object.
class step_thread {
public:
  template <class Machine>
  step_thread(Machine& machine, commit_signal& source, std::int64_t poll_us)
      : step_thread(
            &machine, [](void* m) noexcept { return static_cast<Machine*>(m)->step(); },
            [](void* m) noexcept { return static_cast<Machine*>(m)->reached(); }, source, poll_us) {}
  step_thread(step_thread const&) = delete;
  step_thread& operator=(step_thread const&) = delete;
  ~step_thread();

private:
  using step_function = cleave::step(void*) noexcept;
  using reached_function = position(void*) noexcept;
  struct state;

  step_thread(void* machine, step_function* step, reached_function* reached, commit_signal& source,
              std::int64_t poll_us);

  state* state_;
};

} // namespace cleave
