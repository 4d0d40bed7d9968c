// SPDX-License-Identifier: BSL-1.0
// Products and their prices: state-stored. The rows and the event are written in one transaction.
#pragma once

#include <cleave/command/command_handler.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "domain/commands.hpp"
#include "domain/events.hpp"

#include <cstdint>
#include <string_view>

namespace shop {

struct catalogue {
  using commands = cleave::command_set<add_product, change_price>;
  static constexpr std::string_view category = "product";
  static std::int64_t id(auto const& command) { return command.product; }

  // Rejects: product-exists, empty-name, negative-price, price-too-high.
  cleave::result<cleave::decision<product_added>> handle(add_product const& command,
                                                         cleave::sqlite::transaction& in);
  // Rejects: unknown-product, negative-price, price-too-high. The price that it has already: no event.
  cleave::result<cleave::decision<price_changed>> handle(change_price const& command,
                                                         cleave::sqlite::transaction& in);
};

} // namespace shop
