// SPDX-License-Identifier: BSL-1.0
// Customers: state-stored. The row and the event are written in one transaction.
#pragma once

#include <cleave/command/command_handler.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "domain/commands.hpp"
#include "domain/events.hpp"

#include <string>
#include <string_view>

namespace shop {

struct customers {
  using commands = cleave::command_set<register_customer>;
  static constexpr std::string_view category = "customer";
  static std::string const& id(register_customer const& command) { return command.customer; }

  // Rejects: customer-exists, empty-name.
  cleave::result<cleave::decision<customer_registered>> handle(register_customer const& command,
                                                               cleave::sqlite::transaction& in);
};

} // namespace shop
