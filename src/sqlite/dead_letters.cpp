// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/limits.hpp>
#include <cleave/sqlite/dead_letters.hpp>

#include <algorithm>
#include <string>

namespace cleave::sqlite {

static_assert(cleave::dead_letter_table<dead_letters>);

namespace {

result<bool> whether(result<std::optional<std::int64_t>> const& found) {
  if (!found) return unexpected(found.error());
  return found->value_or(0) != 0;
}
result<bool> changed(result<std::int64_t> const& rows) {
  if (!rows) return unexpected(rows.error());
  return *rows != 0;
}

} // namespace

result<std::uint64_t> dead_letters::count() {
  auto const found = db_->value<std::uint64_t>(
      "SELECT count(*) FROM cleave_dead_letters INDEXED BY cleave_dead_letters_by_key WHERE projection = ?1 AND discarded IS NULL",
      projection_);
  if (!found) return unexpected(found.error());
  return found->value_or(0);
}

result<bool> dead_letters::any() {
  return whether(db_->value<std::int64_t>(
      "SELECT EXISTS (SELECT 1 FROM cleave_dead_letters INDEXED BY cleave_dead_letters_by_key "
      "WHERE projection = ?1 AND discarded IS NULL)",
      projection_));
}

result<bool> dead_letters::holds(std::string_view key) {
  // Not told, SQLite takes the order of positions for the cheaper one, and goes through all letters of the projection.
  return whether(db_->value<std::int64_t>(
      "SELECT EXISTS (SELECT 1 FROM cleave_dead_letters INDEXED BY cleave_dead_letters_by_key "
      "WHERE projection = ?1 AND key = ?2 AND discarded IS NULL)",
      projection_, key));
}

result<void> dead_letters::park(dead_letter const& letter) {
  if (letter.key.size() > limits::stream_name_bytes) {
    return unexpected(make_error(errc::limit_exceeded,
                                 "projection {}: the key of the event at position {} has {} bytes, limit {}",
                                 projection_, letter.position, letter.key.size(), limits::stream_name_bytes));
  }
  auto const stored = db_->execute(
      "INSERT INTO cleave_dead_letters (projection, position, key, event, error, attempts, parked_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      projection_, letter.position.value(), letter.key, letter.event, letter.error, letter.attempts,
      letter.parked_at.microseconds());
  if (stored) return {};
  if (stored.error().code() != errc::constraint_violated) return unexpected(stored.error());
  return unexpected(error(errc::already_exists,
                          format_text("projection {}: the event at position {} is a dead letter already",
                                      projection_, letter.position),
                          stored.error()));
}

result<void> dead_letters::list(dead_letter_range const& range, cleave::detail::dead_letter_sink sink) {
  std::string sql(
      "SELECT position, key, event, error, attempts, parked_at, discarded FROM cleave_dead_letters ");
  if (range.key && !range.discarded) sql += "INDEXED BY cleave_dead_letters_by_key ";
  sql += "WHERE projection = ?1 AND position > ?2 ";
  sql += range.discarded ? "AND discarded IS NOT NULL " : "AND discarded IS NULL ";
  // One statement for both, so that the number of its parameters is one.
  sql += range.key ? "AND key = ?4 " : "AND ?4 IS NULL ";
  sql += "ORDER BY position LIMIT ?3";
  auto const limit = static_cast<std::int64_t>(std::min<std::uint64_t>(range.limit, INT64_MAX));
  return db_->for_each(
      sql,
      [&](std::uint64_t at, std::string key, std::string event, std::string failure, std::uint64_t attempts,
          std::int64_t parked_at, std::optional<std::string> discarded) {
        return sink(dead_letter{position(at), std::move(key), std::move(event), std::move(failure), attempts,
                                timestamp(parked_at), std::move(discarded).value_or("")});
      },
      projection_, range.after.value(), limit, range.key);
}

result<bool> dead_letters::tried(position at, std::string_view failure, timestamp now) {
  return changed(
      db_->execute("UPDATE cleave_dead_letters SET error = ?3, attempts = attempts + 1, parked_at = ?4 "
                   "WHERE projection = ?1 AND position = ?2 AND discarded IS NULL",
                   projection_, at.value(), failure, now.microseconds()));
}

result<bool> dead_letters::remove(position at) {
  return changed(db_->execute(
      "DELETE FROM cleave_dead_letters WHERE projection = ?1 AND position = ?2 AND discarded IS NULL",
      projection_, at.value()));
}

result<bool> dead_letters::discard(position at, std::string_view reason) {
  return changed(db_->execute("UPDATE cleave_dead_letters SET discarded = ?3 "
                              "WHERE projection = ?1 AND position = ?2 AND discarded IS NULL",
                              projection_, at.value(), reason));
}

} // namespace cleave::sqlite
