// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/expectation.hpp>

namespace cleave {

error version_conflict(stream_name stream, expectation expected, version actual) {
  switch (expected.which()) {
  case expectation::kind::no_stream:
    return make_error(errc::version_conflict, "wrong expected version: no stream (stream {}, actual {})",
                      stream.text(), actual);
  case expectation::kind::stream_exists:
    return make_error(errc::version_conflict, "wrong expected version: stream exists (stream {}, actual {})",
                      stream.text(), actual);
  case expectation::kind::any:
  case expectation::kind::exactly: break;
  }
  return make_error(errc::version_conflict, "wrong expected version {} (stream {}, actual {})",
                    expected.expected(), stream.text(), actual);
}

} // namespace cleave
