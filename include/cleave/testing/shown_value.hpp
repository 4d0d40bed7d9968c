// SPDX-License-Identifier: BSL-1.0
// A value of any type as a report compares and shows it: the type is erased here once, the texts are made in
// src/testing/given_when_then.cpp.
#pragma once

#include <cleave/event/codec.hpp>

#include <boost/mp11/list.hpp>

#include <concepts>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <typeinfo>
#include <vector>

namespace cleave::testing::detail {

// Whether T has an operator== that compiles: of a container only if its elements have one.
template <class T> consteval bool has_equality();
template <class List> inline constexpr bool all_have_equality = true;
template <template <class...> class L, class... Ts> inline constexpr bool all_have_equality<L<Ts...>> =
    (has_equality<Ts>() && ...);

template <class T> consteval bool has_equality() {
  if constexpr (requires { typename T::value_type; } && !std::same_as<T, std::string>) {
    if constexpr (!std::same_as<T, typename T::value_type>)
      return has_equality<typename T::value_type>() && std::equality_comparable<T>;
    else return std::equality_comparable<T>;
  } else if constexpr (
      requires { std::tuple_size<T>::value; } || requires(T const& t) { t.valueless_by_exception(); }) {
    return all_have_equality<T> && std::equality_comparable<T>;
  } else {
    return std::equality_comparable<T>;
  }
}

template <class T>
concept comparable = has_equality<T>() || encodable<T>;

struct shown_field {
  std::string_view name;
  std::string text;
};

// A view: the value must outlive it.
struct shown_value {
  void const* object;
  std::type_info const* type;
  std::string_view stored_name; // of an event; empty otherwise
  // Whether two values of this type are the same.
  bool (*equal)(void const* one, void const* other);
  // The value as JSON text, or a remark in brackets.
  std::string (*text)(void const* object);
  // The fields of a described struct; nothing for other types.
  void (*fields)(void const* object, std::vector<shown_field>& out);
};

template <class T> std::string text_of(void const* object) {
  if constexpr (encodable<T>) {
    std::string out;
    if (auto done = codec<T>::encode(*static_cast<T const*>(object), out); !done)
      return "(" + done.error().text() + ")";
    return out;
  } else {
    return "(no stored form)";
  }
}

template <class T> bool equal(void const* one, void const* other) {
  auto const& a = *static_cast<T const*>(one);
  auto const& b = *static_cast<T const*>(other);
  if constexpr (has_equality<T>()) {
    return static_cast<bool>(a == b);
  } else if constexpr (encodable<T>) {
    std::string encoded_a;
    std::string encoded_b;
    return codec<T>::encode(a, encoded_a) && codec<T>::encode(b, encoded_b) && encoded_a == encoded_b;
  } else {
    return false;
  }
}

template <class T> void fields_of(void const* object, std::vector<shown_field>& out) {
  if constexpr (cleave::detail::described<T>) {
    auto const& value = *static_cast<T const*>(object);
    [&]<template <class...> class L, class... Ds>(L<Ds...>*) {
      (out.push_back({Ds::name, text_of<cleave::detail::field_type<Ds>>(&(value.*Ds::pointer))}), ...);
    }(static_cast<cleave::detail::described_fields<T>*>(nullptr));
  }
}

template <class T> shown_value show(T const& value, std::string_view stored_name = {}) {
  return {&value, &typeid(T), stored_name, &equal<T>, &text_of<T>, &fields_of<T>};
}

} // namespace cleave::testing::detail
