// SPDX-License-Identifier: BSL-1.0
#include "log_reader.hpp"

#include <cleave/base/limits.hpp>

#include "log_filter.hpp"
#include "number.hpp"

#include <fmt/format.h>

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

struct texts {
  id_texts streams{id_texts::of::streams};
  id_texts names{id_texts::of::names};
};

// One batch of a filtered or unfiltered walk over (after, upto].
result<progress> fill_from_log(event_batch& batch, database& db, log_filter const& filter, texts& known,
                               std::uint64_t after, std::uint64_t upto, std::uint64_t wanted) {
  if (!filter.by_tag()) {
    auto rows = db.prepare(fmt::format(
        "SELECT {} FROM cleave_log l WHERE l.position > ?1 AND l.position <= ?2{} ORDER BY l.position LIMIT ?3",
        event_batch::columns, filter.sql()));
    if (!rows) return unexpected(rows.error());
    if (auto good = filter.bind(db, *rows, after, upto, wanted); !good) return unexpected(good.error());
    for (;;) {
      if (batch.size() == wanted || batch.bytes() >= batch_bytes) return progress{true};
      auto const more = rows->step();
      if (!more) return unexpected(more.error());
      if (!*more) return progress{false};
      if (auto good = batch.add(db, *rows, known.streams, known.names); !good)
        return unexpected(good.error());
    }
  }
  auto positions = db.prepare(filter.sql());
  if (!positions) return unexpected(positions.error());
  if (auto good = filter.bind(db, *positions, after, upto, wanted); !good) return unexpected(good.error());
  auto row = db.prepare(
      fmt::format("SELECT {} FROM cleave_log l WHERE l.position = ?1", event_batch::columns));
  if (!row) return unexpected(row.error());
  for (;;) {
    if (batch.size() == wanted || batch.bytes() >= batch_bytes) return progress{true};
    auto const more = positions->step();
    if (!more) return unexpected(more.error());
    if (!*more) return progress{false};
    auto const at = positions->column<std::int64_t>(0);
    if (!at) return unexpected(at.error());
    if (auto good = row->bind(*at); !good) return unexpected(good.error());
    auto const there = row->step();
    if (!there) return unexpected(there.error());
    if (!*there) {
      return unexpected(make_error(
          errc::corrupt, "{}: the index of tags names position {}, which is not in the log", db.path(), *at));
    }
    if (auto good = batch.add(db, *row, known.streams, known.names); !good) return unexpected(good.error());
    row->reset();
  }
}

} // namespace

result<position> read_all(snapshot_source& source, log_range range, sink_ref sink) {
  if (auto good = check_query(range.filter); !good) return unexpected(std::move(good).error());
  if (range.limit == 0) return range.after;
  log_filter const filter(range.filter);
  event_batch batch;
  texts known;
  std::uint64_t head = 0;
  std::uint64_t after = range.after.value();
  std::uint64_t most = first_batch_events;
  for (bool first = true;; first = false) {
    progress done;
    batch.clear();
    known.streams.trim();
    known.names.trim();
    std::uint64_t const wanted = std::min(range.limit, most);
    auto const read = source.read([&](database& db) -> result<void> {
      if (first) {
        auto const found = read_head(db);
        if (!found) return unexpected(found.error());
        head = found->value();
      }
      if (after >= head) return {};
      auto const filled = fill_from_log(batch, db, filter, known, after, head, wanted);
      if (!filled) return unexpected(filled.error());
      done = *filled;
      return {};
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

result<std::optional<command_outcome>> read_outcome(database& db, command_id id) {
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

result<std::optional<std::int64_t>> find_stream_id(database& db, stream_name stream) {
  return db.value<std::int64_t>("SELECT id FROM cleave_streams WHERE name = ?1", stream.text());
}

result<position> read_head(database& db) {
  auto const head = db.value<std::uint64_t>("SELECT coalesce(max(position), 0) FROM cleave_log");
  if (!head) return unexpected(head.error());
  return position(head->value_or(0));
}

} // namespace cleave::sqlite
