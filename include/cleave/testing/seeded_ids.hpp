// SPDX-License-Identifier: BSL-1.0
// Ids that are the same in every run of a test.
#pragma once

#include <cleave/base/id.hpp>
#include <cleave/testing/manual_clock.hpp>

#include <cstdint>

namespace cleave::testing {

// UUIDv7s that rise, as an application's would, and depend on nothing but the seed. Any thread may call at once.
class seeded_ids {
public:
  explicit seeded_ids(std::uint64_t seed = 1) noexcept : source_(seed) {}

  event_id next_event() noexcept { return event_id(next()); }
  command_id next_command() noexcept { return command_id(next()); }
  correlation_id next_correlation() noexcept { return correlation_id(next()); }
  causation_id next_causation() noexcept { return causation_id(next()); }
  uuid next() noexcept { return source_.next(manual_clock::default_start); }
  // The same source for options that take an id_source_ref; it must outlive them.
  uuid_v7_source& source() noexcept { return source_; }

private:
  uuid_v7_source source_;
};

} // namespace cleave::testing
