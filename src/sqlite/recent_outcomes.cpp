// SPDX-License-Identifier: BSL-1.0
#include "recent_outcomes.hpp"

#include "row_ids.hpp"

#include <algorithm>
#include <string>

namespace cleave::sqlite {

result<command_outcome> outcome_of(database& db, told_outcome const& told) {
  auto name = db.value<std::string>("SELECT name FROM cleave_names WHERE id = ?1", told.command);
  if (!name) return unexpected(std::move(name).error());
  if (!*name) {
    return unexpected(
        make_error(errc::corrupt,
                   "{}: the command of the event at position {} has the name with id {}, which is not there",
                   db.path(), told.position, told.command));
  }
  return command_outcome{std::move(**name),
                         static_cast<std::uint64_t>(told.fingerprint),
                         position(told.position),
                         version(told.version),
                         std::nullopt,
                         timestamp(told.recorded_at)};
}

result<std::optional<command_outcome>> stored_outcome(database& db, command_id id) {
  auto row = db.first<std::string, std::int64_t, std::uint64_t, std::uint64_t, std::int64_t,
                      std::optional<std::string>, std::optional<std::string>>(
      "SELECT command, fingerprint, position, version, recorded_at, rejection, reason FROM cleave_outcomes WHERE id = ?1",
      id);
  if (!row) return unexpected(row.error());
  if (!*row) return std::optional<command_outcome>();
  auto& [command, fingerprint, at, last, recorded_at, code, reason] = **row;
  command_outcome outcome{
      std::move(command),    static_cast<std::uint64_t>(fingerprint), position(at), version(last), {},
      timestamp(recorded_at)};
  if (code) outcome.refused = rejection{std::move(*code), std::move(reason).value_or("")};
  return std::optional<command_outcome>(std::move(outcome));
}

result<std::optional<recent_outcomes::found>> recent_outcomes::find(database& db, log_extent const& extent,
                                                                    command_id id) {
  std::optional<told_outcome> told;
  {
    std::lock_guard const lock(mutex_);
    // What went from memory into the table is not in this snapshot's table.
    if (extent.told < watermark_) return std::optional<found>();
    if (auto good = catch_up_locked(db, extent); !good) return unexpected(std::move(good).error());
    if (auto const known = outcomes_.find(id); known != outcomes_.end()) told = known->second;
  }
  if (told && told->position > extent.head) return std::optional(found());
  if (told) {
    auto outcome = outcome_of(db, *told);
    if (!outcome) return unexpected(std::move(outcome).error());
    return std::optional(found(std::move(*outcome)));
  }
  auto stored = stored_outcome(db, id);
  if (!stored) return unexpected(std::move(stored).error());
  return std::optional(std::move(*stored));
}

result<std::optional<std::size_t>> recent_outcomes::count(database& db, log_extent const& extent) {
  std::lock_guard const lock(mutex_);
  if (extent.told < watermark_) return std::optional<std::size_t>();
  if (auto good = catch_up_locked(db, extent); !good) return unexpected(std::move(good).error());
  return std::optional(outcomes_.size());
}

result<void> recent_outcomes::catch_up(database& db, log_extent const& extent) {
  std::lock_guard const lock(mutex_);
  return catch_up_locked(db, extent);
}

std::optional<told_outcome> recent_outcomes::find(command_id id) const {
  std::lock_guard const lock(mutex_);
  auto const known = outcomes_.find(id);
  return known == outcomes_.end() ? std::nullopt : std::optional(known->second);
}

void recent_outcomes::add(command_id id, told_outcome const& outcome) {
  std::lock_guard const lock(mutex_);
  outcomes_.insert_or_assign(id, outcome);
}

void recent_outcomes::undo(command_id id) noexcept {
  std::lock_guard const lock(mutex_);
  outcomes_.erase(id);
}

void recent_outcomes::committed(std::uint64_t head) noexcept {
  std::lock_guard const lock(mutex_);
  complete_ = std::max(complete_, head);
}

result<void> recent_outcomes::catch_up_locked(database& db, log_extent const& extent) {
  if (extent.told > watermark_) move_watermark(extent.told);
  if (extent.head <= complete_) return {};
  auto good = db.for_each(
      "SELECT position, version, recorded_at, ids, command FROM cleave_log "
      "WHERE position > ?1 AND position <= ?2 AND command IS NOT NULL ORDER BY position",
      [&](std::uint64_t position, std::uint64_t version, std::int64_t recorded_at,
          std::span<std::byte const> ids, std::int64_t command) -> result<void> {
        if (!ids_layout::of(ids.size()).tells_command) {
          return unexpected(make_error(errc::corrupt,
                                       "{}: the event at position {} tells of a command without an id",
                                       db.path(), position));
        }
        told_ids const told(ids);
        outcomes_.insert_or_assign(told.command,
                                   told_outcome{position, version, recorded_at, command, told.fingerprint});
        return {};
      },
      complete_, extent.head);
  if (good) complete_ = extent.head;
  return good;
}

std::size_t recent_outcomes::outcomes() const {
  std::lock_guard const lock(mutex_);
  return outcomes_.size();
}

std::uint64_t recent_outcomes::events() const {
  std::lock_guard const lock(mutex_);
  return complete_ - watermark_;
}

std::vector<command_id> recent_outcomes::sorted_ids() const {
  std::vector<command_id> sorted;
  {
    std::lock_guard const lock(mutex_);
    sorted.reserve(outcomes_.size());
    for (auto const& known : outcomes_) sorted.push_back(known.first);
  }
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

void recent_outcomes::copy(std::span<command_id const> ids, std::vector<entry>& to) const {
  std::lock_guard const lock(mutex_);
  to.clear();
  for (command_id const& id : ids) {
    // Another process may have written it, and moved the watermark beyond it.
    if (auto const known = outcomes_.find(id); known != outcomes_.end()) to.emplace_back(*known);
  }
}

void recent_outcomes::written(std::uint64_t watermark) {
  std::lock_guard const lock(mutex_);
  if (watermark > watermark_) move_watermark(watermark);
}

void recent_outcomes::move_watermark(std::uint64_t to) {
  watermark_ = to;
  complete_ = std::max(complete_, to);
  std::erase_if(outcomes_, [to](auto const& known) { return known.second.position <= to; });
}

} // namespace cleave::sqlite
