// SPDX-License-Identifier: BSL-1.0
// What a given/when/then came to: whether it holds, and a text that says what was expected and what came.
#pragma once

#include <string>
#include <utility>

namespace cleave::testing {

// In a test framework hand it to its assertion, which prints the text when it does not hold (Catch2, GoogleTest, doctest,
// Boost.Test: they print what has an operator<<):
//   REQUIRE(given<account>(...).when(...).then(...));
// Without a framework look at it:
//   if (auto told = given<account>(...).when(...).then(...); !told) std::fputs(told.text().c_str(), stderr);
class [[nodiscard]] report {
public:
  report(bool holds, std::string text) : holds_(holds), text_(std::move(text)) {}

  explicit operator bool() const noexcept { return holds_; }
  // Several lines: the sentence, and where it does not hold, the differences field by field.
  std::string const& text() const noexcept { return text_; }

  template <class Stream> friend auto operator<<(Stream& out, report const& told)
      -> decltype(out << std::declval<std::string const&>()) {
    return out << told.text();
  }

private:
  bool holds_;
  std::string text_;
};

} // namespace cleave::testing
