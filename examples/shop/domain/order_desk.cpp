// SPDX-License-Identifier: BSL-1.0
#include "domain/order_desk.hpp"

#include <cleave/command/decider_runner.hpp>

namespace shop {

namespace {

cleave::result<order_facts> look_up(place_order const& command, cleave::sqlite::database& db) {
  order_facts facts;
  auto customer = db.value<std::int64_t>("SELECT 1 FROM customer WHERE id = ?1", command.customer);
  if (!customer) return cleave::unexpected(std::move(customer).error());
  facts.customer_is_known = customer->has_value();
  for (wanted_line const& line : command.lines) {
    auto cents = db.value<std::int64_t>(
        "SELECT cents FROM price WHERE product = ?1 ORDER BY revision DESC LIMIT 1", line.product);
    if (!cents) return cleave::unexpected(std::move(cents).error());
    if (*cents) facts.price_cents.emplace(line.product, **cents);
  }
  return facts;
}

} // namespace

cleave::result<cleave::decision<order_placed>> order_desk::handle(place_order const& command,
                                                                  cleave::sqlite::transaction& in) {
  auto const now = cleave::load<order>(in, cleave::stream_buffer(category, command.order).name());
  if (!now) return cleave::unexpected(now.error());
  auto const facts = look_up(command, in.db());
  if (!facts) return cleave::unexpected(facts.error());
  return now->state.decide(command, *facts);
}

} // namespace shop
