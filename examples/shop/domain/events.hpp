// SPDX-License-Identifier: BSL-1.0
// Everything that can happen in the shop: what the write side tells, and all that the read models know.
//
// Streams: customer-<id>, product-<number>, order-<number>. Once released, a name keeps its fields for ever; tests/golden/shop
// holds one stored event of each.
#pragma once

#include "domain/date.hpp"

#include <boost/describe/class.hpp>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shop {

struct customer_registered {
  static constexpr std::string_view event_name = "customer-registered.v1";
  std::string customer;
  std::string company;
  std::optional<std::string> contact{};
  std::optional<std::string> city{};
  std::optional<std::string> country{};
  std::array<std::string, 1> tags() const { return {"customer:" + customer}; }
  friend bool operator==(customer_registered const&, customer_registered const&) = default;
};
BOOST_DESCRIBE_STRUCT(customer_registered, (), (customer, company, contact, city, country))

// Tagged with what it takes and with what it sets free, so that whoever asks for either address finds it.
struct email_changed {
  static constexpr std::string_view event_name = "email-changed.v1";
  std::string customer;
  std::string email;     // in lower case
  std::string old_email; // empty: none
  std::vector<std::string> tags() const {
    std::vector<std::string> all{"customer:" + customer, "email:" + email};
    if (!old_email.empty()) all.push_back("email:" + old_email);
    return all;
  }
  friend bool operator==(email_changed const&, email_changed const&) = default;
};
BOOST_DESCRIBE_STRUCT(email_changed, (), (customer, email, old_email))

struct product_added {
  static constexpr std::string_view event_name = "product-added.v1";
  std::int64_t product = 0;
  std::string name;
  std::int64_t price_cents = 0;
  friend bool operator==(product_added const&, product_added const&) = default;
};
BOOST_DESCRIBE_STRUCT(product_added, (), (product, name, price_cents))

struct price_changed {
  static constexpr std::string_view event_name = "price-changed.v1";
  std::int64_t product = 0;
  std::int64_t old_price_cents = 0;
  std::int64_t price_cents = 0;
  friend bool operator==(price_changed const&, price_changed const&) = default;
};
BOOST_DESCRIBE_STRUCT(price_changed, (), (product, old_price_cents, price_cents))

// The price is the one of that moment: later changes of the product's price do not touch it.
struct order_line {
  std::int64_t product = 0;
  std::int64_t quantity = 0;
  std::int64_t unit_price_cents = 0;
  std::int64_t discount_percent = 0;

  std::int64_t full_price_cents() const { return unit_price_cents * quantity; }
  // After the discount, in 1/10000 of the currency: cents times whole percents, so that there is nothing to round.
  std::int64_t price_e4() const { return full_price_cents() * (100 - discount_percent); }
  friend bool operator==(order_line const&, order_line const&) = default;
};
BOOST_DESCRIBE_STRUCT(order_line, (), (product, quantity, unit_price_cents, discount_percent))

struct order_placed {
  static constexpr std::string_view event_name = "order-placed.v1";
  std::int64_t order = 0;
  std::string customer;
  std::optional<date> placed_on{}; // without it: the day on which it was recorded
  std::vector<order_line> lines{};

  std::int64_t units() const;
  std::int64_t full_price_cents() const;
  std::int64_t price_e4() const; // after discounts, in 1/10000
  friend bool operator==(order_placed const&, order_placed const&) = default;
};
BOOST_DESCRIBE_STRUCT(order_placed, (), (order, customer, placed_on, lines))

struct order_shipped {
  static constexpr std::string_view event_name = "order-shipped.v1";
  std::int64_t order = 0;
  std::optional<date> shipped_on{}; // without it: the day on which it was recorded
  friend bool operator==(order_shipped const&, order_shipped const&) = default;
};
BOOST_DESCRIBE_STRUCT(order_shipped, (), (order, shipped_on))

struct order_cancelled {
  static constexpr std::string_view event_name = "order-cancelled.v1";
  std::int64_t order = 0;
  std::optional<std::string> reason{};
  friend bool operator==(order_cancelled const&, order_cancelled const&) = default;
};
BOOST_DESCRIBE_STRUCT(order_cancelled, (), (order, reason))

struct order_noted {
  static constexpr std::string_view event_name = "order-noted.v1";
  std::int64_t order = 0;
  std::string text;
  friend bool operator==(order_noted const&, order_noted const&) = default;
};
BOOST_DESCRIBE_STRUCT(order_noted, (), (order, text))

inline std::int64_t order_placed::units() const {
  std::int64_t sum = 0;
  for (order_line const& line : lines) sum += line.quantity;
  return sum;
}
inline std::int64_t order_placed::full_price_cents() const {
  std::int64_t sum = 0;
  for (order_line const& line : lines) sum += line.full_price_cents();
  return sum;
}
inline std::int64_t order_placed::price_e4() const {
  std::int64_t sum = 0;
  for (order_line const& line : lines) sum += line.price_e4();
  return sum;
}

} // namespace shop
