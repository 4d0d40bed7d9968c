// SPDX-License-Identifier: BSL-1.0
// Who may do what: the rules of the authorisation around every command. What is not named here nobody may.
#pragma once

#include <cleave/base/principal.hpp>

#include "domain/commands.hpp"

namespace shop {

// Roles: "keeper" may do everything, "warehouse" ships and notes. A customer, by the name of its id, orders, notes on nothing, and sets
// its own e-mail address.
struct access {
  using principal = cleave::principal;
  static bool keeps(principal const& who) { return who.has("keeper"); }

  bool allows(principal const& who, register_customer const&) const { return keeps(who); }
  bool allows(principal const& who, add_product const&) const { return keeps(who); }
  bool allows(principal const& who, change_price const&) const { return keeps(who); }
  bool allows(principal const& who, cancel_order const&) const { return keeps(who); }
  bool allows(principal const& who, ship_order const&) const { return keeps(who) || who.has("warehouse"); }
  bool allows(principal const& who, note_on_order const&) const { return keeps(who) || who.has("warehouse"); }
  bool allows(principal const& who, place_order const& command) const {
    return keeps(who) || is_customer(who, command.customer);
  }
  bool allows(principal const& who, set_email const& command) const {
    return keeps(who) || is_customer(who, command.customer);
  }

private:
  static bool is_customer(principal const& who, std::string_view customer) {
    return who.has("customer") && who.name == customer;
  }
};

} // namespace shop
