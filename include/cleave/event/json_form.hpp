// SPDX-License-Identifier: BSL-1.0
// Which JSON form a C++ type takes: one enumerator per form, decided at compile time. Containers are known by what they can
// do, not by their names, so that no container's header is needed here and the application's own containers work too.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/duration.hpp>
#include <cleave/base/id.hpp>
#include <cleave/base/result.hpp>
#include <cleave/event/position.hpp>

#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace cleave {

template <class T> struct codec;

namespace detail {

template <class T> constexpr std::string_view member_alternative_name() {
  if constexpr (requires { std::string_view(T::alternative_name); })
    return std::string_view(T::alternative_name);
  else return {};
}

} // namespace detail

// The name by which a type is told apart from the others of a std::variant. Specialise it, or give the type a static member
// `alternative_name`. Printable ASCII without '"' and '\'. Stored for ever, so it is never derived from the C++ name.
template <class T> inline constexpr std::string_view alternative_name = detail::member_alternative_name<T>();

namespace detail {

enum class json_form : unsigned char {
  none,
  foreign, // by a codec of its own
  boolean,
  integer,
  real,
  text,
  enumeration, // described: the enumerator's name; else the number
  strong,      // position, version: the number
  id,
  time,
  duration,
  record,
  optional,
  bytes,
  list,
  array, // a fixed number of elements of one type
  tuple,
  map,
  variant,
};

// What the BOOST_DESCRIBE_ macros declare. Boost.Describe's own aliases give the same lists, but filter and join them first,
// which costs about 7 ms of compile time for each struct (GCC 12): they are for the structs that need it.
template <class T>
concept described = std::is_class_v<T> && requires(T** type) { boost_public_member_descriptor_fn(type); };
template <class T> using public_members = decltype(boost_public_member_descriptor_fn(
    static_cast<T**>(nullptr)));
template <class T>
using protected_members = decltype(boost_protected_member_descriptor_fn(static_cast<T**>(nullptr)));
template <class T>
using private_members = decltype(boost_private_member_descriptor_fn(static_cast<T**>(nullptr)));
template <class List> inline constexpr bool only_data_members = false;
// NOLINTBEGIN(misc-redundant-expression): the operands of a fold
template <template <class...> class L, class... Ds>
inline constexpr bool only_data_members<L<Ds...>> = (std::is_member_object_pointer_v<decltype(Ds::pointer)> &&
                                                     ...);
// NOLINTEND(misc-redundant-expression)
template <class List> inline constexpr bool is_empty_list = false;
template <template <class...> class L> inline constexpr bool is_empty_list<L<>> = true;

template <std::size_t Size> consteval bool all_differ(std::string_view const (&names)[Size]) {
  for (std::size_t i = 0; i < Size; ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (names[i] == names[k]) return false;
    }
  }
  return true;
}
template <class List> inline constexpr bool names_of_fields_differ = true;
template <template <class...> class L, class D, class... Ds>
inline constexpr bool names_of_fields_differ<L<D, Ds...>> = all_differ({D::name, Ds::name...});

// The descriptors of a described struct's data members, those of its bases first.
template <class T> struct find_fields {
  using type = boost::describe::describe_members<
      T, boost::describe::mod_any_access | boost::describe::mod_inherited | boost::describe::mod_hidden>;
  static_assert(names_of_fields_differ<type>, "cleave: a described field has the same name as one of a base");
};
// Most structs: no bases, and all is public.
template <class T>
  requires(is_empty_list<decltype(boost_base_descriptor_fn(static_cast<T**>(nullptr)))> &&
           is_empty_list<protected_members<T>> && is_empty_list<private_members<T>> &&
           only_data_members<public_members<T>>)
struct find_fields<T> {
  using type = public_members<T>;
};
template <class T> using described_fields = typename find_fields<T>::type;
template <class Field, class T> Field& field_of(Field T::*); // by reference: a const field stays one
template <class D> using field_type = std::remove_reference_t<decltype(field_of(D::pointer))>;

// Whether cleave::codec<T> is the application's.
template <class T>
concept foreign = !requires { typename codec<T>::default_codec; };

template <class T>
concept json_integer = std::integral<T> && sizeof(T) <= 8 && !std::same_as<T, bool> &&
                       !std::same_as<T, char> && !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                       !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;
template <class T> inline constexpr bool is_basic_id = false;
template <class Tag> inline constexpr bool is_basic_id<basic_id<Tag>> = true;

template <class T>
concept optional_like = requires(T& optional) {
  typename T::value_type;
  { optional.has_value() } -> std::same_as<bool>;
  optional.reset();
  optional.emplace();
};
template <class T>
concept fixed_size = requires { std::tuple_size<T>::value; };
template <class T>
concept array_like = fixed_size<T> && requires(T& array) {
  typename T::value_type;
  array.data();
};
template <class T>
concept map_like = requires(T& map, typename T::key_type const& key) {
  typename T::mapped_type;
  map.try_emplace(key);
};
template <class T>
concept list_like = requires(T& list) {
  typename T::value_type;
  list.begin();
  list.clear();
  list.emplace_back();
};
template <class T>
concept bytes_like = (array_like<T> || list_like<T>) && requires(T& bytes) {
  { bytes.data() } -> std::same_as<std::byte*>;
};
template <class T>
concept variant_like = requires(T const& variant) {
  { variant.valueless_by_exception() } -> std::same_as<bool>;
};
// std::tuple<A, B> -> mp_list<A, B>, and the same for pairs and variants.
template <class T> struct template_arguments;
template <template <class...> class L, class... Ts> struct template_arguments<L<Ts...>> {
  using type = boost::mp11::mp_list<Ts...>;
};
template <class T> using parts_of = typename template_arguments<T>::type;

// Of a class; first what most classes are.
template <class T> consteval json_form find_form_of_class() {
  if constexpr (std::is_same_v<T, std::string>) return json_form::text;
  else if constexpr (std::is_const_v<T> || std::is_volatile_v<T>) return json_form::none;
  else if constexpr (foreign<T>) return json_form::foreign;
  else if constexpr (described<T>) return json_form::record;
  else if constexpr (std::same_as<T, position> || std::same_as<T, version>) return json_form::strong;
  else if constexpr (std::same_as<T, uuid> || is_basic_id<T>) return json_form::id;
  else if constexpr (std::same_as<T, timestamp>) return json_form::time;
  else if constexpr (optional_like<T>) return json_form::optional;
  else if constexpr (duration_like<T>) return json_form::duration;
  else if constexpr (bytes_like<T>) return json_form::bytes;
  else if constexpr (array_like<T>) return json_form::array;
  else if constexpr (list_like<T>) return json_form::list;
  else if constexpr (map_like<T>) return json_form::map;
  else if constexpr (fixed_size<T>) return json_form::tuple;
  else if constexpr (variant_like<T>) return json_form::variant;
  else return json_form::none;
}
template <class T> consteval json_form find_form() {
  if constexpr (std::is_class_v<T>) return find_form_of_class<T>();
  else if constexpr (std::same_as<T, bool>) return json_form::boolean;
  else if constexpr (json_integer<T>) return json_form::integer;
  else if constexpr (std::same_as<T, double> || std::same_as<T, float>) return json_form::real;
  else if constexpr (!std::is_enum_v<T> || std::is_const_v<T> || std::is_volatile_v<T>)
    return json_form::none;
  else if constexpr (foreign<T>) return json_form::foreign;
  else return json_form::enumeration;
}
template <class T> inline constexpr json_form form_of = find_form<T>();

constexpr bool is_alternative_name(std::string_view name) {
  for (char c : name) {
    if (c < 0x20 || c == 0x7f || c == '"' || c == '\\') return false;
  }
  return !name.empty();
}
template <class... Ts> consteval bool alternatives_have_names(boost::mp11::mp_list<Ts...>*) {
  return (is_alternative_name(alternative_name<Ts>) && ...);
}

// Forms of which a value has no parts that need one.
constexpr bool is_plain(json_form form) noexcept {
  switch (form) {
  case json_form::foreign:
  case json_form::boolean:
  case json_form::integer:
  case json_form::real:
  case json_form::text:
  case json_form::enumeration:
  case json_form::strong:
  case json_form::id:
  case json_form::time:
  case json_form::bytes: return true;
  default: return false;
  }
}

// Asked of every event, and by std::is_default_constructible ten times as expensive (GCC 12: 0.7 ms).
template <class T>
concept begins_empty = requires { T{}; };

// Whether T and everything in it has a form. `Outer`: the records that T is part of, so that a type may contain itself.
template <class T, class... Outer> consteval bool has_form();

template <class... Outer, template <class...> class L, class... Parts> consteval bool
parts_have_form(L<Parts...>*) {
  return (has_form<Parts, Outer...>() && ...);
}
template <class T, class... Outer, template <class...> class L, class... Ds> consteval bool
fields_have_form(L<Ds...>*) {
  // Asked first: the other question is one for each field of each record.
  if constexpr ((is_plain(form_of<field_type<Ds>>) && ...)) return true;
  else return (has_form<field_type<Ds>, T, Outer...>() && ...);
}

template <class T, class... Outer> consteval bool has_form() {
  constexpr json_form form = form_of<T>;
  if constexpr (form == json_form::none) return false;
  else if constexpr (form == json_form::record) {
    if constexpr ((std::same_as<T, Outer> || ...)) return true;
    else return begins_empty<T> && fields_have_form<T, Outer...>(static_cast<described_fields<T>*>(nullptr));
  } else if constexpr (form == json_form::optional) {
    return form_of<typename T::value_type> != json_form::optional &&
           has_form<typename T::value_type, Outer...>();
  } else if constexpr (form == json_form::list || form == json_form::array) {
    return has_form<typename T::value_type, Outer...>();
  } else if constexpr (form == json_form::map) {
    return std::same_as<typename T::key_type, std::string> && has_form<typename T::mapped_type, Outer...>();
  } else if constexpr (form == json_form::tuple) {
    return parts_have_form<Outer...>(static_cast<parts_of<T>*>(nullptr));
  } else if constexpr (form == json_form::variant) {
    return alternatives_have_names(static_cast<parts_of<T>*>(nullptr)) &&
           parts_have_form<Outer...>(static_cast<parts_of<T>*>(nullptr));
  } else if constexpr (form == json_form::duration) return has_form<typename T::rep>();
  else return true;
}

} // namespace detail
} // namespace cleave
