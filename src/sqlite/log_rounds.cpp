// SPDX-License-Identifier: BSL-1.0
// The part of the log's writer that fills the tables which lag behind the log: where the streams end, their ids by name, and the
// outcomes of commands. Each is written in rounds, in an order in which many rows fall on one page, some rows with each commit.
#include "log_writer.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace cleave::sqlite {

namespace {

// A round begins when so many streams or events are behind the watermark, and writes at least so many rows with a commit.
constexpr std::size_t most_recent_streams = 32'768;
constexpr std::uint64_t most_recent_events = 131'072;
constexpr std::size_t most_recent_outcomes = 32'768;
constexpr std::size_t least_rows = 64;

} // namespace

result<void> log_writer::move_watermark(std::string_view name, std::uint64_t to) {
  auto const moved = db_->execute("INSERT INTO cleave_meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) "
                                  "DO UPDATE SET value = max(value, excluded.value)",
                                  name, to);
  if (!moved) return unexpected(moved.error());
  return {};
}

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
  return move_watermark("heads_at", round_.watermark);
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
  if (auto good = move_watermark("names_at", static_cast<std::uint64_t>(round.watermark)); !good) return good;
  round.ends_with_commit = true;
  return {};
}

result<void> log_writer::write_outcomes(amount much) {
  if (much == amount::all) {
    if (auto good = write_outcomes_of(outcomes_->sorted_ids()); !good) return good;
    all_told_ = head_;
    return move_watermark("outcomes_at", head_);
  }
  outcomes_round& round = outcomes_round_;
  round.next_after_commit = round.next;
  if (all_told_ != 0) return {};
  if (round.watermark == 0) {
    bool const due = outcomes_->outcomes() >= most_recent_outcomes ||
                     outcomes_->events() >= most_recent_events;
    // What this transaction has stored waits for the next round.
    if (!due || first_head_ == 0) return {};
    round = {.ids = outcomes_->sorted_ids(), .watermark = first_head_};
  }
  std::size_t const left = round.ids.size() - round.next;
  std::size_t const count = std::min(left, rows_of(much));
  if (auto good = write_outcomes_of(std::span<command_id const>(round.ids).subspan(round.next, count)); !good)
    return good;
  round.next_after_commit = round.next + count;
  return count < left ? result<void>() : move_watermark("outcomes_at", round.watermark);
}

result<void> log_writer::write_outcomes_of(std::span<command_id const> ids) {
  outcomes_->copy(ids, outcomes_to_write_);
  // Another process may have written some of them.
  auto write = db_->prepare(
      "INSERT OR REPLACE INTO cleave_outcomes (id, command, fingerprint, position, version, recorded_at) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  if (!write) return unexpected(std::move(write).error());
  for (auto const& [id, told] : outcomes_to_write_) {
    auto good = result<void>();
    if (texts_.names.known(told.command).data() == nullptr) good = texts_.names.learn(*db_, told.command);
    if (good) {
      good = write->bind(id, texts_.names.known(told.command), told.fingerprint, told.position, told.version,
                         told.recorded_at);
    }
    if (good) good = write->run();
    if (!good) return good;
    if (newest_told_) newest_told_ = std::max(*newest_told_, id);
  }
  return {};
}

void log_writer::end_outcomes_round(bool committed) {
  outcomes_round& round = outcomes_round_;
  if (!committed) {
    round.next_after_commit = round.next;
    return;
  }
  round.next = round.next_after_commit;
  bool const whole = round.watermark != 0 && round.next == round.ids.size();
  if (all_told_ == 0 && !whole) return;
  outcomes_->written(std::max(all_told_, whole ? round.watermark : 0));
  round = outcomes_round();
}

void log_writer::end_rounds(bool committed) {
  end_outcomes_round(committed);
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
         names_of_streams_->streams() >= most_recent_streams / 16 ||
         outcomes_->outcomes() >= most_recent_outcomes / 16;
}

} // namespace cleave::sqlite
