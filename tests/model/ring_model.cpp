// SPDX-License-Identifier: BSL-1.0
#include "ring_model.hpp"

#include <cleave/event/detail/ring.hpp>

#include "ring_programs.hpp"

namespace ring_model {

namespace {

template <class E, producers P, class Machine> using ring = cleave::detail::ring<E, P, Machine>;
constexpr auto single = producers::one;
constexpr auto many = producers::many;

} // namespace

std::vector<scenario> programs_on_the_ring() {
  return {
      one<broadcast<ring, single, 2, 1, false>>("one producer, one reader"),
      one<broadcast<ring, single, 1, 1, false>>("one producer, one reader, one place"),
      one<broadcast<ring, single, 2, 2, false>>("one producer, two readers"),
      one<broadcast<ring, many, 2, 1, false>>("many producers, one reader"),
      one<broadcast<ring, many, 2, 2, false>>("many producers, two readers"),
      one<broadcast<ring, single, 2, 1, true>>("one producer, one reader, parking"),
      one<broadcast<ring, single, 1, 2, true>>("one producer, two readers, one place, parking"),
      one<broadcast<ring, many, 2, 1, true>>("many producers, one reader, parking"),
      one<many_to_one<ring, 2, false>>("two producers"),
      one<many_to_one<ring, 1, false>>("two producers, one place"),
      one<many_to_one<ring, 2, true>>("two producers, parking"),
      one<turns<ring, 2>>("two producers in turns"),
      one<turns<ring, 8>>("two producers in turns, eight places"),
      one<one_after_another<ring, single, false>>("one after another"),
      one<one_after_another<ring, many, false>>("one after another, many producers"),
      one<one_after_another<ring, single, true>>("one after another, parking"),
      one<competition<ring, single, false>>("two workers and a stage behind"),
      one<competition<ring, many, false>>("two workers and a stage behind, many producers"),
      one<competition<ring, single, true>>("two workers and a stage behind, parking"),
      one<competition_alone<ring, single, 2, false>>("two workers"),
      one<competition_alone<ring, many, 2, false>>("two workers, many producers"),
      one<competition_alone<ring, single, 1, true>>("two workers, one place, parking"),
      one<dropping<ring, single, 2, 1, 1>>("dropping, one producer"),
      one<dropping<ring, single, 1, 1, 1>>("dropping, one producer, one place"),
      one<dropping<ring, single, 2, 1, 2>>("dropping, two workers"),
      one<dropping<ring, many, 2, 1, 1>>("dropping, many producers"),
      one<dropping<ring, many, 2, 2, 1>>("dropping, two producers"),
      one<dropping<ring, many, 1, 2, 2>>("dropping, two producers, two workers, one place"),
      one<closing<ring, single, 1, false>>("closing, one producer"),
      one<closing<ring, single, 1, true>>("closing, one producer, parking"),
      one<closing<ring, many, 2, false>>("closing, two producers"),
      one<closing<ring, many, 2, true>>("closing, two producers, parking"),
      one<closing<ring, single, 1, true, false>>("closing, one producer, nobody reads"),
      one<closing<ring, many, 2, true, false>>("closing, two producers, nobody reads"),
  };
}

} // namespace ring_model
