// SPDX-License-Identifier: BSL-1.0
// How far a projection is, and the waiting for it.
#pragma once

#include <cleave/base/error.hpp>
#include <cleave/base/result.hpp>
#include <cleave/event/commit_signal.hpp>
#include <cleave/event/position.hpp>
#include <cleave/query/consistency.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace cleave {

// One projection as seen from outside.
struct projection_status {
  std::string name;
  position checkpoint;     // it reflects every event up to here
  std::string failure;     // why it stopped; empty while it works
  std::size_t waiting = 0; // queries that wait for it at the moment
};

// Every function may be called from any thread.
class projection_progress {
public:
  explicit projection_progress(std::string_view name);
  projection_progress(projection_progress const&) = delete;
  projection_progress& operator=(projection_progress const&) = delete;
  ~projection_progress();

  std::string_view name() const noexcept { return name_; }
  position reached() const noexcept { return reached_.last(); }
  // Never moves backwards. Wakes who waits for it.
  void advance(position to) noexcept { reached_.publish(to); }
  // The projection has stopped for good. The first failure stays. Wakes everyone.
  void fail(error why);
  bool failed() const noexcept;
  projection_status status() const;

  // Returns when the wanted position is reached; errc::stale after the timeout; the failure, as the cause of an errc::stale, as
  // soon as there is one and the position cannot be reached any more.
  result<void> wait(at_least wanted);
  // Ends all waits with errc::stale, now and from now on, and returns when none is under way. For shutdown: who waited does not
  // touch this object any more.
  void close() noexcept;

private:
  struct state;

  std::string name_;
  commit_signal reached_;
  state* state_;
};

} // namespace cleave
