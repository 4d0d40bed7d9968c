// SPDX-License-Identifier: BSL-1.0
// A program for the model checker, by its name.
#pragma once

#include "simulated_machine.hpp"

#include <memory>

namespace simulated {

struct scenario {
  char const* name;
  program_maker make;
};
template <class Program> scenario one(char const* name) {
  return {name, [] { return std::make_unique<Program>(); }};
}

} // namespace simulated
