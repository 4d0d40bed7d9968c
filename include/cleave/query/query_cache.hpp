// SPDX-License-Identifier: BSL-1.0
// The query cache: keeps answers until something that they depend on has changed. A concept; adapters have no base class.
// memory/query_cache.hpp is the one for a single process.
//
// A query may name what its answer depends on, a text or a range of texts; one that names nothing depends on every event of the
// projection that answers it:
//   struct balance_of { using result_type = std::int64_t; std::string account;
//                       std::string depends_on() const { return "account-" + account; } };
// A projection may say what an event touches, in the same words; without that it is the event's stream and its tags:
//   std::string touches(money_deposited const&, cleave::envelope const& at) const;      // or a range of texts; `at` may be left out
//
// Why no answer is ever older than asked for. Each kept answer remembers the position that its projection had reached before
// the answer was computed, so it reflects at least that much. Each touch is noted with the event's own position, before the
// projection's new position can be seen. An answer is good as long as nothing that it depends on was touched behind its position:
// then it is also the answer at the position that the projection has reached by now, and that is what a caller has waited for.
// It does not matter when, between the two, rows are committed, nor how many do that at once.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/base/result.hpp>
#include <cleave/event/position.hpp>
#include <cleave/query/query_set.hpp>
#include <cleave/query/query_value.hpp>
#include <cleave/query/touch.hpp>

#include <boost/describe/class.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>

namespace cleave {

struct query_cache_stats {
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;    // answers that were computed
  std::uint64_t joined = 0;    // callers that got what another one was computing already
  std::uint64_t evictions = 0; // answers given up for room
  std::uint64_t entries = 0;   // now
  std::uint64_t bytes = 0;     // now, about
};

namespace detail {

struct cache_probe {
  using result_type = int;
  int number = 0;
};
BOOST_DESCRIBE_STRUCT(cache_probe, (), (number))

} // namespace detail

// get(q, projection, reached, compute): the kept answer to q, or what compute() returns. `reached` is where the projection of that
// name was before the call. Of callers that ask the same at the same time one computes, the others wait for it. An error is told
// to all of them and not kept.
template <class C>
concept keeps_answers = requires(C& cache, detail::cache_probe const& q, std::string_view projection,
                                 position reached, function_ref<result<int>()> compute) {
  { cache.get(q, projection, reached, compute) } -> std::same_as<result<int>>;
};

// touch(key, at): the event at that position changes what answers with that dependency say. Before the projection's progress
// shows the position; earlier than its commit is allowed too. Any thread.
// rewritten(): a read model has changed otherwise than by its next events: nothing that was computed before is kept. Behind the
// commit of the change, and before anything shows it.
template <class C>
concept forgets_answers = requires(C& cache, cache_key key, position at) {
  { cache.touch(key, at) } noexcept;
  { cache.rewritten() } noexcept;
};

template <class C>
concept query_cache = keeps_answers<C> && forgets_answers<C> && requires(C const& cache) {
  { cache.stats() } -> std::same_as<query_cache_stats>;
};

} // namespace cleave
