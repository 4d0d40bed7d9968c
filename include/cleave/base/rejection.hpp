// SPDX-License-Identifier: BSL-1.0
// A domain's "no": an ordinary value, never an error.
#pragma once

#include <cleave/base/text.hpp>

#include <string>
#include <string_view>

namespace cleave {

// A command that the rules of the domain refuse. `code` is for programs: kebab-case, stable, 1 to
// limits::rejection_code_bytes bytes. `text` is for people, at most limits::rejection_text_bytes bytes.
struct rejection {
  std::string code;
  std::string text;
  friend bool operator==(rejection const&, rejection const&) = default;
};

// reject("account-closed", "account {} is not open", account): the rejection with a formatted text.
template <class... Arguments>
rejection reject(std::string_view code, checked_format<sizeof...(Arguments)> format,
                 Arguments const&... arguments) {
  return rejection{std::string(code), format_text(format, arguments...)};
}

} // namespace cleave
