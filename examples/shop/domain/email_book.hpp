// SPDX-License-Identifier: BSL-1.0
// E-mail addresses: no two customers have the same one at a time. A rule over all customers, so it belongs to no stream: it is decided
// on the events that carry the address or the customer as a tag, wherever they are, and committed while none has been added.
#pragma once

#include <cleave/command/boundary.hpp>

#include "domain/commands.hpp"
#include "domain/events.hpp"

#include <map>
#include <string>
#include <string_view>

namespace shop {

// As addresses are compared: in lower case, and of plain ASCII; what is none becomes '?', and is rejected.
std::string plain_email(std::string_view email);

struct email_book {
  using commands = cleave::command_set<set_email>;
  using events = cleave::event_set<customer_registered, email_changed>;
  static constexpr std::string_view category = "customer";
  static std::string const& id(set_email const& command) { return command.customer; }
  static cleave::boundary_query boundary(set_email const& command) {
    return cleave::events_with<email_changed>("email:" + plain_email(command.email)) |
           cleave::events_with<customer_registered, email_changed>("customer:" + command.customer);
  }

  bool customer_is_known = false;           // the one who asks
  std::map<std::string, std::string> owner; // by address
  std::map<std::string, std::string> email; // by customer

  void evolve(customer_registered const&) { customer_is_known = true; }
  void evolve(email_changed const& event);

  // Rejects: unknown-customer, not-an-email, email-taken. The address that the customer has already: no event.
  cleave::decision<email_changed> decide(set_email const& command) const;
};

} // namespace shop
