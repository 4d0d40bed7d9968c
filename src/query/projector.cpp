// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/projector.hpp>

namespace cleave::detail {

error projection_failed(std::string_view projection, envelope const& at, error cause) {
  return error(errc::handler_failed,
               format_text("projection {} cannot apply event {} at position {} (stream {}, version {})",
                           projection, at.name, at.position, at.stream.text(), at.version),
               std::move(cause));
}

error parking_failed(std::string_view projection, position at, error cause) {
  auto const code = cause.code();
  return error(
      code,
      format_text("projection {} cannot store the dead letter of the event at position {}", projection, at),
      std::move(cause));
}

std::string_view waits_behind() noexcept { return "waits behind an earlier event of its key"; }

error letter_without_event(std::string_view projection, position at) {
  return make_error(errc::not_found, "projection {}: the log shows no event of it at position {}", projection,
                    at);
}

} // namespace cleave::detail
