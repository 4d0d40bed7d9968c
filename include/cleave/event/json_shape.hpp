// SPDX-License-Identifier: BSL-1.0
// A number for the shape of a type's stored form: the forms, names, order and sizes of all that is in it. It is another one as soon as
// a field is added, renamed, moved or given another type, so that what was written by an older shape is recognised.
#pragma once

#include <cleave/event/handler_failure.hpp>
#include <cleave/event/json_form.hpp>

#include <cstdint>
#include <tuple>

namespace cleave::detail {

// FNV-1a, 64 bits, one step at a time.
constexpr std::uint64_t shape_seed = 0xcbf29ce484222325U;
constexpr std::uint64_t add_to_shape(std::uint64_t shape, std::uint64_t number) noexcept {
  return (shape ^ number) * 0x100000001b3U;
}
constexpr std::uint64_t add_to_shape(std::uint64_t shape, std::string_view text) noexcept {
  for (char const c : text) shape = add_to_shape(shape, static_cast<unsigned char>(c));
  return add_to_shape(shape, text.size());
}

// `Outer`: the records that T is part of.
template <class T, class... Outer> consteval std::uint64_t shape_of(std::uint64_t shape);

template <class... Outer, template <class...> class L, class... Parts> consteval std::uint64_t
shape_of_parts(std::uint64_t shape, L<Parts...>*) {
  ((shape = shape_of<Parts, Outer...>(add_to_shape(shape, alternative_name<Parts>))), ...);
  return add_to_shape(shape, sizeof...(Parts));
}
template <class T, class... Outer, template <class...> class L, class... Ds> consteval std::uint64_t
shape_of_fields(std::uint64_t shape, L<Ds...>*) {
  ((shape = shape_of<field_type<Ds>, T, Outer...>(add_to_shape(shape, std::string_view(Ds::name)))), ...);
  return add_to_shape(shape, sizeof...(Ds));
}

template <class T, class... Outer> consteval std::uint64_t shape_of(std::uint64_t shape) {
  constexpr json_form form = form_of<T>;
  shape = add_to_shape(shape, static_cast<std::uint64_t>(form));
  if constexpr (form == json_form::integer || form == json_form::real) {
    return add_to_shape(shape, sizeof(T) * 2 + (std::is_signed_v<T> ? 1 : 0));
  } else if constexpr (form == json_form::record) {
    if constexpr ((std::same_as<T, Outer> || ...)) return shape;
    else return shape_of_fields<T, Outer...>(shape, static_cast<described_fields<T>*>(nullptr));
  } else if constexpr (form == json_form::optional || form == json_form::list) {
    return shape_of<typename T::value_type, Outer...>(shape);
  } else if constexpr (form == json_form::array) {
    return shape_of<typename T::value_type, Outer...>(add_to_shape(shape, std::tuple_size<T>::value));
  } else if constexpr (form == json_form::map) {
    return shape_of<typename T::mapped_type, Outer...>(shape);
  } else if constexpr (form == json_form::tuple || form == json_form::variant) {
    return shape_of_parts<Outer...>(shape, static_cast<parts_of<T>*>(nullptr));
  } else if constexpr (form == json_form::foreign || form == json_form::enumeration) {
    return add_to_shape(shape, type_text<T>);
  } else {
    return shape;
  }
}

} // namespace cleave::detail
