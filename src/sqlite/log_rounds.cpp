// SPDX-License-Identifier: BSL-1.0
// The part of the log's writer that fills the tables which lag behind the log: where the streams end, and their ids by name. Each is
// written in rounds, in an order in which many rows fall on one page, some rows with each commit.
#include "log_writer.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace cleave::sqlite {

namespace {

// A round begins when so many streams or events are behind the watermark, and writes at least so many rows with a commit.
constexpr std::size_t most_recent_streams = 32'768;
constexpr std::uint64_t most_recent_events = 131'072;
constexpr std::size_t least_rows = 64;

} // namespace

std::size_t log_writer::rows_of(amount much) const noexcept {
  if (much == amount::all) return std::numeric_limits<std::size_t>::max();
  // Twice as many as new events come, so that a round ends before the next one is due.
  return std::max<std::size_t>(least_rows, 2 * (head_ - first_head_));
}

result<void> log_writer::write_heads(amount much) {
  round_.next_after_commit = round_.next;
  if (round_.streams.empty()) {
    bool const due = much == amount::all || heads_->streams() >= most_recent_streams ||
                     heads_->events() >= most_recent_events;
    if (!due) return {};
    round_ = {.streams = heads_->sorted_streams(), .watermark = first_head_};
    if (round_.streams.empty()) return {};
  }
  std::size_t const left = round_.streams.size() - round_.next;
  std::size_t const count = std::min(left, rows_of(much));
  auto const slice = std::span<std::int64_t const>(round_.streams).subspan(round_.next, count);
  if (auto good = write_heads_of(slice); !good) return good;
  round_.next_after_commit = round_.next + count;
  if (count < left) return {};
  auto const moved = db_->execute(
      "INSERT INTO cleave_meta (name, value) VALUES ('heads_at', ?1) ON CONFLICT (name) "
      "DO UPDATE SET value = max(value, excluded.value)",
      round_.watermark);
  if (!moved) return unexpected(moved.error());
  return {};
}

result<void> log_writer::write_heads_of(std::span<std::int64_t const> streams) {
  heads_->copy(streams, entries_);
  auto write = db_->prepare(
      "INSERT OR REPLACE INTO cleave_heads (stream, version, position, mark_64, mark_4096) VALUES "
      "(?1, ?2, ?3, nullif(?4, 0), nullif(?5, 0))");
  if (!write) return unexpected(std::move(write).error());
  for (auto const& [stream, head] : entries_) {
    auto const [near, far] = head.marks;
    if (auto good = write->bind(stream, head.last.version, head.last.position, near, far); !good) return good;
    if (auto good = write->run(); !good) return good;
  }
  return {};
}

result<void> log_writer::write_names(amount much) {
  names_round& round = names_round_;
  round.after_commit = round.after;
  round.ends_with_commit = false;
  if (round.watermark == 0) {
    std::size_t const streams = names_of_streams_->streams();
    if (streams == 0 || (much == amount::some && streams < most_recent_streams)) return {};
    round.watermark = names_of_streams_->youngest();
  }
  std::size_t const most = rows_of(much);
  names_of_streams_->copy(round.after, round.watermark, most, names_to_write_);
  // Another process may have written some of them.
  auto write = db_->prepare("INSERT OR REPLACE INTO cleave_stream_ids (name, id) VALUES (?1, ?2)");
  if (!write) return unexpected(std::move(write).error());
  for (auto const& [name, stream] : names_to_write_) {
    if (auto good = write->bind(name, stream); !good) return good;
    if (auto good = write->run(); !good) return good;
  }
  if (names_to_write_.size() == most) {
    round.after_commit = std::move(names_to_write_.back().first);
    return {};
  }
  auto const moved = db_->execute(
      "INSERT INTO cleave_meta (name, value) VALUES ('names_at', ?1) ON CONFLICT (name) "
      "DO UPDATE SET value = max(value, excluded.value)",
      round.watermark);
  if (!moved) return unexpected(moved.error());
  round.ends_with_commit = true;
  return {};
}

void log_writer::end_rounds(bool committed) {
  if (!committed) {
    round_.next_after_commit = round_.next;
    names_round_.ends_with_commit = false;
    return;
  }
  round_.next = round_.next_after_commit;
  if (round_.next == round_.streams.size() && !round_.streams.empty()) {
    heads_->written(round_.watermark);
    round_ = heads_round();
  }
  names_round_.after = names_round_.after_commit;
  if (!names_round_.ends_with_commit) return;
  names_of_streams_->written(names_round_.watermark);
  names_round_ = names_round();
}

bool log_writer::wants_all_written() const {
  return heads_->events() >= most_recent_events / 16 ||
         names_of_streams_->streams() >= most_recent_streams / 16;
}

} // namespace cleave::sqlite
