// SPDX-License-Identifier: BSL-1.0
// The walk over a type: tells the JSON writer and reader what stands in a value. For a described struct one table and one function,
// for other types one small function in each direction; everything that does not depend on the type is compiled in src/event/.
#pragma once

#include <cleave/event/json_form.hpp>
#include <cleave/event/json_reader.hpp>
#include <cleave/event/json_writer.hpp>

#include <cstdint>
#include <limits>
#include <span>

namespace cleave::detail {

template <class T> inline constexpr bool is_described_enum =
    boost::describe::has_describe_enumerators<T>::value;

template <class List> struct enumerators_of;
template <template <class...> class L, class... Ds> struct enumerators_of<L<Ds...>> {
  static constexpr json_enumerator value[] = {{Ds::name, static_cast<std::int64_t>(Ds::value)}...};
};
template <class E>
inline constexpr auto const& json_enumerators =
    enumerators_of<boost::describe::describe_enumerators<E>>::value;

// The names of a variant's alternatives.
template <class List> struct alternative_names;
template <template <class...> class L, class... Ts> struct alternative_names<L<Ts...>> {
  static_assert(
      (is_alternative_name(alternative_name<Ts>) && ...),
      "cleave: an alternative of a variant has no name: specialise cleave::alternative_name for it");
  static constexpr std::string_view value[] = {alternative_name<Ts>...};
  static_assert(all_differ(value), "cleave: two alternatives of a variant have the same name");
};

template <class T> using alternative_indices =
    std::make_index_sequence<boost::mp11::mp_size<parts_of<T>>::value>;

// The sentences for a type that has no JSON form; those for records are in record_of. A field's type stands in the compiler's "required from" lines.
template <class T> consteval bool check_form() {
  constexpr json_form form = form_of<T>;
  static_assert(
      !std::is_same_v<T, std::string_view> && !std::is_pointer_v<T>,
      "cleave: a view or a pointer owns nothing and has no stored form: use std::string or a container");
  static_assert(
      form != json_form::none || std::is_const_v<T> || std::is_same_v<T, std::string_view> ||
          std::is_pointer_v<T>,
      "cleave: this type has no stored form: describe it with BOOST_DESCRIBE_STRUCT or specialise cleave::codec");
  if constexpr (form == json_form::optional) {
    static_assert(form_of<typename T::value_type> != json_form::optional,
                  "cleave: an optional of an optional has no stored form: null could mean either");
  } else if constexpr (form == json_form::map) {
    static_assert(std::same_as<typename T::key_type, std::string>,
                  "cleave: a map has a stored form only with std::string as its key");
  }
  return true;
}

template <class T> bool write_value(json_writer& writer, T const& value);
template <class T> bool read_value(json_reader& reader, T& value);
template <class T> bool write_any(json_writer& writer, void const* value) {
  return write_value(writer, *static_cast<T const*>(value));
}
template <class T> bool read_any(json_reader& reader, void* value) {
  return read_value(reader, *static_cast<T*>(value));
}
// A described struct: a table of its fields, and the function that finds them in an object. No more than that is compiled
// for a type; the functions in the table are those of the fields' types, which all records share.
template <class T, class Fields = described_fields<T>> struct record_of;
template <class T> inline constexpr json_type type_of = {&write_any<T>, &read_any<T>, nullptr};
template <class T>
  requires(form_of<T> == json_form::record)
inline constexpr json_type type_of<T> = {nullptr, nullptr, &record_of<T>::value};

template <class T> struct checked_record {
  static_assert(begins_empty<T>,
                "cleave: a stored type needs a default constructor: missing fields keep its values");
};
template <class T, template <class...> class L> struct record_of<T, L<>> : checked_record<T> {
  static bool with_places(void*, json_with_places* use, void* by) { return use(by, value, nullptr); }
  static constexpr json_record value{{}, &with_places};
};
template <class T, template <class...> class L, class... Ds> struct record_of<T, L<Ds...>>
    : checked_record<T> {
  static_assert(sizeof...(Ds) <= limits::record_fields,
                "cleave: a described struct has more fields than limits::record_fields");
  static_assert((check_form<field_type<Ds>>() && ...));
  static_assert((!std::is_const_v<field_type<Ds>> && ...), "cleave: a const field cannot be read back");
  static constexpr json_field fields[] = {{Ds::name, &type_of<field_type<Ds>>}...};
  static bool with_places(void* record, json_with_places* use, void* by) {
    void* const places[] = {&(static_cast<T*>(record)->*Ds::pointer)...};
    return use(by, value, places);
  }
  static constexpr json_record value{fields, &with_places};
};

// ---- writing

template <class T> bool write_list(json_writer& writer, T const& list) {
  if (!writer.open('[')) return false;
  std::size_t index = 0;
  for (auto const& element : list) {
    if (index != 0) writer.put(',');
    if (!write_value(writer, element)) return writer.failure().in_element(index);
    ++index;
  }
  writer.close(']');
  return true;
}

template <class T> bool write_map(json_writer& writer, T const& map) {
  if (!writer.open('{')) return false;
  bool first = true;
  for (auto const& [key, value] : map) {
    if (!first) writer.put(',');
    first = false;
    if (!writer.text(key)) return writer.failure().in_entry(key);
    writer.put(':');
    if (!write_value(writer, value)) return writer.failure().in_entry(key);
  }
  writer.close('}');
  return true;
}

template <class T, std::size_t... Is> bool write_tuple(json_writer& writer, T const& tuple,
                                                       std::index_sequence<Is...>) {
  using std::get;
  if (!writer.open('[')) return false;
  bool const good = (((Is == 0 || (writer.put(','), true)) &&
                      (write_value(writer, get<Is>(tuple)) || writer.failure().in_element(Is))) &&
                     ...);
  if (good) writer.close(']');
  return good;
}

template <class T, std::size_t... Is>
bool write_alternative(json_writer& writer, T const& variant, std::size_t index, std::index_sequence<Is...>) {
  bool good = false;
  static_cast<void>(((Is == index && (good = write_value(writer, *get_if<Is>(&variant)), true)) || ...));
  return good;
}

template <class T> bool write_variant_part(json_writer& writer, void const* variant, std::size_t index) {
  return write_alternative(writer, *static_cast<T const*>(variant), index, alternative_indices<T>());
}

template <class T> bool write_foreign(json_writer& writer, T const& value) {
  if (auto done = codec<T>::encode(value, writer.begin_foreign()); !done)
    return writer.foreign_failed(done.error());
  return writer.end_foreign();
}

template <class T> void write_number(json_writer& writer, T value) {
  if constexpr (std::is_signed_v<T>) writer.integer(static_cast<std::int64_t>(value));
  else writer.natural(static_cast<std::uint64_t>(value));
}

template <class T> bool write_value(json_writer& writer, T const& value) {
  constexpr json_form form = form_of<T>;
  static_assert(check_form<T>());
  if constexpr (form == json_form::boolean) return writer.boolean(value), true;
  else if constexpr (form == json_form::integer) return write_number(writer, value), true;
  else if constexpr (form == json_form::real) return writer.real(value);
  else if constexpr (form == json_form::text) return writer.text(value);
  else if constexpr (form == json_form::record) {
    return writer.record(record_of<T>::value, &value);
  } else if constexpr (form == json_form::enumeration) {
    if constexpr (is_described_enum<T>)
      return writer.enumerator(json_enumerators<T>, static_cast<std::int64_t>(value));
    else return write_number(writer, static_cast<std::underlying_type_t<T>>(value)), true;
  } else if constexpr (form == json_form::strong) return writer.natural(value.value()), true;
  else if constexpr (form == json_form::id) {
    if constexpr (is_basic_id<T>) return writer.id(value.id()), true;
    else return writer.id(value), true;
  } else if constexpr (form == json_form::time) return writer.time(value), true;
  else if constexpr (form == json_form::duration) return write_value(writer, value.count());
  else if constexpr (form == json_form::optional) {
    if (value.has_value()) return write_value(writer, *value);
    return writer.null(), true;
  } else if constexpr (form == json_form::bytes) return writer.bytes({value.data(), value.size()}), true;
  else if constexpr (form == json_form::list || form == json_form::array) return write_list(writer, value);
  else if constexpr (form == json_form::map) return write_map(writer, value);
  else if constexpr (form == json_form::tuple) {
    return write_tuple(writer, value, std::make_index_sequence<std::tuple_size_v<T>>());
  } else if constexpr (form == json_form::variant) {
    return writer.alternative(&value, alternative_names<parts_of<T>>::value, value.index(),
                              &write_variant_part<T>);
  } else if constexpr (form == json_form::foreign) return write_foreign(writer, value);
  else return false;
}

// ---- reading

template <class T> bool read_element(json_reader& reader, void* list, std::size_t) {
  auto& elements = *static_cast<T*>(list);
  if constexpr (std::same_as<typename T::value_type,
                             bool>) { // of std::vector<bool>, which has no elements to point at
    bool element = false;
    bool const good = read_value(reader, element);
    elements.push_back(element);
    return good;
  } else {
    elements.emplace_back();
    return read_value(reader, elements.back());
  }
}

template <class T> bool read_array_element(json_reader& reader, void* array, std::size_t index) {
  return read_value(reader, (*static_cast<T*>(array))[index]);
}

template <class T> json_entry read_entry(json_reader& reader, void* map, std::string const& key) {
  auto const [entry, added] = static_cast<T*>(map)->try_emplace(key);
  if (!added) return json_entry::repeated;
  return read_value(reader, entry->second) ? json_entry::read : json_entry::failed;
}

template <class T, std::size_t... Is>
bool read_tuple_element(json_reader& reader, T& tuple, std::size_t index, std::index_sequence<Is...>) {
  using std::get;
  bool good = false;
  static_cast<void>(((Is == index && (good = read_value(reader, get<Is>(tuple)), true)) || ...));
  return good;
}

template <class T> bool read_tuple_part(json_reader& reader, void* tuple, std::size_t index) {
  return read_tuple_element(reader, *static_cast<T*>(tuple), index,
                            std::make_index_sequence<std::tuple_size_v<T>>());
}

template <class T, std::size_t... Is>
bool read_alternative(json_reader& reader, T& variant, std::size_t index, std::index_sequence<Is...>) {
  bool good = false;
  static_cast<void>(
      ((Is == index && (good = read_value(reader, variant.template emplace<Is>()), true)) || ...));
  return good;
}

template <class T> bool read_variant_part(json_reader& reader, void* variant, std::size_t index) {
  return read_alternative(reader, *static_cast<T*>(variant), index, alternative_indices<T>());
}

template <class T> bool read_optional(json_reader& reader, T& optional) {
  if (reader.take_null()) return optional.reset(), true;
  optional.emplace();
  return read_value(reader, *optional);
}

template <class T> bool read_bytes(json_reader& reader, T& value) {
  std::string_view given;
  if constexpr (fixed_size<T>) {
    if (!reader.bytes(given, value.size())) return false;
  } else {
    if (!reader.bytes(given)) return false;
    value.resize(given.size());
  }
  for (std::size_t i = 0; i < given.size(); ++i) value[i] = static_cast<std::byte>(given[i]);
  return true;
}

template <class T> bool read_foreign(json_reader& reader, T& value) {
  std::string_view text;
  if (!reader.foreign(text)) return false;
  auto decoded = codec<T>::decode(text);
  if (!decoded) return reader.foreign_failed(text, decoded.error());
  value = *std::move(decoded);
  return true;
}

// The fixed-width type of T's size and sign: `long long` is not std::int64_t, but has the same values.
template <class T>
using fixed_width = boost::mp11::mp_at_c<
    std::conditional_t<std::is_signed_v<T>,
                       boost::mp11::mp_list<std::int8_t, std::int16_t, std::int32_t, std::int64_t>,
                       boost::mp11::mp_list<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>>,
    sizeof(T) == 1   ? 0
    : sizeof(T) == 2 ? 1
    : sizeof(T) == 4 ? 2
                     : 3>;

template <class T> bool read_number(json_reader& reader, T& value) {
  if constexpr (std::same_as<T, fixed_width<T>>) {
    return reader.integer(value);
  } else {
    fixed_width<T> number = 0;
    if (!reader.integer(number)) return false;
    value = static_cast<T>(number);
    return true;
  }
}

template <class T> bool read_enum(json_reader& reader, T& value) {
  if constexpr (is_described_enum<T>) {
    std::int64_t number = 0;
    if (!reader.enumerator(json_enumerators<T>, number)) return false;
    value = static_cast<T>(number);
  } else {
    std::underlying_type_t<T> number{};
    if (!read_number(reader, number)) return false;
    value = static_cast<T>(number);
  }
  return true;
}

template <class T> bool read_strong(json_reader& reader, T& value) {
  std::uint64_t number = 0;
  if (!read_number(reader, number)) return false;
  value = T(number);
  return true;
}

template <class T> bool read_id(json_reader& reader, T& value) {
  uuid id;
  if (!reader.id(id)) return false;
  value = T(id);
  return true;
}

template <class T> bool read_duration(json_reader& reader, T& value) {
  typename T::rep count{};
  if (!read_value(reader, count)) return false;
  value = T(count);
  return true;
}

template <class T> bool read_value(json_reader& reader, T& value) {
  constexpr json_form form = form_of<T>;
  static_assert(check_form<T>());
  if constexpr (form == json_form::boolean) return reader.boolean(value);
  else if constexpr (form == json_form::integer) return read_number(reader, value);
  else if constexpr (form == json_form::real) return reader.real(value);
  else if constexpr (form == json_form::text) return reader.text(value);
  else if constexpr (form == json_form::record) {
    return reader.record(record_of<T>::value, &value);
  } else if constexpr (form == json_form::enumeration) return read_enum(reader, value);
  else if constexpr (form == json_form::strong) return read_strong(reader, value);
  else if constexpr (form == json_form::id) return read_id(reader, value);
  else if constexpr (form == json_form::time) return reader.time(value);
  else if constexpr (form == json_form::duration) return read_duration(reader, value);
  else if constexpr (form == json_form::optional) return read_optional(reader, value);
  else if constexpr (form == json_form::bytes) return read_bytes(reader, value);
  else if constexpr (form == json_form::list) {
    value.clear();
    return reader.list(&value, &read_element<T>);
  } else if constexpr (form == json_form::array) {
    return reader.fixed_list(&value, value.size(), &read_array_element<T>);
  } else if constexpr (form == json_form::map) {
    value.clear();
    return reader.map(&value, &read_entry<T>);
  } else if constexpr (form == json_form::tuple) {
    return reader.fixed_list(&value, std::tuple_size_v<T>, &read_tuple_part<T>);
  } else if constexpr (form == json_form::variant) {
    return reader.alternative(&value, alternative_names<parts_of<T>>::value, &read_variant_part<T>);
  } else if constexpr (form == json_form::foreign) return read_foreign(reader, value);
  else return false;
}

} // namespace cleave::detail
