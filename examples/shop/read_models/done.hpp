// SPDX-License-Identifier: BSL-1.0
// What a projection reports of a statement: that it worked, not how many rows it touched.
#pragma once

#include <cleave/base/result.hpp>

#include <cstdint>
#include <utility>

namespace shop {

inline cleave::result<void> done(cleave::result<std::int64_t> rows) {
  if (!rows) return cleave::unexpected(std::move(rows).error());
  return {};
}

} // namespace shop
