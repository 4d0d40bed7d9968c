// SPDX-License-Identifier: BSL-1.0
// Deadlines: work that nobody waits for any more is not begun.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/middleware/chain.hpp>
#include <cleave/middleware/message_name.hpp>

#include <cstdint>

namespace cleave {

// errc::timeout when the context's deadline has passed. A context without one gets `default_us` from now, where that is not 0; the
// layers behind see it (retry_on_conflict ends its waiting by it). What was begun is not broken off.
struct deadline {
  clock_ref clock{};
  std::int64_t default_us = 0;

  template <class M, class Context, class Next>
  auto around(M const&, Context const& context, Next&& next) const -> detail::answer_of<Next, Context> {
    if (context.deadline == timestamp() && default_us == 0) return next(context);
    timestamp const now = clock.now();
    if (context.deadline == timestamp()) {
      Context timed = context;
      timed.deadline = timestamp(now.microseconds() + default_us);
      return next(timed);
    }
    if (now < context.deadline) return next(context);
    using failure = typename detail::answer_of<Next, Context>::error_type;
    return unexpected(
        failure(make_error(errc::timeout, "{} was not begun: its deadline passed {} us before",
                           detail::message_name<M>(), now.microseconds() - context.deadline.microseconds())));
  }
};

} // namespace cleave
