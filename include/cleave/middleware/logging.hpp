// SPDX-License-Identifier: BSL-1.0
// Logging: tells an observer what became of each command or query. What the observer writes, and where, is its business.
//
//   struct to_stderr {
//     void on(cleave::handled const& what) const;
//   };
//   cleave::around_commands(cleave::logging{to_stderr{}})
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/principal.hpp>
#include <cleave/event/position.hpp>
#include <cleave/middleware/chain.hpp>
#include <cleave/middleware/message_name.hpp>

#include <cstdint>
#include <string_view>

namespace cleave {

// Views, valid during the call.
struct handled {
  std::string_view what;              // the command's stored name, or the C++ name of its or the query's type
  principal const* who = nullptr;     // nobody: nullptr
  std::int64_t took_us = 0;           // by the clock; it may have been set meanwhile
  error const* failed = nullptr;      // not for a rejection
  rejection const* refused = nullptr; // of a command
  cleave::position position{};        // of a command that was executed: the commit
};

// The observer is called on the thread of the command, from several at once.
template <class Observer> struct logging {
  Observer observer{};
  clock_ref clock{};

  template <class M, class Context, class Next>
  auto around(M const&, Context const& context, Next&& next) -> detail::answer_of<Next, Context> {
    static_assert(
        requires(handled const& what) { observer.on(what); },
        "cleave: the observer of logging{...} hears of each command or query: add `void on(cleave::handled const&)`");
    timestamp const begin = clock.now();
    auto answer = next(context);
    handled what{.what = detail::message_name<M>(),
                 .who = context.principal,
                 .took_us = clock.now().microseconds() - begin.microseconds(),
                 .failed = detail::error_in(answer)};
    if constexpr (requires { answer->position; }) {
      if (answer) what.position = answer->position;
      else if (answer.error().is_rejection()) what.refused = &answer.error().rejection();
    }
    if constexpr (requires { observer.on(what); }) observer.on(what);
    return answer;
  }
};
template <class Observer> logging(Observer) -> logging<Observer>;
template <class Observer> logging(Observer, clock_ref) -> logging<Observer>;

} // namespace cleave
