// SPDX-License-Identifier: BSL-1.0
// Turns the four CSV files of a shop into commands.
#pragma once

#include <cleave/base/id.hpp>
#include <cleave/base/result.hpp>

#include "domain/commands.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shop {

// A place in a file.
struct source {
  std::string_view file;
  std::size_t line = 0;
};

// A row that cannot be imported.
struct bad_row {
  source at;
  std::string reason;
};

template <class Command> struct sourced {
  source at;
  Command command;
};

struct order_rows {
  place_order place;
  std::optional<ship_order> ship;
};

struct shop_files {
  std::vector<sourced<register_customer>> customers;
  std::vector<sourced<add_product>> products;
  std::vector<sourced<order_rows>> orders;
  std::vector<bad_row> bad;
  cleave::uuid id; // of the contents of the four files: other contents, another id
};

// The errors are those of the files as a whole (csv_table::open); rows that are bad are in `bad`.
cleave::result<shop_files> read_shop_files(std::string const& folder);

} // namespace shop
