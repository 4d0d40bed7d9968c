// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/error.hpp>
#include <cleave/version.hpp>

int main() {
  auto const error = cleave::make_error(cleave::errc::not_found, "version {}", CLEAVE_VERSION_STRING);
  return error.code() == cleave::errc::not_found ? 0 : 1;
}
