// SPDX-License-Identifier: BSL-1.0
// Which of several lists a type stands in, found by the compiler in one step: the buses route by it.
#pragma once

#include <cstddef>
#include <type_traits>
#include <utility>

namespace cleave::detail {

template <class T, std::size_t I> struct route_entry {};
template <std::size_t I, class List> struct routes_to;
template <std::size_t I, template <class...> class List, class... Ts> struct routes_to<I, List<Ts...>>
    : route_entry<Ts, I>... {};

template <class Indices, class... Lists> struct numbered_routes;
template <std::size_t... Is, class... Lists>
struct numbered_routes<std::index_sequence<Is...>, Lists...> : routes_to<Is, Lists>... {};

// A type that stands in two lists is an ambiguous base, and as if it stood in none.
template <class T, std::size_t I> std::integral_constant<std::size_t, I + 1>
find_route(route_entry<T, I> const*);
template <class T> std::integral_constant<std::size_t, 0> find_route(void const*);

// NOLINTBEGIN(misc-redundant-expression): the operands of a fold
template <class Routes, class List> inline constexpr bool all_routed = false;
template <class Routes, template <class...> class List, class... Ts> inline constexpr bool all_routed<
    Routes, List<Ts...>> = ((decltype(find_route<Ts>(static_cast<Routes*>(nullptr)))::value != 0) && ...);
// NOLINTEND(misc-redundant-expression)

// Lists: each without repetition.
template <class... Lists> class route_table {
  using routes = numbered_routes<std::index_sequence_for<Lists...>, Lists...>;

public:
  // 1 for the first list; 0 where T stands in none.
  template <class T> static constexpr std::size_t number_of = decltype(find_route<T>(
      static_cast<routes*>(nullptr)))::value;
  // Whether no type stands in two lists.
  static constexpr bool is_unique = (all_routed<routes, Lists> && ...);
};

// A list of types that is asked whether a type stands in it, again and again: one class, instead of a walk for each question.
template <class Indices, class... Ts> struct numbered_types;
template <std::size_t... Is, class... Ts>
struct numbered_types<std::index_sequence<Is...>, Ts...> : route_entry<Ts, Is>... {};
template <class... Ts> class type_set {
  using types = numbered_types<std::index_sequence_for<Ts...>, Ts...>;

public:
  // False also for a type that stands in it twice.
  template <class T> static constexpr bool contains = decltype(find_route<T>(
                                                          static_cast<types*>(nullptr)))::value != 0;
  static constexpr bool is_unique = (contains<Ts> && ...);
};

} // namespace cleave::detail
