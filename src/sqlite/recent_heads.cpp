// SPDX-License-Identifier: BSL-1.0
#include "recent_heads.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cleave::sqlite {

namespace {

result<stream_head> stored_head(database& db, std::int64_t stream) {
  auto const row = db.first<std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>(
      "SELECT version, position, coalesce(mark_64, 0), coalesce(mark_4096, 0) FROM cleave_heads WHERE stream = ?1",
      stream);
  if (!row) return unexpected(row.error());
  if (!*row) return stream_head{};
  auto const [version, position, near, far] = **row;
  return stream_head{{version, position}, {near, far}};
}

} // namespace

result<log_extent> read_extent(database& db) {
  auto const row = db.first<std::uint64_t, std::uint64_t, std::int64_t, std::int64_t, std::uint64_t>(
      "SELECT coalesce((SELECT max(position) FROM cleave_log), 0), "
      "coalesce((SELECT value FROM cleave_meta WHERE name = 'heads_at'), 0), "
      "coalesce((SELECT max(id) FROM cleave_streams), 0), "
      "coalesce((SELECT value FROM cleave_meta WHERE name = 'names_at'), 0), "
      "coalesce((SELECT value FROM cleave_meta WHERE name = 'outcomes_at'), 0)");
  if (!row) return unexpected(row.error());
  auto const [head, watermark, youngest, named, told] = (*row).value_or(
      std::tuple<std::uint64_t, std::uint64_t, std::int64_t, std::int64_t, std::uint64_t>());
  if (watermark > head) {
    return unexpected(make_error(
        errc::corrupt, "{}: the heads of the streams are written up to position {}, the log ends at {}",
        db.path(), watermark, head));
  }
  if (named > youngest) {
    return unexpected(make_error(
        errc::corrupt, "{}: the names of the streams are written up to id {}, the last stream has id {}",
        db.path(), named, youngest));
  }
  if (told > head) {
    return unexpected(make_error(
        errc::corrupt, "{}: the outcomes of commands are written up to position {}, the log ends at {}",
        db.path(), told, head));
  }
  return log_extent{head, watermark, youngest, named, told};
}

result<std::optional<recent_heads::known_head>> recent_heads::look(database& db, log_extent const& extent,
                                                                   std::int64_t stream) {
  std::lock_guard const lock(mutex_);
  // What went from memory into the table is not in this snapshot's table.
  if (extent.watermark < watermark_) return std::optional<known_head>();
  if (auto good = catch_up_locked(db, extent); !good) return unexpected(std::move(good).error());
  auto const known = heads_.find(stream);
  if (known == heads_.end()) return std::optional(known_head());
  if (known->second.last.position > extent.head) return std::optional<known_head>();
  return std::optional(known_head(known->second));
}

result<std::optional<stream_head>> recent_heads::find(database& db, log_extent const& extent,
                                                      std::int64_t stream) {
  auto const known = look(db, extent, stream);
  if (!known) return unexpected(known.error());
  if (!*known || **known) return *known ? **known : std::nullopt;
  auto stored = stored_head(db, stream);
  if (!stored) return unexpected(std::move(stored).error());
  return std::optional(*stored);
}

result<std::optional<stream_head>> recent_heads::find(database& db, log_extent const& extent,
                                                      std::int64_t stream, stream_head const& stored) {
  auto const known = look(db, extent, stream);
  if (!known) return unexpected(known.error());
  if (!*known) return std::optional<stream_head>();
  return std::optional((*known)->value_or(stored));
}

result<void> recent_heads::catch_up(database& db, log_extent const& extent) {
  std::lock_guard const lock(mutex_);
  return catch_up_locked(db, extent);
}

result<stream_head> recent_heads::committed(database& db, std::int64_t stream) const {
  {
    std::lock_guard const lock(mutex_);
    if (auto const known = heads_.find(stream); known != heads_.end()) return known->second;
  }
  return stored_head(db, stream);
}

result<void> recent_heads::catch_up_locked(database& db, log_extent const& extent) {
  if (extent.watermark > watermark_) move_watermark(extent.watermark);
  if (extent.head <= complete_) return {};
  return read_log(db, extent.head);
}

result<void> recent_heads::read_log(database& db, std::uint64_t upto) {
  auto rows = db.prepare(
      "SELECT position, stream, version FROM cleave_log WHERE position > ?1 AND position <= ?2 "
      "ORDER BY position");
  if (!rows) return unexpected(std::move(rows).error());
  if (auto good = rows->bind(complete_, upto); !good) return good;
  for (;;) {
    auto const more = rows->step();
    if (!more) return unexpected(more.error());
    if (!*more) break;
    auto const row = rows->row<std::uint64_t, std::int64_t, std::uint64_t>();
    if (!row) return unexpected(row.error());
    auto const [position, stream, version] = *row;
    auto known = heads_.find(stream);
    if (known == heads_.end()) {
      auto const stored = stored_head(db, stream);
      if (!stored) return unexpected(stored.error());
      known = heads_.emplace(stream, *stored).first;
    }
    stream_head& head = known->second;
    // The table may be ahead of the watermark.
    if (position > head.last.position) {
      if (version != head.last.version + 1) return unexpected(broken_chain(db, stream, {version, position}));
      head.add(position);
    }
    complete_ = position;
  }
  complete_ = upto;
  return {};
}

void recent_heads::note(std::span<entry const> changed, std::uint64_t head) noexcept {
  std::lock_guard const lock(mutex_);
  for (auto const& [stream, end] : changed) {
    stream_head& known = heads_[stream];
    if (end.last.version > known.last.version) known = end;
  }
  complete_ = std::max(complete_, head);
}

std::size_t recent_heads::streams() const {
  std::lock_guard const lock(mutex_);
  return heads_.size();
}

std::uint64_t recent_heads::events() const {
  std::lock_guard const lock(mutex_);
  return complete_ - watermark_;
}

std::vector<std::int64_t> recent_heads::sorted_streams() const {
  std::vector<std::int64_t> sorted;
  {
    std::lock_guard const lock(mutex_);
    sorted.reserve(heads_.size());
    for (auto const& known : heads_) sorted.push_back(known.first);
  }
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

void recent_heads::copy(std::span<std::int64_t const> streams, std::vector<entry>& to) const {
  std::lock_guard const lock(mutex_);
  to.clear();
  for (std::int64_t const stream : streams) {
    // Another process may have written it, and moved the watermark beyond it.
    if (auto const known = heads_.find(stream); known != heads_.end()) to.emplace_back(*known);
  }
}

void recent_heads::written(std::uint64_t watermark) {
  std::lock_guard const lock(mutex_);
  if (watermark > watermark_) move_watermark(watermark);
}

void recent_heads::move_watermark(std::uint64_t to) {
  watermark_ = to;
  complete_ = std::max(complete_, to);
  std::erase_if(heads_, [to](auto const& known) { return known.second.last.position <= to; });
}

} // namespace cleave::sqlite
