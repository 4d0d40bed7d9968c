// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/error.hpp>
#include <cleave/query/partition.hpp>

namespace cleave::detail {

namespace {

std::string text_of(partition const& part) {
  if (part.is_all()) return "all of it";
  return format_text("part {} of {}", part.index + 1, part.count);
}

} // namespace

error other_partition(std::string_view projection, partition const& found, partition const& wanted) {
  return make_error(
      errc::invalid_argument,
      "projection {}: the read store has {}, wanted is {}; each part, and each number of parts, needs "
      "read stores of its own",
      projection, text_of(found), text_of(wanted));
}

} // namespace cleave::detail
