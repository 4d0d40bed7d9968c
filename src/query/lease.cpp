// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/lease.hpp>

namespace cleave::detail {

bool lease_holder::due(timestamp now) const noexcept {
  auto const left = until_.microseconds() - now.microseconds();
  // More than the whole is left when the clock was set back.
  return held() && (left < lease_us_ / 2 || left > lease_us_);
}

bool lease_holder::free(std::optional<lease> const& stored, timestamp now) const noexcept {
  return !stored || stored->until <= now;
}

result<std::optional<lease>> lease_holder::next(std::optional<lease> const& stored, timestamp now,
                                                std::string_view projection) {
  pending_term_ = 0;
  bool const ours = held() && stored && stored->owner == owner_ && stored->term == term_;
  if (ours && !due(now)) return std::optional<lease>();
  if (!ours && (held() || !free(stored, now))) {
    term_ = 0;
    return unexpected(make_error(errc::busy, "projection {}: another process holds the lease (term {})",
                                 projection, stored ? stored->term : 0));
  }
  pending_term_ = ours ? term_ : stored ? stored->term + 1 : 1;
  pending_until_ = timestamp(now.microseconds() + lease_us_);
  return std::optional(lease{owner_, pending_term_, pending_until_});
}

void lease_holder::committed() noexcept {
  if (pending_term_ == 0) return;
  term_ = pending_term_;
  until_ = pending_until_;
  pending_term_ = 0;
}

std::optional<lease> lease_holder::released(std::optional<lease> const& stored) const noexcept {
  if (!held() || !stored || stored->owner != owner_ || stored->term != term_) return {};
  return lease{owner_, term_, timestamp()};
}

} // namespace cleave::detail
