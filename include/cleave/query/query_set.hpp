// SPDX-License-Identifier: BSL-1.0
// query_set: the queries that a projection or a query handler answers. A query is a plain struct that names its answer:
//   struct balance_of { using result_type = std::int64_t; std::string account; };
#pragma once

#include <cleave/base/route_table.hpp>

#include <cstddef>

namespace cleave {

template <class Q>
concept query = requires { typename Q::result_type; };

template <class... Qs> struct query_set {
  static_assert(detail::type_set<Qs...>::is_unique, "cleave: a query stands twice in one query_set");
  static_assert((query<Qs> && ...),
                "cleave: a query names the type of its answer: add `using result_type = ...`");
  static constexpr std::size_t size = sizeof...(Qs);
  template <class Q> static constexpr bool contains = detail::type_set<Qs...>::template contains<Q>;
};

namespace detail {
template <class T> inline constexpr bool is_query_set = false;
template <class... Qs> inline constexpr bool is_query_set<query_set<Qs...>> = true;

template <class H> struct queries_of_type {
  using type = query_set<>;
};
template <class H>
  requires requires { typename H::queries; }
struct queries_of_type<H> {
  using type = typename H::queries;
};
// What H answers: nothing, if it does not say.
template <class H> using queries_of = typename queries_of_type<H>::type;
} // namespace detail

} // namespace cleave
