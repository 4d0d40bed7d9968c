// SPDX-License-Identifier: BSL-1.0
#include "recent_names.hpp"

#include <algorithm>

namespace cleave::sqlite {

namespace {

result<std::int64_t> stored_id(database& db, std::string_view name) {
  auto const id = db.value<std::int64_t>("SELECT id FROM cleave_stream_ids WHERE name = ?1", name);
  if (!id) return unexpected(id.error());
  return id->value_or(recent_names::none);
}

} // namespace

result<std::optional<std::int64_t>> recent_names::find(database& db, log_extent const& extent,
                                                       std::string_view name) {
  {
    std::lock_guard const lock(mutex_);
    // What went from memory into the table is not in this snapshot's table.
    if (extent.named < watermark_) return std::optional<std::int64_t>();
    if (auto good = catch_up_locked(db, extent); !good) return unexpected(std::move(good).error());
    if (auto const known = ids_.find(name); known != ids_.end())
      return std::optional(known->second <= extent.youngest ? known->second : none);
  }
  auto const stored = stored_id(db, name);
  if (!stored) return unexpected(stored.error());
  return std::optional(*stored);
}

result<void> recent_names::catch_up(database& db, log_extent const& extent) {
  std::lock_guard const lock(mutex_);
  return catch_up_locked(db, extent);
}

result<std::int64_t> recent_names::committed(database& db, std::string_view name) const {
  {
    std::lock_guard const lock(mutex_);
    if (auto const known = ids_.find(name); known != ids_.end()) return known->second;
  }
  return stored_id(db, name);
}

result<void> recent_names::catch_up_locked(database& db, log_extent const& extent) {
  if (extent.named > watermark_) move_watermark(extent.named);
  if (extent.youngest <= complete_) return {};
  auto const added = [&](std::int64_t stream, std::string_view name) {
    ids_.insert_or_assign(std::string(name), stream);
    complete_ = stream;
  };
  auto good = db.for_each("SELECT id, name FROM cleave_streams WHERE id > ?1 AND id <= ?2 ORDER BY id", added,
                          complete_, extent.youngest);
  if (good) complete_ = extent.youngest;
  return good;
}

void recent_names::note(std::span<entry const> added) noexcept {
  if (added.empty()) return;
  std::lock_guard const lock(mutex_);
  for (auto const& [name, stream] : added) {
    if (stream > watermark_) ids_.insert_or_assign(std::string(name), stream);
  }
  complete_ = std::max(complete_, added.back().second);
}

std::size_t recent_names::streams() const {
  std::lock_guard const lock(mutex_);
  return ids_.size();
}

std::int64_t recent_names::youngest() const {
  std::lock_guard const lock(mutex_);
  return complete_;
}

void recent_names::copy(std::string_view after, std::int64_t upto, std::size_t most,
                        std::vector<owned_entry>& to) const {
  std::lock_guard const lock(mutex_);
  to.clear();
  for (auto at = ids_.upper_bound(after); at != ids_.end() && to.size() < most; ++at) {
    if (at->second <= upto) to.emplace_back(*at);
  }
}

void recent_names::written(std::int64_t watermark) {
  std::lock_guard const lock(mutex_);
  if (watermark > watermark_) move_watermark(watermark);
}

void recent_names::move_watermark(std::int64_t to) {
  watermark_ = to;
  complete_ = std::max(complete_, to);
  std::erase_if(ids_, [to](auto const& known) { return known.second <= to; });
}

} // namespace cleave::sqlite
