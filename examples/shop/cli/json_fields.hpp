// SPDX-License-Identifier: BSL-1.0
// Strict reading of JSON for a described struct. A stored event is read leniently, because its writer may have been older or newer;
// a command comes from a person: a field that is misspelt or forgotten is an error, not a default.
#pragma once

#include "cli/json.hpp"

#include <boost/describe/members.hpp>
#include <boost/mp11/algorithm.hpp>

#include <cstddef>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shop {

namespace detail {
template <class T> using fields_of = boost::describe::describe_members<T, boost::describe::mod_public>;
template <class T> inline constexpr bool may_be_left_out = false;
template <class T> inline constexpr bool may_be_left_out<std::optional<T>> = true;
template <class T> inline constexpr bool is_list_of_records = false;
template <class T>
inline constexpr bool is_list_of_records<std::vector<T>> = boost::describe::has_describe_members<T>::value;

template <class... Parts> auto bad_field(cleave::checked_format<sizeof...(Parts)> format,
                                         Parts const&... parts) {
  return cleave::unexpected(cleave::make_error(cleave::errc::decode_failed, format, parts...));
}
} // namespace detail

// Whether the object `json` has every field of T that is not optional, and no field but those of T and `others`; the same for
// the records in its lists. errc::decode_failed names the field.
template <class T>
cleave::result<void> check_fields(std::string_view json,
                                  std::initializer_list<std::string_view> others = {}) {
  auto given = cleave::codec<std::map<std::string, json_text>>::decode(json);
  if (!given) return cleave::unexpected(std::move(given).error());
  for (std::string_view name : others) given->erase(std::string(name));

  cleave::result<void> good;
  boost::mp11::mp_for_each<detail::fields_of<T>>([&]<class Member>(Member) {
    using type = std::remove_cvref_t<decltype(std::declval<T>().*Member::pointer)>;
    if (!good) return;
    auto const found = given->extract(Member::name);
    if (!found) {
      if (!detail::may_be_left_out<type>) good = detail::bad_field("{}: the field is missing", Member::name);
    } else if constexpr (detail::is_list_of_records<type>) {
      auto const elements = cleave::codec<std::vector<json_text>>::decode(found.mapped().text);
      if (!elements) return; // decoding T says that, and where
      for (std::size_t i = 0; good && i < elements->size(); ++i) {
        auto const fits = check_fields<typename type::value_type>((*elements)[i].text);
        if (!fits) good = detail::bad_field("{}[{}].{}", Member::name, i, fits.error().text());
      }
    }
  });
  if (good && !given->empty()) good = detail::bad_field("{}: there is no such field", given->begin()->first);
  return good;
}

} // namespace shop
