// SPDX-License-Identifier: BSL-1.0
// How long a consumer of an asynchronous bus lets the publisher write before it looks again.
#pragma once

#include <cstddef>

namespace cleave::detail {

// A consumer that is faster than the publisher takes the cache line of the publisher's position away from it for every event, and
// both become slow. So it waits a moment after a small batch. How long depends on the publisher. In a stream of events a longer
// wait brings more of them, and the wait doubles as long as it does. A single event that something else waits for to be answered
// comes alone however long the wait was: then the wait falls back to the least, which is shorter than the way to another core and
// back.
class async_pace {
public:
  static constexpr unsigned least = 4; // in machine::relax()
  static constexpr unsigned most = 64;
  static constexpr std::size_t small_batch = 64;

  // For how many relax() to wait, after so many events were handled at once; none of them means that there is nothing to read.
  unsigned after(std::size_t handled) noexcept {
    if (handled == 0) wait_ = least;
    if (handled == 0 || handled > small_batch) return 0;
    bool const worth_it = handled * waits_for_one > wait_;
    if (worth_it && wait_ < most) wait_ *= 2;
    if (!worth_it && wait_ > least) wait_ /= 2;
    return wait_;
  }

private:
  static constexpr unsigned waits_for_one = 4; // a stream brings an event in less than so many
  unsigned wait_ = least;
};

} // namespace cleave::detail
