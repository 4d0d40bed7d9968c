// SPDX-License-Identifier: BSL-1.0
// The order: event-sourced, and pure. It sees its own events, the command, and the facts that it is given; nothing else.
//
//   place -> placed -> shipped
//                   -> cancelled
//
// Notes make an order long: every hundred events its state is kept as a snapshot, so that the next command reads few.
#pragma once

#include <cleave/command/decider.hpp>
#include <cleave/command/snapshots.hpp>

#include "domain/commands.hpp"
#include "domain/events.hpp"

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <cstdint>
#include <map>
#include <string_view>

namespace shop {

// Limits that keep every sum far inside 64 bits.
inline constexpr std::int64_t max_price_cents = 1'000'000'000;   // of one unit: ten million
inline constexpr std::int64_t max_quantity = 1'000'000;          // of one line
inline constexpr std::int64_t max_order_cents = 100'000'000'000; // of one order: a thousand million
inline constexpr std::int64_t max_notes = 10'000;                // on one order

// What an order has to know about the rest of the shop before it can be placed.
struct order_facts {
  bool customer_is_known = false;
  std::map<std::int64_t, std::int64_t> price_cents; // today's price of each product of the order that exists
};

struct order {
  using commands = cleave::command_set<ship_order, cancel_order,
                                       note_on_order>; // place_order comes through the order_desk, with facts
  using events = cleave::event_set<order_placed, order_shipped, order_cancelled, order_noted>;
  static constexpr std::string_view category = "order";
  static std::int64_t id(auto const& command) { return command.order; }

  enum class phase : std::uint8_t { unknown, placed, shipped, cancelled };
  BOOST_DESCRIBE_NESTED_ENUM(phase, unknown, placed, shipped, cancelled)
  static constexpr cleave::snapshot_policy snapshots{.every = 100};
  phase now = phase::unknown;
  std::int64_t notes = 0;

  void evolve(order_placed const&) { now = phase::placed; }
  void evolve(order_shipped const&) { now = phase::shipped; }
  void evolve(order_cancelled const&) { now = phase::cancelled; }
  void evolve(order_noted const&) { ++notes; }

  // Rejects: order-exists, unknown-customer, empty-order, unknown-product, product-twice, quantity-under-one, quantity-too-high,
  // negative-price, price-too-high, discount-out-of-range, order-too-large.
  cleave::decision<order_placed> decide(place_order const& command, order_facts const& facts) const;
  // Rejects: unknown-order, already-shipped, ship-after-cancelling.
  cleave::decision<order_shipped> decide(ship_order const& command) const;
  // Rejects: unknown-order, already-cancelled, cancel-after-shipping.
  cleave::decision<order_cancelled> decide(cancel_order const& command) const;
  // Rejects: unknown-order, empty-note, too-many-notes.
  cleave::decision<order_noted> decide(note_on_order const& command) const;
};
BOOST_DESCRIBE_STRUCT(order, (), (now, notes))

} // namespace shop
