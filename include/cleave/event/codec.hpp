// SPDX-License-Identifier: BSL-1.0
// codec<T>: the stored form of a type, JSON text by default.
//
//   struct order_line { std::string product; std::int32_t quantity; };
//   BOOST_DESCRIBE_STRUCT(order_line, (), (product, quantity))
//   struct order_placed { std::string customer; std::vector<order_line> lines; };
//   BOOST_DESCRIBE_STRUCT(order_placed, (), (customer, lines))
//
//   {"customer":"ALFKI","lines":[{"product":"tea","quantity":2}]}
//
// | C++                                             | JSON                                                            |
// |-------------------------------------------------|-----------------------------------------------------------------|
// | described struct, its bases' fields first       | object; {} where it has no fields                               |
// | bool, integers up to 64 bits                    | true, false; number, always exact                               |
// | float, double                                   | number, the shortest that reads back the same; finite only      |
// | std::string                                     | text; must be UTF-8, U+0000 included                            |
// | enumeration                                     | the enumerator's name where described, else the number          |
// | std::optional                                   | null or the value                                               |
// | std::vector, deque, list, ...; std::array       | array                                                           |
// | std::pair, std::tuple                           | array                                                           |
// | std::map, unordered_map, ... with std::string   | object                                                          |
// | std::variant                                    | {"name of the alternative": value}, see alternative_name        |
// | std::vector, std::array of std::byte            | base64 text                                                     |
// | uuid and the ids; timestamp                     | text; RFC 3339, the microseconds as number outside year 0..9999 |
// | position, version; std::chrono::duration        | number; the number of ticks                                     |
// | a type with a codec of its own                  | what that codec writes                                          |
//
// Reading is lenient where versions differ: a missing field keeps the value that the default constructor gave it, an unknown
// field is skipped, the order of the fields is free. It is strict about everything else: a wrong type, a number out of range, a
// field or a map's key that stands twice, anything that is not JSON text in UTF-8, and anything behind the value is
// errc::decode_failed; nesting beyond limits::json_depth is errc::limit_exceeded. The error's text names the field, what was
// wanted, what was found, and the byte: "lines[2].quantity: wanted an integer from 0 to 255, found -1 at offset 57".
#pragma once

#include <cleave/base/result.hpp>
#include <cleave/event/json_form.hpp>
#include <cleave/event/json_walk.hpp>

#include <boost/describe/class.hpp>
#include <boost/describe/enum.hpp>

#include <concepts>
#include <new>
#include <string>
#include <string_view>
#include <type_traits>

namespace cleave {

namespace detail {
// Puts the error in place of the value.
template <class T> void fail_result(void* target, unexpected<error>&& reason) {
  auto* const failed = static_cast<result<T>*>(target);
  failed->~result();
  new (failed) result<T>(std::move(reason));
}
} // namespace detail

// Specialise it for a type that is to be stored differently, with these two functions. As the codec of an event it may write
// any bytes. As the codec of a field it must write one JSON value, which is checked; the simplest way is another type's codec:
//
//   template <> struct cleave::codec<money> {
//     static result<void> encode(money const& m, std::string& out) { return codec<std::int64_t>::encode(m.cents(), out); }
//     static result<money> decode(std::string_view data) {
//       return codec<std::int64_t>::decode(data).transform([](std::int64_t cents) { return money(cents); });
//     }
//   };
//
// Both functions may be called from any thread at once. What they throw as the codec of a field is errc::handler_failed.
template <class T> struct codec {
  // Appends the stored form of `value` to `out`. errc::encode_failed, with `out` unchanged, for a value that has none: a text
  // that is not UTF-8, a number that is not finite, a described enumeration's value without a name; the error's text names
  // the field. errc::limit_exceeded for nesting beyond limits::json_depth.
  static result<void> encode(T const& value, std::string& out) {
    static_assert(detail::check_form<T>());
    return detail::encode_json(&value, out, detail::type_of<T>);
  }

  // Reads what encode wrote, today or in an older version of T.
  static result<T> decode(std::string_view data) {
    static_assert(detail::check_form<T>());
    result<T> decoded; // filled in place, and the only object that is returned: nothing is moved
    detail::decode_json(data, &*decoded, detail::type_of<T>, &decoded, &detail::fail_result<T>);
    return decoded;
  }

  using default_codec = codec;
};

// Whether codec<T> can be used: T is described and every field of it, at every depth, has a stored form, or the
// application specialised codec<T>.
template <class T>
concept encodable = std::same_as<T, std::remove_cvref_t<T>> && detail::has_form<T>() &&
                    (!detail::foreign<T> ||
                     requires(T const& value, std::string& out, std::string_view data) {
                       { codec<T>::encode(value, out) } -> std::same_as<result<void>>;
                       { codec<T>::decode(data) } -> std::same_as<result<T>>;
                     });

} // namespace cleave
