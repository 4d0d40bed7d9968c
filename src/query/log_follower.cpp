// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/log_follower.hpp>

namespace cleave::detail {

error consumer_failed(std::string_view consumer, envelope const& at, error cause) {
  return error(errc::handler_failed,
               format_text("consumer {} failed at event {} at position {} (stream {}, version {})", consumer,
                           at.name, at.position, at.stream.text(), at.version),
               std::move(cause));
}

} // namespace cleave::detail
