// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a brace in a format string stands alone; write {} or double it
#include <cleave/base/text.hpp>

int main() {
#ifdef CLEAVE_MUST_FAIL
  return static_cast<int>(cleave::format_text("stream {", 1).size());
#else
  return static_cast<int>(cleave::format_text("stream {{{}}}", 1).size());
#endif
}
