// SPDX-License-Identifier: BSL-1.0
#include "domain/order.hpp"

#include <optional>
#include <set>

namespace shop {

namespace {

using cleave::reject;
using cleave::rejection;

// The line as it will be sold, or why it cannot be.
std::optional<rejection> check_line(wanted_line const& wanted, order_facts const& facts, order_line& sold) {
  auto const today = facts.price_cents.find(wanted.product);
  if (today == facts.price_cents.end())
    return reject("unknown-product", "there is no product {}", wanted.product);
  sold = order_line{.product = wanted.product,
                    .quantity = wanted.quantity,
                    .unit_price_cents = wanted.unit_price_cents.value_or(today->second),
                    .discount_percent = wanted.discount_percent.value_or(0)};
  if (sold.quantity < 1) {
    return reject("quantity-under-one", "{} of product {} were ordered", sold.quantity, sold.product);
  }
  if (sold.quantity > max_quantity) {
    return reject("quantity-too-high", "{} of product {} were ordered, at most {} can be", sold.quantity,
                  sold.product, max_quantity);
  }
  if (sold.unit_price_cents < 0) {
    return reject("negative-price", "product {} cannot cost {} cents", sold.product, sold.unit_price_cents);
  }
  if (sold.unit_price_cents > max_price_cents) {
    return reject("price-too-high", "product {} cannot cost {} cents, {} is the limit", sold.product,
                  sold.unit_price_cents, max_price_cents);
  }
  if (sold.discount_percent < 0 || sold.discount_percent > 100) {
    return reject("discount-out-of-range", "the discount on product {} is {} %, not 0 to 100", sold.product,
                  sold.discount_percent);
  }
  return std::nullopt;
}

} // namespace

cleave::decision<order_placed> order::decide(place_order const& command, order_facts const& facts) const {
  if (now != phase::unknown) return reject("order-exists", "there is an order {} already", command.order);
  if (!facts.customer_is_known)
    return reject("unknown-customer", "there is no customer {}", command.customer);
  if (command.lines.empty()) return reject("empty-order", "order {} has no lines", command.order);

  order_placed placed{
      .order = command.order, .customer = command.customer, .placed_on = command.placed_on, .lines = {}};
  std::set<std::int64_t> seen;
  std::int64_t cents = 0;
  for (wanted_line const& wanted : command.lines) {
    order_line& sold = placed.lines.emplace_back();
    if (auto refused = check_line(wanted, facts, sold)) return std::move(*refused);
    if (!seen.insert(sold.product).second) {
      return reject("product-twice", "order {} names product {} in two lines", command.order, sold.product);
    }
    // Checked line by line: the sum stays below the limit and one line, which fits 64 bits.
    cents += sold.full_price_cents();
    if (cents > max_order_cents) {
      return reject("order-too-large", "order {} comes to more than {} cents", command.order,
                    max_order_cents);
    }
  }
  return placed;
}

cleave::decision<order_shipped> order::decide(ship_order const& command) const {
  switch (now) {
  case phase::unknown: return reject("unknown-order", "there is no order {}", command.order);
  case phase::shipped: return reject("already-shipped", "order {} was shipped before", command.order);
  case phase::cancelled:
    return reject("ship-after-cancelling", "order {} was cancelled, it cannot be shipped", command.order);
  case phase::placed: break;
  }
  return order_shipped{.order = command.order, .shipped_on = command.shipped_on};
}

cleave::decision<order_cancelled> order::decide(cancel_order const& command) const {
  switch (now) {
  case phase::unknown: return reject("unknown-order", "there is no order {}", command.order);
  case phase::shipped:
    return reject("cancel-after-shipping", "order {} was shipped, it cannot be cancelled", command.order);
  case phase::cancelled: return reject("already-cancelled", "order {} was cancelled before", command.order);
  case phase::placed: break;
  }
  return order_cancelled{.order = command.order, .reason = command.reason};
}

cleave::decision<order_noted> order::decide(note_on_order const& command) const {
  if (now == phase::unknown) return reject("unknown-order", "there is no order {}", command.order);
  if (command.text.empty()) return reject("empty-note", "a note on order {} says nothing", command.order);
  if (notes >= max_notes)
    return reject("too-many-notes", "order {} has {} notes already", command.order, notes);
  return order_noted{.order = command.order, .text = command.text};
}

} // namespace shop
