// SPDX-License-Identifier: BSL-1.0
// The command line, and its help.
#pragma once

#include <cleave/base/result.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shop {

struct arguments {
  std::string command;             // one that is described here; empty with help for everything
  std::string db;                  // --db; empty for help and for `graph`
  std::string operand;             // DIR, FILE or ORDER of the commands that take one
  std::string customer;            // --customer
  std::string user;                // --as: ROLE, or ROLE:NAME; empty: the keeper
  std::optional<std::int64_t> top; // --top
  bool json = false;               // --json
  bool help = false;               // --help
};

// errc::invalid_argument, with a text for the user, for anything that does not fit.
cleave::result<arguments> parse_arguments(int argc, char const* const* argv);

// The help for one command, or for all of them when it is empty.
std::string help_text(std::string_view command);

} // namespace shop
