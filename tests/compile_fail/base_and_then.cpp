// SPDX-License-Identifier: BSL-1.0
// expect: cleave: and_then needs a function that returns a result
#include <cleave/base/result.hpp>

cleave::result<int> number() { return 1; }

int main() {
#ifdef CLEAVE_MUST_FAIL
  return number().and_then([](int n) { return n + 1; }).value();
#else
  return number().and_then([](int n) -> cleave::result<int> { return n + 1; }).value();
#endif
}
