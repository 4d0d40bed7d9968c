// SPDX-License-Identifier: BSL-1.0
// The questions of the command line: each asks a read model, or the log, and prints the answer as JSON or as a table.
#pragma once

#include "application.hpp"
#include "cli/arguments.hpp"

#include <ostream>

namespace shop {

cleave::result<void> print_revenue(running_shop& shop, arguments const& given, std::ostream& out);
cleave::result<void> print_best_sellers(running_shop& shop, arguments const& given, std::ostream& out);
cleave::result<void> print_open_orders(running_shop& shop, arguments const& given, std::ostream& out);
// errc::not_found for a customer that is not registered.
cleave::result<void> print_orders(running_shop& shop, arguments const& given, std::ostream& out);
// Reads the order's stream. errc::not_found for an order that was never placed.
cleave::result<void> print_history(running_shop& shop, arguments const& given, std::ostream& out);

} // namespace shop
