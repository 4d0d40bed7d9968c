// SPDX-License-Identifier: BSL-1.0
// A rate limit: so many commands or queries a second, and so many at once after a quiet time.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/middleware/chain.hpp>
#include <cleave/middleware/message_name.hpp>

#include <atomic>
#include <cstdint>

namespace cleave {

struct rate_limit_options {
  std::uint32_t per_second = 1'000; // 1 to 1,000,000
  std::uint32_t burst = 100;        // 1 to 1,000,000
  clock_ref clock{};
};

// The generic cell rate algorithm (ITU-T I.371): one word says when the next one would be on time. Any thread, without a lock.
class rate_limiter {
public:
  explicit rate_limiter(rate_limit_options const& options) noexcept;
  rate_limiter(rate_limiter const&) = delete;
  rate_limiter& operator=(rate_limiter const&) = delete;

  // True, and one is taken; or false. A clock that was set back counts as a quiet time.
  bool try_take() noexcept;
  rate_limit_options const& options() const noexcept { return options_; }

private:
  rate_limit_options options_;
  std::int64_t interval_ns_ = 0;
  std::atomic<std::int64_t> on_time_ns_{INT64_MIN};
};

// errc::limit_exceeded beyond the limit; nothing waits. The limiter may stand in several chains and must outlive them.
struct rate_limit {
  rate_limiter* limiter;

  template <class M, class Context, class Next>
  auto around(M const&, Context const& context, Next&& next) const -> detail::answer_of<Next, Context> {
    if (limiter->try_take()) return next(context);
    using failure = typename detail::answer_of<Next, Context>::error_type;
    return unexpected(failure(
        make_error(errc::limit_exceeded, "{} was not begun: the limit is {} a second, {} at once",
                   detail::message_name<M>(), limiter->options().per_second, limiter->options().burst)));
  }
};

} // namespace cleave
