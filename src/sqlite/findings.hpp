// SPDX-License-Identifier: BSL-1.0
// Collects what a verification finds, and decides what is a finding and what keeps it from looking.
#pragma once

#include <cleave/base/function_ref.hpp>
#include <cleave/base/result.hpp>
#include <cleave/sqlite/database.hpp>
#include <cleave/sqlite/verification.hpp>

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cleave::sqlite {

// What a finding is about. 0: nothing of that kind; SQL hands out ids from 1.
struct place {
  std::string_view table{};
  std::int64_t position = 0;
  std::int64_t stream = 0;
};

class findings {
public:
  findings(database& db, verification& to) noexcept : db_(&db), to_(&to) {}

  // Texts are made only of those that are kept.
  template <class... Arguments>
  void add(place at, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    ++to_->found;
    if (to_->findings.size() < verification::most_findings)
      keep(at, fmt::format(format, std::forward<Arguments>(arguments)...));
  }

  // SQLite could not read something: a finding, and the verification goes on; or the error itself, when the machine has no
  // memory or no time, or when the snapshot is lost and what is read from now on would be another one's.
  result<void> unreadable(place at, std::string_view what, error const& reason);
  // The snapshot was lost. What was found before that holds.
  bool snapshot_lost() const noexcept { return snapshot_lost_; }

private:
  void keep(place at, std::string text);

  database* db_;
  verification* to_;
  bool snapshot_lost_ = false;
};

// Calls row(statement) for each row of a query over `table`. False: SQLite could not read all of them; that is a finding.
using table_row = function_ref<result<void>(statement const&)>;
result<bool> read_rows(database& db, findings& found, std::string_view table, std::string_view sql,
                       table_row row);

// The text or blob in a column of the current row, as it lies there; valid until the next step.
std::string_view bytes_of(statement const& row, int column) noexcept;

} // namespace cleave::sqlite
