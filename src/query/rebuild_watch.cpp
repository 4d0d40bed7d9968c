// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/rebuild_watch.hpp>

namespace cleave::detail {

namespace {

constexpr std::int64_t between_us = 1'000'000;

} // namespace

void rebuild_watch::look() noexcept {
  std::unique_lock const lock(mutex_, std::try_to_lock);
  if (!lock) return; // another worker's step is just being told of
  try {
    timestamp const now = clock_.now();
    if (looked_at_ && now >= *looked_at_ && now.microseconds() - looked_at_->microseconds() < between_us)
      return;
    looked_at_ = now;
    rebuild_status const status = ask_(projector_);
    bool const goes_on = status.stage != rebuild_stage::none;
    if (goes_on || told_) tell_(observer_, {projection_, status});
    told_ = goes_on;
  } catch (...) {
    return; // no memory for the status: the next step is told of
  }
}

} // namespace cleave::detail
