// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/upcast.hpp>

#include <utility>

namespace cleave::detail {

error undecodable(envelope const& at, error cause) {
  return error(errc::decode_failed,
               format_text("event {} at position {} (stream {}, version {}) does not decode", at.name,
                           at.position, at.stream.text(), at.version),
               std::move(cause));
}

error no_codec(envelope const& at) {
  return make_error(
      errc::decode_failed,
      "event {} at position {} (stream {}, version {}) is held as bytes, and its type has no codec", at.name,
      at.position, at.stream.text(), at.version);
}

error unlisted_event(envelope const& at, std::string_view became, std::string_view decider) {
  bool const upcast = !became.empty();
  return make_error(
      errc::unknown_event,
      "stream {} holds event {} (version {}, position {}){}{}, which its decider {} does not list",
      at.stream.text(), at.name, at.version, at.position, std::string_view(upcast ? " that became " : ""),
      became, decider);
}

} // namespace cleave::detail
