// SPDX-License-Identifier: BSL-1.0
// What event_store::verify has found.
#pragma once

#include <cleave/event/position.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace cleave::sqlite {

// One thing that is not as it must be.
struct finding {
  std::string table{};         // where; empty: the file as a whole
  cleave::position position{}; // of the event that it is about; 0: none
  std::string stream{}; // the name of the stream that it is about; empty: none, or the name cannot be read
  std::string text{};   // for people: what was found, and what belongs there, with the values
};

struct verification {
  static constexpr std::size_t most_findings = 100;

  std::vector<finding> findings{}; // the first most_findings, in the order in which they were met
  std::uint64_t found = 0;         // how many there were
  // What was looked at, in one snapshot.
  std::uint64_t events = 0;  // that could be read
  std::uint64_t streams = 0; // to which they belong
  position head{};           // of the last one

  bool sound() const noexcept { return found == 0; }
};

} // namespace cleave::sqlite
