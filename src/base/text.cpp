// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/text.hpp>

#include <fmt/args.h>
#include <fmt/format.h>

namespace cleave::detail {

std::string format_erased(std::string_view format, text_argument const* arguments, std::size_t count) {
  fmt::dynamic_format_arg_store<fmt::format_context> store;
  for (std::size_t i = 0; i < count; ++i) {
    switch (arguments[i].which()) {
    case text_argument::kind::text:
      store.push_back(fmt::string_view(arguments[i].text().data(), arguments[i].text().size()));
      break;
    case text_argument::kind::signed_integer: store.push_back(arguments[i].signed_integer()); break;
    case text_argument::kind::unsigned_integer: store.push_back(arguments[i].unsigned_integer()); break;
    case text_argument::kind::real: store.push_back(arguments[i].real()); break;
    case text_argument::kind::boolean: store.push_back(arguments[i].unsigned_integer() != 0); break;
    }
  }
  return fmt::vformat(fmt::string_view(format.data(), format.size()), store);
}

} // namespace cleave::detail
