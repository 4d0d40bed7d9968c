// SPDX-License-Identifier: BSL-1.0
// What comes along with a query.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/principal.hpp>
#include <cleave/query/consistency.hpp>

namespace cleave {

// Views: they need to live until the answer is there. Principal and deadline are for the middleware around queries.
struct query_context {
  at_least wanted{};
  cleave::principal const* principal = nullptr; // who asks; nullptr: nobody says
  timestamp deadline{};                         // not begun after it; 0: none
};

} // namespace cleave
