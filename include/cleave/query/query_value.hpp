// SPDX-License-Identifier: BSL-1.0
// What a query cache needs to know about values: whether two queries are the same question, and how much memory an answer takes.
//
// A query is compared and hashed by its own == and std::hash, or, field by field, by its Boost.Describe list:
//   struct balance_of { using result_type = std::int64_t; std::string account; };
//   BOOST_DESCRIBE_STRUCT(balance_of, (), (account))
#pragma once

#include <cleave/query/touch.hpp>

#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cleave {

namespace detail {

template <class T>
concept described_value = boost::describe::has_describe_members<T>::value;
template <class T> using value_members =
    boost::describe::describe_members<T, boost::describe::mod_any_access | boost::describe::mod_inherited>;
template <class T>
concept range_value = requires(T const& v) {
  v.begin() != v.end();
  v.size();
};
template <class T>
concept optional_value = requires(T const& v) {
  v.has_value();
  *v;
};
// std::hash for T exists: nothing here needs <functional>, whoever specialises it brings it along.
template <class T>
concept standard_hash = requires(T const& v) {
  { std::hash<T>{}(v) } -> std::convertible_to<std::size_t>;
};

template <class T> std::uint64_t hash_value(T const& value, std::uint64_t hash) {
  if constexpr (text_value<T>) {
    return hash_text(std::string_view(value), hash);
  } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
    return hash_mix(hash, static_cast<std::uint64_t>(value));
  } else if constexpr (standard_hash<T>) {
    return hash_mix(hash, std::hash<T>{}(value));
  } else if constexpr (optional_value<T>) {
    return value.has_value() ? hash_value(*value, hash_mix(hash, 1)) : hash_mix(hash, 0);
  } else if constexpr (range_value<T>) {
    hash = hash_mix(hash, value.size());
    for (auto const& each : value) hash = hash_value(each, hash);
    return hash;
  } else if constexpr (described_value<T>) {
    boost::mp11::mp_for_each<value_members<T>>(
        [&](auto field) { hash = hash_value(value.*field.pointer, hash); });
    return hash;
  } else if constexpr (requires { value.bytes(); }) {
    return hash_value(value.bytes(), hash); // a uuid
  } else if constexpr (requires { value.id(); }) {
    return hash_value(value.id(), hash); // a basic_id
  } else {
    return hash_value(value.value(), hash); // a position, a version
  }
}
// Two queries with one hash are still compared: a seed keeps strangers from preparing many of them.
template <class Q> std::uint64_t hash_query(Q const& query, std::uint64_t seed) {
  if constexpr (standard_hash<Q>) return hash_mix(seed, std::hash<Q>{}(query));
  else return hash_value(query, seed);
}

template <class T> bool same_value(T const& a, T const& b) {
  if constexpr (std::equality_comparable<T>) {
    return a == b;
  } else {
    bool same = true;
    boost::mp11::mp_for_each<value_members<T>>([&](auto field) {
      if (same) same = same_value(a.*field.pointer, b.*field.pointer);
    });
    return same;
  }
}

template <class Q>
concept query_value = described_value<Q> || (standard_hash<Q> && std::equality_comparable<Q>);

// Whether the memory of a T can be told.
template <class T> consteval bool measurable() {
  if constexpr (std::is_trivially_copyable_v<T> || text_value<T> || described_value<T> ||
                requires(T const& v) {
                  { v.heap_bytes() } -> std::convertible_to<std::size_t>;
                }) {
    return true;
  } else if constexpr (range_value<T>) {
    return measurable<std::remove_cvref_t<decltype(*std::declval<T const&>().begin())>>();
  } else if constexpr (optional_value<T>) {
    return measurable<std::remove_cvref_t<decltype(*std::declval<T const&>())>>();
  } else if constexpr (requires {
                         typename T::first_type;
                         typename T::second_type;
                       }) {
    return measurable<std::remove_const_t<typename T::first_type>>() && measurable<typename T::second_type>();
  } else {
    return false;
  }
}

// What `value` holds beside itself, about. Nodes of maps and sets count as 48 bytes.
template <class T> std::size_t heap_bytes(T const& value) {
  if constexpr (requires {
                  { value.heap_bytes() } -> std::convertible_to<std::size_t>;
                }) {
    return value.heap_bytes();
  } else if constexpr (std::is_trivially_copyable_v<T>) {
    return 0;
  } else if constexpr (text_value<T>) {
    std::string_view const text(value);
    return text.size() < sizeof(T) / 2 ? 0 : text.size() + 1;
  } else if constexpr (described_value<T>) {
    std::size_t bytes = 0;
    boost::mp11::mp_for_each<value_members<T>>(
        [&](auto field) { bytes += heap_bytes(value.*field.pointer); });
    return bytes;
  } else if constexpr (range_value<T>) {
    using element = std::remove_cvref_t<decltype(*value.begin())>;
    std::size_t const node = requires { value.data(); } ? 0 : 48;
    std::size_t bytes = value.size() * (sizeof(element) + node);
    if constexpr (!std::is_trivially_copyable_v<element>) {
      for (auto const& each : value) bytes += heap_bytes(each);
    }
    return bytes;
  } else if constexpr (optional_value<T>) {
    return value.has_value() ? heap_bytes(*value) : 0;
  } else {
    return heap_bytes(value.first) + heap_bytes(value.second);
  }
}

template <class Q> struct checked_cached_query {
  static_assert(
      query_value<Q>,
      "cleave: a cached query is compared by its value: describe it with BOOST_DESCRIBE_STRUCT, or give it "
      "operator== and std::hash");
  static_assert(measurable<typename Q::result_type>(),
                "cleave: the memory of a cached answer must be known: describe the result_type with "
                "BOOST_DESCRIBE_STRUCT, or give it `std::size_t heap_bytes() const`");
  static_assert(std::copy_constructible<Q> && std::copy_constructible<typename Q::result_type>,
                "cleave: a cached query and its answer are copied");
  static constexpr bool value = true;
};

} // namespace detail

} // namespace cleave
