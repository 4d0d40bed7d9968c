// SPDX-License-Identifier: BSL-1.0
// What to call a command or a query in a text for people.
#pragma once

#include <cleave/command/command_set.hpp>
#include <cleave/event/handler_failure.hpp>

#include <string_view>

namespace cleave::detail {

// The stored name of a command that has one, the C++ name of any other type.
template <class Message> constexpr std::string_view message_name() noexcept {
  constexpr std::string_view name = command_name<Message>;
  return name.empty() ? type_text<Message> : name;
}

} // namespace cleave::detail
