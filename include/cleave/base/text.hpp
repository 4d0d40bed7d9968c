// SPDX-License-Identifier: BSL-1.0
// Builds message texts without pulling a formatting library into the core headers: the arguments are erased here,
// the formatting is compiled once in src/base/text.cpp.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace cleave {

// One argument of format_text: an integer, a floating-point number, a bool, a text, an enumeration (as its number), or any
// of cleave's own strong numbers (things with a `value()`). A text argument is a view: it must outlive the call.
class text_argument {
public:
  enum class kind : unsigned char { text, signed_integer, unsigned_integer, real, boolean };

  constexpr text_argument(bool value) noexcept : kind_(kind::boolean), unsigned_(value ? 1 : 0) {}
  template <std::signed_integral T> constexpr text_argument(T value) noexcept
      : kind_(kind::signed_integer), signed_(value) {}
  template <std::unsigned_integral T>
    requires(!std::same_as<T, bool>)
  constexpr text_argument(T value) noexcept : kind_(kind::unsigned_integer), unsigned_(value) {}
  constexpr text_argument(double value) noexcept : kind_(kind::real), real_(value) {}
  template <class T>
    requires std::convertible_to<T const&, std::string_view>
  constexpr text_argument(T const& value) : kind_(kind::text), text_(std::string_view(value)) {}
  template <class T>
    requires requires(T const& strong) {
      { strong.value() } -> std::convertible_to<std::uint64_t>;
    }
  constexpr text_argument(T const& strong) : kind_(kind::unsigned_integer), unsigned_(strong.value()) {}
  template <class T>
    requires std::is_enum_v<T>
  constexpr text_argument(T value) noexcept : text_argument(static_cast<std::underlying_type_t<T>>(value)) {}

  constexpr kind which() const noexcept { return kind_; }
  constexpr std::string_view text() const noexcept { return text_; }
  constexpr std::int64_t signed_integer() const noexcept { return signed_; }
  constexpr std::uint64_t unsigned_integer() const noexcept { return unsigned_; }
  constexpr double real() const noexcept { return real_; }

private:
  kind kind_;
  std::string_view text_{};
  union {
    std::int64_t signed_;
    std::uint64_t unsigned_ = 0;
    double real_;
  };
};

// A format string whose `{}` are counted at compile time: too few or too many arguments do not compile.
template <std::size_t ArgumentCount> class checked_format {
public:
  template <class T>
    requires std::convertible_to<T const&, std::string_view>
  consteval checked_format(T const& text) : text_(text) {
    std::size_t found = 0;
    for (std::size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] != '{' && text_[i] != '}') continue;
      bool const doubled = i + 1 < text_.size() && text_[i + 1] == text_[i];
      bool const placeholder = text_[i] == '{' && i + 1 < text_.size() && text_[i + 1] == '}';
      if (!doubled && !placeholder)
        throw "cleave: a brace in a format string stands alone; write {} or double it";
      if (placeholder) ++found;
      ++i;
    }
    if (found != ArgumentCount) throw "cleave: the number of {} and the number of arguments differ";
  }
  constexpr std::string_view text() const noexcept { return text_; }

private:
  std::string_view text_;
};

namespace detail {
std::string format_erased(std::string_view format, text_argument const* arguments, std::size_t count);
} // namespace detail

// Replaces each `{}` of `format` by the next argument. `{{` and `}}` stand for a brace.
template <class... Arguments>
std::string format_text(checked_format<sizeof...(Arguments)> format, Arguments const&... arguments) {
  if constexpr (sizeof...(Arguments) == 0) {
    return detail::format_erased(format.text(), nullptr, 0);
  } else {
    text_argument const erased[] = {text_argument(arguments)...};
    return detail::format_erased(format.text(), erased, sizeof...(Arguments));
  }
}

} // namespace cleave
