// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/projector.hpp>

namespace cleave::detail {

error projection_failed(std::string_view projection, envelope const& at, error cause) {
  return error(errc::handler_failed,
               format_text("projection {} cannot apply event {} at position {} (stream {}, version {})",
                           projection, at.name, at.position, at.stream.text(), at.version),
               std::move(cause));
}

} // namespace cleave::detail
