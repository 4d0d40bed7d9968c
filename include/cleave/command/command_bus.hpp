// SPDX-License-Identifier: BSL-1.0
// The command bus: routes each command to the one that handles it. The route is fixed at compile time and costs a direct call.
#pragma once

#include <cleave/command/command_set.hpp>
#include <cleave/command/outcome.hpp>

#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <cstddef>
#include <tuple>

namespace cleave {

// Handlers: each has `using commands = command_set<...>` and `execute(command, context) -> command_result`. The bus owns them.
// Any thread may execute; the bus itself has no state.
template <class... Handlers> class command_bus {
  template <class H> using list_of = boost::mp11::mp_rename<typename H::commands, boost::mp11::mp_list>;
  using all_commands = boost::mp11::mp_append<boost::mp11::mp_list<>, list_of<Handlers>...>;

  // The index of the handler that lists C; sizeof...(Handlers) if none does.
  template <class C> static consteval std::size_t route() {
    constexpr bool lists[] = {Handlers::commands::template contains<C>..., true};
    std::size_t index = 0;
    while (!lists[index]) ++index;
    return index;
  }

public:
  static_assert(boost::mp11::mp_is_set<all_commands>::value,
                "cleave: two handlers list one command: each command has exactly one");

  template <class C> static constexpr bool handles = boost::mp11::mp_contains<all_commands, C>::value;

  explicit command_bus(Handlers... handlers) : handlers_(std::move(handlers)...) {}

  template <class C> command_result execute(C const& command, command_context const& context = no_context) {
    static_assert(
        handles<C>,
        "cleave: no handler lists this command: add it to the command_set of a decider or a command handler");
    if constexpr (handles<C>) return std::get<route<C>()>(handlers_).execute(command, context);
    else return unexpected(command_failure(error(errc::unsupported, {})));
  }

private:
  std::tuple<Handlers...> handlers_;
};

} // namespace cleave
