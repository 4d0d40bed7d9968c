// SPDX-License-Identifier: BSL-1.0
#include "log_reader.hpp"

#include <cleave/base/limits.hpp>

#include "log_filter.hpp"
#include "log_rows.hpp"
#include "number.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

namespace cleave::sqlite {

namespace {

// The first batch is small, because most reads are; the next ones are not.
constexpr std::uint64_t first_batch_events = 64;
constexpr std::uint64_t batch_events = 512;
constexpr std::size_t batch_bytes = std::size_t{1024} * 1024;

// What one batch took, and whether more may follow.
struct progress {
  bool full = false; // the batch ended because of its bounds
};

// Takes rows of the log into a batch.
class log_taker final : public row_taker {
public:
  log_taker(event_batch& batch, std::uint64_t upto, std::uint64_t wanted, std::size_t bytes) noexcept
      : batch_(batch), upto_(sql_bound(upto)), left_(wanted), bytes_(batch.bytes() + bytes) {}

  bool take(sqlite3_value** row) override {
    beyond_ = sqlite3_value_int64(row[place::position]) > upto_;
    if (beyond_) return false;
    sound_ = batch_.add(row);
    // Behind the event's columns: where the index of tags says that it is.
    if (!sound_ && sqlite3_value_type(row[place::position]) == SQLITE_NULL)
      missing_ = sqlite3_value_int64(row[place::behind]);
    return sound_ && --left_ != 0 && batch_.bytes() < bytes_;
  }
  // It met an event behind the last one.
  bool beyond() const noexcept { return beyond_; }
  result<void> check(database const& db) const {
    if (sound_) return {};
    if (!missing_) return unexpected(batch_.damaged(db));
    return unexpected(make_error(errc::corrupt,
                                 "{}: the index of tags names position {}, which is not in the log",
                                 db.path(), *missing_));
  }

private:
  using place = event_batch::place;

  event_batch& batch_;
  std::int64_t upto_;
  std::uint64_t left_;
  std::size_t bytes_; // of the batch, with which it is full
  bool beyond_ = false;
  bool sound_ = true;
  std::optional<std::int64_t> missing_;
};

std::string sql_of(log_filter const& filter) {
  std::string const take = fmt::format("cleave_take(?{}, {})", log_filter::taker, event_batch::columns);
  // Where every row is taken the taker itself sees the end, for less.
  if (filter.sql().empty())
    return fmt::format("SELECT 1 FROM cleave_log l WHERE l.position > ?1 AND {} ORDER BY l.position", take);
  return fmt::format("SELECT 1 FROM cleave_log l WHERE l.position > ?1 AND l.position <= ?2 AND "
                     "CASE WHEN {} THEN {} END ORDER BY l.position",
                     filter.sql(), take);
}

// One batch of a walk over (after, upto].
result<progress> fill_from_log(event_batch& batch, database& db, std::string_view sql,
                               log_filter const& filter, std::uint64_t after, std::uint64_t upto,
                               std::uint64_t wanted) {
  auto rows = db.prepare(sql);
  if (!rows) return unexpected(rows.error());
  if (auto good = filter.bind(db, *rows, after, upto, wanted); !good) return unexpected(good.error());
  log_taker taker(batch, upto, wanted, batch_bytes);
  auto const enough = run_through(db, *rows, log_filter::taker, taker);
  if (!enough) return unexpected(enough.error());
  if (auto good = taker.check(db); !good) return unexpected(std::move(good).error());
  return progress{*enough && !taker.beyond()};
}

// The same by the items of a query, one after another. Where one has filled its part of the batch, the others go no farther, so that
// up to there all is in the batch.
result<progress> fill_by_items(event_batch& batch, database& db, std::vector<item_ids> const& items,
                               std::uint64_t after, std::uint64_t upto, std::uint64_t wanted) {
  progress done;
  for (item_ids const& item : items) {
    log_taker taker(batch, upto, wanted, batch_bytes / items.size());
    auto const enough = walk_item(db, item, event_batch::columns, after, upto, taker);
    if (!enough) return unexpected(enough.error());
    if (auto good = taker.check(db); !good) return unexpected(std::move(good).error());
    if (!*enough) continue;
    upto = batch.last().value();
    done.full = true;
  }
  if (items.size() > 1) batch.put_in_order(position(upto));
  if (batch.size() > wanted) {
    batch.back_to(wanted);
    done.full = true;
  }
  return done;
}

} // namespace

result<position> read_all(snapshot_source& source, log_range range, sink_ref sink) {
  if (auto good = check_query(range.filter); !good) return unexpected(std::move(good).error());
  if (range.limit == 0) return range.after;
  log_filter filter(range.filter);
  std::string sql;
  std::vector<item_ids> items;
  event_batch batch;
  log_texts own;
  log_texts* const kept = source.kept_texts();
  std::uint64_t head = 0;
  std::uint64_t after = range.after.value();
  std::uint64_t most = first_batch_events;
  for (bool first = true;; first = false) {
    progress done;
    batch.clear();
    own.streams.trim();
    own.names.trim();
    log_texts& known = kept != nullptr && !kept->streams.full() && !kept->names.full() ? *kept : own;
    std::uint64_t const wanted = std::min(range.limit, most);
    auto const read = source.read([&](database& db) -> result<void> {
      if (first) {
        auto const found = read_head(db);
        if (!found) return unexpected(found.error());
        head = found->value();
        if (filter.by_tag()) {
          auto ids = find_ids(source, db, range.filter);
          if (!ids) return unexpected(std::move(ids).error());
          items = std::move(*ids);
        } else if (after < head) {
          auto const any = filter.look_up_names(db);
          if (!any) return unexpected(any.error());
          if (!*any) return {};
          sql = sql_of(filter);
        }
      }
      if (after >= head) return {};
      auto const filled = filter.by_tag() ? fill_by_items(batch, db, items, after, head, wanted)
                                          : fill_from_log(batch, db, sql, filter, after, head, wanted);
      if (!filled) return unexpected(filled.error());
      done = *filled;
      return batch.add_names(db, known.streams, known.names);
    });
    if (!read) return unexpected(read.error());
    std::uint64_t reached = 0;
    auto const more = batch.hand_out(sink, reached);
    if (!more) return unexpected(more.error());
    range.limit -= batch.size();
    if (!*more || range.limit == 0) return position(reached);
    if (!done.full) return position(head);
    after = reached;
    most = batch_events;
  }
}

result<position> read_head(database& db) {
  auto const head = db.value<std::uint64_t>("SELECT coalesce(max(position), 0) FROM cleave_log");
  if (!head) return unexpected(head.error());
  return position(head->value_or(0));
}

} // namespace cleave::sqlite
