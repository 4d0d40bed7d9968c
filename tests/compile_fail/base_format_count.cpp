// SPDX-License-Identifier: BSL-1.0
// expect: cleave: the number of {} and the number of arguments differ
#include <cleave/base/text.hpp>

int main() {
#ifdef CLEAVE_MUST_FAIL
  return static_cast<int>(cleave::format_text("stream {}, version {}", "account-42").size());
#else
  return static_cast<int>(cleave::format_text("stream {}, version {}", "account-42", 3).size());
#endif
}
