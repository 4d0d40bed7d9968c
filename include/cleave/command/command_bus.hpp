// SPDX-License-Identifier: BSL-1.0
// The command bus: routes each command to the one that handles it. The route is fixed at compile time and costs a direct call.
#pragma once

#include <cleave/base/pack.hpp>
#include <cleave/base/route_table.hpp>
#include <cleave/command/command_set.hpp>
#include <cleave/command/outcome.hpp>

#include <utility>

namespace cleave {

// Handlers: each has `using commands = command_set<...>` and `execute(command, context) -> command_result`. The bus owns them.
// Any thread may execute; the bus itself has no state.
template <class... Handlers> class command_bus {
  using routes = detail::route_table<typename Handlers::commands...>;

public:
  static_assert(routes::is_unique, "cleave: two handlers list one command: each command has exactly one");

  template <class C> static constexpr bool handles = routes::template number_of<C> != 0;

  explicit command_bus(Handlers... handlers) : handlers_{{std::move(handlers)}...} {}

  // Inlined also where nothing else is: two functions less for each command of an application.
  template <class C>
  [[gnu::always_inline]] command_result execute(C const& command,
                                                command_context const& context = no_context) {
    static_assert(
        handles<C>,
        "cleave: no handler lists this command: add it to the command_set of a decider or a command handler");
    if constexpr (handles<C>)
      return detail::slot_of<routes::template number_of<C> - 1>(handlers_).execute(command, context);
    else return unexpected(command_failure(error(errc::unsupported, {})));
  }

private:
  detail::pack<Handlers...> handlers_;
};

} // namespace cleave
