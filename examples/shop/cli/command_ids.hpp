// SPDX-License-Identifier: BSL-1.0
// Command ids made of names: the same name is the same command, whoever sends it and how often.
#pragma once

#include <cleave/base/id.hpp>

#include <string_view>

namespace shop {

// Keeps the shop's names apart from those of other programs.
inline cleave::uuid const shop_space = cleave::uuid::from_name(cleave::uuid(), "cleave/examples/shop");

// A UUID is taken as it is, any other text as a name.
inline cleave::command_id named_command(std::string_view text) {
  auto const id = cleave::uuid::parse(text);
  return cleave::command_id(id && !id->nil() ? *id : cleave::uuid::from_name(shop_space, text));
}

} // namespace shop
