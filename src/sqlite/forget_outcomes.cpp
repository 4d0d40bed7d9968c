// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/limits.hpp>
#include <cleave/command/outcome_retention.hpp>
#include <cleave/sqlite/event_store.hpp>

#include "engine.hpp"
#include "number.hpp"

#include <array>
#include <utility>
#include <vector>

namespace cleave::sqlite {

static_assert(forgets_outcomes<event_store>);

namespace {

// The last outcome that goes, in the order of the index.
struct outcome_bound {
  std::int64_t recorded_at = INT64_MIN;
  std::vector<std::byte> id;
};

// An index only for who needs it: whoever writes an outcome into the table writes into it, too.
result<void> make_index(detail::engine& owner) {
  bool there = false;
  auto looked = owner.readers().read([&](database& db) -> result<void> {
    auto const found = db.value<std::int64_t>(
        "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = 'cleave_outcomes_by_age'");
    if (!found) return unexpected(found.error());
    there = found->has_value();
    return {};
  });
  if (!looked || there) return looked;
  return owner.transact([](transaction& in) {
    return in.db().run_script(
        "CREATE INDEX IF NOT EXISTS cleave_outcomes_by_age ON cleave_outcomes (recorded_at)");
  });
}

// Puts those that are in the log only into the table, so that the oldest are found there.
result<void> write_recent(detail::engine& owner) {
  std::optional<std::size_t> recent;
  while (!recent) {
    auto looked = owner.readers().read([&](database& db) -> result<void> {
      auto const extent = read_extent(db);
      if (!extent) return unexpected(extent.error());
      auto const count = owner.recent().outcomes.count(db, *extent);
      if (!count) return unexpected(count.error());
      recent = *count;
      return {};
    });
    if (!looked) return looked;
  }
  if (*recent == 0) return {};
  return owner.transact(
      [&](transaction&) { return owner.writer().log().write_outcomes(log_writer::amount::all); });
}

// The newest of those that are older than `before`, or not among the newest `keep`. Read beside the writers: what is stored
// meanwhile is newer.
result<outcome_bound> find_bound(detail::engine& owner, timestamp before, std::uint64_t keep) {
  outcome_bound bound;
  auto read = owner.readers().read([&](database& db) -> result<void> {
    if (before.microseconds() != INT64_MIN) {
      static constexpr std::array<std::uint8_t, uuid::size> greatest{255, 255, 255, 255, 255, 255, 255, 255,
                                                                     255, 255, 255, 255, 255, 255, 255, 255};
      auto const bytes = std::as_bytes(std::span(greatest));
      bound = {before.microseconds() - 1, {bytes.begin(), bytes.end()}};
    }
    if (keep >= INT64_MAX) return {};
    auto row = db.first<std::int64_t, std::vector<std::byte>>(
        "SELECT recorded_at, id FROM cleave_outcomes ORDER BY recorded_at DESC, id DESC LIMIT 1 OFFSET ?1",
        sql_bound(keep));
    if (!row) return unexpected(row.error());
    if (!*row) return {};
    auto& [recorded_at, id] = **row;
    outcome_bound by_count{recorded_at, std::move(id)};
    if (std::tie(by_count.recorded_at, by_count.id) > std::tie(bound.recorded_at, bound.id))
      bound = std::move(by_count);
    return {};
  });
  if (!read) return unexpected(std::move(read).error());
  return bound;
}

} // namespace

result<std::uint64_t> event_store::forget_outcomes(timestamp before, std::uint64_t keep, std::uint64_t most) {
  if (most < 1 || most > limits::outcomes_per_step) {
    return unexpected(make_error(errc::invalid_argument,
                                 "{}: {} outcomes to forget in one step, 1 to {} are allowed",
                                 engine_->options().path, most, limits::outcomes_per_step));
  }
  if (auto made = make_index(*engine_); !made) return unexpected(std::move(made).error());
  if (auto written = write_recent(*engine_); !written) return unexpected(std::move(written).error());
  auto const bound = find_bound(*engine_, before, keep);
  if (!bound) return unexpected(bound.error());
  bool any = false;
  auto const looked = engine_->readers().read([&](database& db) -> result<void> {
    auto const found = db.value<std::int64_t>(
        "SELECT 1 FROM cleave_outcomes WHERE (recorded_at, id) <= (?1, ?2) LIMIT 1", bound->recorded_at,
        std::span<std::byte const>(bound->id));
    if (!found) return unexpected(found.error());
    any = found->has_value();
    return {};
  });
  if (!looked) return unexpected(looked.error());
  std::uint64_t gone = 0;
  if (!any) return gone;
  auto done = engine_->transact([&](transaction& in) -> result<void> {
    // Nothing that is behind the watermark may go, because a row of the log would bring it back.
    if (auto good = engine_->writer().log().write_outcomes(log_writer::amount::all); !good) return good;
    auto const deleted = in.db().execute(
        "DELETE FROM cleave_outcomes WHERE id IN (SELECT id FROM cleave_outcomes WHERE (recorded_at, id) <= (?1, ?2) "
        "ORDER BY recorded_at, id LIMIT ?3)",
        bound->recorded_at, std::span<std::byte const>(bound->id), most);
    if (!deleted) return unexpected(deleted.error());
    gone = static_cast<std::uint64_t>(*deleted);
    return {};
  });
  if (!done) return unexpected(std::move(done).error());
  return gone;
}

} // namespace cleave::sqlite
