// SPDX-License-Identifier: BSL-1.0
// The query bus: routes each query to the one that answers it, once that one is as fresh as asked for. The route is fixed at
// compile time.
#pragma once

#include <cleave/base/limits.hpp>
#include <cleave/base/pack.hpp>
#include <cleave/base/result.hpp>
#include <cleave/base/route_table.hpp>
#include <cleave/query/consistency.hpp>
#include <cleave/query/query_set.hpp>

#include <utility>

namespace cleave {

// Answerers: each has `queries` and `answer(query) -> result<result_type>`; one that follows the log also has
// `wait(at_least) -> result<void>`. The bus refers to them. Any thread.
template <class... Answerers> class query_bus {
  using routes = detail::route_table<typename Answerers::queries...>;

public:
  static_assert(routes::is_unique, "cleave: two answerers list one query: each query has exactly one");

  template <class Q> static constexpr bool handles = routes::template number_of<Q> != 0;

  explicit query_bus(Answerers&... answerers) : answerers_{{&answerers}...} {}

  template <query Q> result<typename Q::result_type> ask(Q const& q, at_least wanted = {}) {
    return with_fresh<Q>(wanted, [&](auto& answerer) { return answerer.answer(q); });
  }
  // The same, by way of a query_cache. What a query handler answers is touched by no event: it is kept until its time is over.
  template <query Q, class Cache>
  result<typename Q::result_type> ask_cached(Q const& q, at_least wanted, Cache& cache) {
    return with_fresh<Q>(wanted, [&](auto& answerer) {
      auto const compute = [&] { return answerer.answer(q); };
      if constexpr (requires { answerer.progress(); }) {
        return cache.get(q, answerer.progress().name(), answerer.reached(), compute);
      } else {
        return cache.get(q, {}, position(limits::position_max), compute);
      }
    });
  }

private:
  template <class Q, class F> result<typename Q::result_type> with_fresh(at_least wanted, F&& answered) {
    static_assert(
        handles<Q>,
        "cleave: nobody lists this query: add it to the query_set of a projection or a query handler");
    if constexpr (handles<Q>) {
      auto& answerer = *detail::slot_of<routes::template number_of<Q> - 1>(answerers_);
      if constexpr (requires { answerer.wait(wanted); }) {
        if (auto fresh = answerer.wait(wanted); !fresh) return unexpected(std::move(fresh).error());
      }
      return answered(answerer);
    } else {
      return unexpected(error(errc::unsupported, {}));
    }
  }

  detail::pack<Answerers*...> answerers_;
};

} // namespace cleave
