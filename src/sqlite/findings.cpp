// SPDX-License-Identifier: BSL-1.0
#include "findings.hpp"

#include <sqlite3.h>

#include <algorithm>

namespace cleave::sqlite {

void findings::keep(place at, std::string text) {
  std::string name;
  if (at.stream != 0) {
    // A damaged file may have no name, or a very long one.
    auto found = db_->value<std::string>(
        "SELECT substr(name, 1, 255) FROM cleave_streams WHERE id = ?1 AND typeof(name) = 'text'", at.stream);
    if (found) name = std::move(*found).value_or("");
  }
  to_->findings.push_back(
      {.table = std::string(at.table),
       .position = position(static_cast<std::uint64_t>(std::max<std::int64_t>(at.position, 0))),
       .stream = std::move(name),
       .text = std::move(text)});
}

result<void> findings::unreadable(place at, std::string_view what, error const& reason) {
  bool const of_machine = reason.code() == errc::limit_exceeded || reason.code() == errc::disk_full ||
                          reason.code() == errc::busy;
  if (of_machine) return unexpected(reason);
  add(at, "{} cannot be read: {}", what, reason.message());
  // SQLite ends the transaction after a read that the operating system refused.
  if (db_->in_transaction()) return {};
  snapshot_lost_ = true;
  add({}, "what comes after that was not looked at: the failed read has ended the snapshot");
  return unexpected(reason);
}

result<bool> read_rows(database& db, findings& found, std::string_view table, std::string_view sql,
                       table_row row) {
  auto const failed = [&](error const& reason) -> result<bool> {
    if (auto good = found.unreadable({.table = table}, table, reason); !good)
      return unexpected(std::move(good).error());
    return false;
  };
  auto rows = db.prepare(sql);
  if (!rows) return failed(rows.error());
  for (;;) {
    auto const more = rows->step();
    if (!more) return failed(more.error());
    if (!*more) return true;
    if (auto good = row(*rows); !good) return unexpected(std::move(good).error());
  }
}

std::string_view bytes_of(statement const& row, int column) noexcept {
  auto const* const bytes = static_cast<char const*>(sqlite3_column_blob(row.handle(), column));
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(row.handle(), column))};
}

} // namespace cleave::sqlite
