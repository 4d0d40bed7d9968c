// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/limits.hpp>
#include <cleave/query/step_thread.hpp>

#include <atomic>
#include <thread>

namespace cleave {

struct step_thread::state {
  void* machine;
  step_function* step;
  reached_function* reached;
  commit_signal* source;
  std::int64_t poll_us;
  std::atomic<bool> stopping = false;
  std::thread thread{};

  void run() const {
    for (;;) {
      // Read before the flag: an interrupt sent after the flag was set is then never missed.
      auto const seen = source->interrupts();
      if (stopping.load(std::memory_order_acquire)) return;
      switch (step(machine)) {
      case cleave::step::worked: break;
      case cleave::step::idle: source->wait_for(reached(machine).next(), poll_us, seen); break;
      // Growth of the log is no reason to call sooner.
      case cleave::step::waiting: source->wait_for(position(limits::position_max), poll_us, seen); break;
      case cleave::step::failed: source->wait_for(position(limits::position_max), INT64_MAX, seen); break;
      }
    }
  }
};

step_thread::step_thread(void* machine, step_function* step, reached_function* reached, commit_signal& source,
                         std::int64_t poll_us)
    : state_(new state{machine, step, reached, &source, poll_us}) {
  try {
    state_->thread = std::thread([this] { state_->run(); });
  } catch (...) {
    delete state_;
    throw;
  }
}

step_thread::~step_thread() {
  state_->stopping.store(true, std::memory_order_release);
  state_->source->interrupt();
  state_->thread.join();
  delete state_;
}

} // namespace cleave
