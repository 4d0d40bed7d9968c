// SPDX-License-Identifier: BSL-1.0
// Goes through all of a log that may be damaged: what SQLite cannot read is noted and passed over.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/sqlite/database.hpp>

#include "findings.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace cleave::sqlite {

// Positions from first to last; INT64_MAX: to the end, wherever that is.
struct position_range {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

// The parts of the log that could not be read, in order: 16 bytes for each.
class lost_parts {
public:
  void add(position_range part) { parts_.push_back(part); }
  bool contains(std::int64_t position) const noexcept;
  bool empty() const noexcept { return parts_.empty(); }
  bool reach_to_end() const noexcept { return !parts_.empty() && parts_.back().last == INT64_MAX; }

private:
  std::vector<position_range> parts_;
};

// Calls row(position, statement) for each row in order of position; the columns begin with the position. An unreadable part is a
// finding if `report` says so. One search in the tree for each of its sizes' binary digits; a readable page between two damaged ones
// that lie close together can be passed over with them.
using log_row = function_ref<result<void>(std::int64_t, statement const&)>;
enum class lost_part : bool { is_known, is_finding };
result<void> walk_log(database& db, std::string_view columns, findings& found, lost_part report,
                      lost_parts& lost, log_row row);

} // namespace cleave::sqlite
