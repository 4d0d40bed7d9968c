// SPDX-License-Identifier: BSL-1.0
#include "attention_model.hpp"

#include <cleave/base/attention.hpp>

#include "attention_programs.hpp"

#include <planted/a_barrier_before_it_is_said.hpp>
#include <planted/a_look_before_the_change.hpp>
#include <planted/a_look_before_the_exchange.hpp>
#include <planted/no_barrier_of_the_first.hpp>
#include <planted/one_that_leaves_takes_all_with_it.hpp>

namespace attention_model {

using simulated::one;
using simulated::scenario;

std::vector<scenario> programs() {
  using cleave::detail::attention;
  return {
      one<growth<attention, 1, 1, true>>("a number that grows, one waiter"),
      one<growth<attention, 1, 2, true>>("a number that grows, two waiters"),
      one<growth<attention, 2, 2, true>>("two publishers by turns, two waiters"),
      one<growth<attention, 1, 2, true, true>>("a number that grows, two waiters, an interrupt"),
      one<growth<attention, 2, 1, false>>("two publishers at once, one waiter"),
      one<growth<attention, 2, 2, false>>("two publishers at once, two waiters"),
      one<exclusion<attention, 2, 0, 2>>("a lock, two writers"),
      one<exclusion<attention, 3, 0, 1>>("a lock, three writers"),
      one<exclusion<attention, 1, 1, 2>>("a lock, a writer and a reader"),
      one<exclusion<attention, 1, 2, 1>>("a lock, a writer and two readers"),
      one<exclusion<attention, 2, 2, 1>>("a lock, two writers and two readers"),
  };
}

std::vector<scenario> programs_on_planted_bugs() {
  namespace planted = cleave::planted;
  return {
      one<growth<planted::a_look_before_the_change::attention, 1, 1, true>>("a look before the change"),
      one<growth<planted::no_barrier_of_the_first::attention, 1, 1, true>>("no barrier of the first"),
      one<growth<planted::a_look_before_the_exchange::attention, 1, 1, true>>("a look before the exchange"),
      one<exclusion<planted::a_barrier_before_it_is_said::attention, 2, 0, 2>>("a barrier before it is said"),
      one<exclusion<planted::one_that_leaves_takes_all_with_it::attention, 3, 0, 1>>(
          "one that leaves takes all with it"),
  };
}

} // namespace attention_model
