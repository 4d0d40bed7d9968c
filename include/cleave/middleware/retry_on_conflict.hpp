// SPDX-License-Identifier: BSL-1.0
// Sends a command that lost every one of its races once more, after a while.
#pragma once

#include <cleave/base/backoff.hpp>
#include <cleave/base/clock.hpp>
#include <cleave/base/id.hpp>
#include <cleave/middleware/chain.hpp>

namespace cleave {

// Runs what stands behind it again after errc::version_conflict and errc::busy, with a growing wait of random length between, until
// backoff.attempts are made or the next one would come after the context's deadline; then that error is the answer. Deciders and
// boundaries decide anew at once, write_options::attempts times; this is for what is fought over for longer.
struct retry_on_conflict {
  backoff_options backoff{};
  waiter_ref waiter{};
  clock_ref clock{};
  id_source_ref ids{}; // the seed of the waits

  template <class M, class Context, class Next>
  auto around(M const&, Context const& context, Next&& next) const -> detail::answer_of<Next, Context> {
    auto answer = next(context);
    if (!lost(detail::error_in(answer))) return answer;
    cleave::backoff waits(backoff, seed());
    do {
      auto const wait_us = waits.next();
      if (!wait_us || too_late(context.deadline, *wait_us)) return answer;
      waiter.wait(*wait_us);
      answer = next(context);
    } while (lost(detail::error_in(answer)));
    return answer;
  }

private:
  static bool lost(error const* why) noexcept {
    return why != nullptr && (why->code() == errc::version_conflict || why->code() == errc::busy);
  }
  bool too_late(timestamp deadline, std::int64_t wait_us) const {
    return deadline != timestamp() && clock.now().microseconds() + wait_us >= deadline.microseconds();
  }
  std::uint64_t seed() const {
    std::uint64_t made = 0;
    uuid const fresh = ids.next(clock.now());
    for (std::uint8_t const byte : fresh.bytes()) made = made * 257 + byte;
    return made;
  }
};

} // namespace cleave
