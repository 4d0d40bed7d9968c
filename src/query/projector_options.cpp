// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/projector_options.hpp>

#include <algorithm>

namespace cleave::detail {

batch_size::batch_size(projector_options const& options) noexcept
    : least_(std::max<std::uint64_t>(1, std::min(options.least_batch, options.batch))),
      most_(std::max<std::uint64_t>(1, options.batch)),
      target_us_(options.batch_us),
      next_(least_) {}

void batch_size::done(std::uint64_t events, std::int64_t took_us) noexcept {
  if (took_us > target_us_ || events < next_ / 2) next_ = std::max(least_, next_ / 2);
  else if (events >= next_ && took_us <= target_us_ / 2) next_ = next_ > most_ / 2 ? most_ : next_ * 2;
}

retry_schedule::retry_schedule(projector_options const& options) noexcept
    : attempts_(std::max(1u, options.attempts)),
      first_us_(std::max<std::int64_t>(0, options.retry_us)),
      longest_us_(std::max<std::int64_t>(0, options.longest_retry_us)) {}

bool retry_schedule::due(timestamp now) const noexcept {
  if (wait_us_ == 0 || now < since_) return true;
  return now.microseconds() - since_.microseconds() >= wait_us_;
}

bool retry_schedule::failed(timestamp now) noexcept {
  if (++failures_ >= attempts_) {
    failures_ = attempts_;
    wait_us_ = 0;
    return false;
  }
  wait_us_ = failures_ == 1 ? first_us_ : wait_us_ > longest_us_ / 2 ? longest_us_ : wait_us_ * 2;
  wait_us_ = std::min(wait_us_, longest_us_);
  since_ = now;
  return true;
}

void retry_schedule::succeeded() noexcept {
  failures_ = 0;
  wait_us_ = 0;
}

bool is_machine_trouble(error const& why) noexcept {
  for (error const* at = &why; at != nullptr; at = at->cause()) {
    switch (at->code()) {
    case errc::busy:
    case errc::io_error:
    case errc::disk_full:
    case errc::read_only:
    case errc::corrupt:
    case errc::newer_schema:
    case errc::not_a_store:
    case errc::store_failed:
    case errc::stopped: return true;
    default: break;
    }
  }
  return false;
}

} // namespace cleave::detail
