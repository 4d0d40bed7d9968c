// SPDX-License-Identifier: BSL-1.0
// Takes orders. What an order must know about customers and products stands in tables, so it is looked up in the transaction that
// stores the order: no product can vanish, and no second order of the same number can come, between the look and the commit.
#pragma once

#include <cleave/command/command_handler.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "domain/order.hpp"

#include <cstdint>
#include <string_view>

namespace shop {

struct order_desk {
  using commands = cleave::command_set<place_order>;
  static constexpr std::string_view category = order::category;
  static std::int64_t id(place_order const& command) { return command.order; }

  // Rejects what order::decide rejects.
  cleave::result<cleave::decision<order_placed>> handle(place_order const& command,
                                                        cleave::sqlite::transaction& in);
};

} // namespace shop
