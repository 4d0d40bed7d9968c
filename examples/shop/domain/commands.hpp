// SPDX-License-Identifier: BSL-1.0
// Everything that can be asked of the shop. The names are those of `shop apply`: {"command":"ship-order","order":10248}.
// An optional field may be left out; every other one must be there.
#pragma once

#include "domain/date.hpp"

#include <boost/describe/class.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shop {

struct register_customer {
  static constexpr std::string_view command_name = "register-customer";
  std::string customer; // the id, such as "ALFKI"
  std::string company;
  std::optional<std::string> contact{};
  std::optional<std::string> city{};
  std::optional<std::string> country{};
};
BOOST_DESCRIBE_STRUCT(register_customer, (), (customer, company, contact, city, country))

struct set_email {
  static constexpr std::string_view command_name = "set-email";
  std::string customer;
  std::string email;
};
BOOST_DESCRIBE_STRUCT(set_email, (), (customer, email))

struct add_product {
  static constexpr std::string_view command_name = "add-product";
  std::int64_t product = 0;
  std::string name;
  std::int64_t price_cents = 0;
};
BOOST_DESCRIBE_STRUCT(add_product, (), (product, name, price_cents))

struct change_price {
  static constexpr std::string_view command_name = "change-price";
  std::int64_t product = 0;
  std::int64_t price_cents = 0;
};
BOOST_DESCRIBE_STRUCT(change_price, (), (product, price_cents))

struct wanted_line {
  std::int64_t product = 0;
  std::int64_t quantity = 0;
  std::optional<std::int64_t> unit_price_cents{}; // without it: the product's price at that moment
  std::optional<std::int64_t> discount_percent{}; // without it: 0
};
BOOST_DESCRIBE_STRUCT(wanted_line, (), (product, quantity, unit_price_cents, discount_percent))

struct place_order {
  static constexpr std::string_view command_name = "place-order";
  std::int64_t order = 0;
  std::string customer;
  std::optional<date> placed_on{}; // without it: the day on which it is recorded
  std::vector<wanted_line> lines{};
};
BOOST_DESCRIBE_STRUCT(place_order, (), (order, customer, placed_on, lines))

struct ship_order {
  static constexpr std::string_view command_name = "ship-order";
  std::int64_t order = 0;
  std::optional<date> shipped_on{}; // without it: the day on which it is recorded
};
BOOST_DESCRIBE_STRUCT(ship_order, (), (order, shipped_on))

struct cancel_order {
  static constexpr std::string_view command_name = "cancel-order";
  std::int64_t order = 0;
  std::optional<std::string> reason{};
};
BOOST_DESCRIBE_STRUCT(cancel_order, (), (order, reason))

struct note_on_order {
  static constexpr std::string_view command_name = "note-on-order";
  std::int64_t order = 0;
  std::string text;
};
BOOST_DESCRIBE_STRUCT(note_on_order, (), (order, text))

} // namespace shop
