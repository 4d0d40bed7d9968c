// SPDX-License-Identifier: BSL-1.0
// The part of the log's writer that finds out whether an append, or a command, is a repeat, and what was answered the first time.
#include "id_key.hpp"
#include "log_reader.hpp"
#include "log_writer.hpp"
#include "row_ids.hpp"

#include <fmt/format.h>

namespace cleave::sqlite {

namespace {

constexpr command_id greatest_command = [] {
  std::array<std::uint8_t, uuid::size> bytes{};
  bytes.fill(255);
  return command_id(uuid(bytes));
}();

} // namespace

result<std::optional<log_writer::stored_at>> log_writer::find_event(event_id id) {
  std::int64_t const key = id_key(id.id());
  if (rows_.has_key(key)) {
    if (auto good = write_rows(); !good) return unexpected(std::move(good).error());
  }
  if (key > newest_key_) return std::optional<stored_at>();
  statement& by_id = *find_id_;
  if (auto good = by_id.bind(key, id); !good) return unexpected(std::move(good).error());
  auto const there = by_id.step();
  if (!there) return unexpected(there.error());
  if (!*there) return by_id.reset(), std::optional<stored_at>();
  auto row = by_id.row<std::uint64_t, std::uint64_t, std::string>();
  by_id.reset();
  if (!row) return unexpected(std::move(row).error());
  auto& [at, last, stream] = *row;
  return std::optional<stored_at>(stored_at{at, last, std::move(stream)});
}

result<std::optional<command_outcome>> log_writer::find_command(command_id id) {
  if (auto const recent = outcomes_->find(id)) {
    auto outcome = outcome_of(*db_, *recent);
    if (!outcome) return unexpected(std::move(outcome).error());
    return std::optional(std::move(*outcome));
  }
  if (!newest_told_) {
    // One that is no id is greater than all: then nothing is left out of the search.
    auto const newest = db_->value<std::vector<std::byte>>(
        "SELECT max(id) FROM cleave_outcomes HAVING max(id) IS NOT NULL");
    if (!newest) return unexpected(newest.error());
    auto const& bytes = *newest;
    if (!bytes) newest_told_.emplace();
    else newest_told_ = bytes->size() == uuid::size ? command_id(uuid_at(bytes->data())) : greatest_command;
  }
  return id > *newest_told_ ? std::optional<command_outcome>() : stored_outcome(*db_, id);
}

result<std::optional<appended>> log_writer::repeated_command(command_record const& command) {
  auto outcome = find_command(command.id);
  if (!outcome) return unexpected(std::move(outcome).error());
  if (!*outcome) return std::optional<appended>();
  command_outcome const& first = **outcome;
  if (first.command != command.command || first.fingerprint != command.fingerprint) {
    return unexpected(make_error(
        errc::command_id_reused,
        "command id {} belongs to {} with fingerprint {}, now it comes with {} and {}", to_string(command.id),
        first.command, first.fingerprint, command.command, command.fingerprint));
  }
  return std::optional<appended>(appended{.position = first.position,
                                          .version = first.version,
                                          .repeated = true,
                                          .recorded_at = first.recorded_at});
}

result<std::optional<appended>> log_writer::repeated_events(append_request const& request) {
  std::vector<stored_at> stored;
  new_event const* missing = nullptr;
  new_event const* known = nullptr;
  for (stream_append const& part : request.streams) {
    for (new_event const& event : part.events) {
      auto found = find_event(event.id);
      if (!found) return unexpected(std::move(found).error());
      if (*found) {
        if (known == nullptr) known = &event;
        stored.push_back(std::move(**found));
      } else {
        missing = &event;
      }
    }
  }
  if (known == nullptr) return std::optional<appended>();
  if (missing != nullptr) {
    return unexpected(
        make_error(errc::duplicate_event,
                   "event id {} is in the log at position {}, but event id {} of the same append is not",
                   to_string(known->id), stored.front().position, to_string(missing->id)));
  }
  auto answer = first_answer(request, stored);
  if (!answer) return unexpected(std::move(answer).error());
  return std::optional<appended>(*answer);
}

// All event ids are in the log: the answer of the first time, if this is the same append.
result<appended> log_writer::first_answer(append_request const& request,
                                          std::vector<stored_at> const& stored) {
  std::size_t i = 0;
  appended answer{
      .position = position(stored.back().position), .version = {}, .repeated = true, .recorded_at = {}};
  for (stream_append const& part : request.streams) {
    std::size_t const first = i;
    for (new_event const& event : part.events) {
      stored_at const& at = stored[i];
      bool const in_order = at.stream == part.stream.text() &&
                            at.version == stored[first].version + (i - first) &&
                            at.position == stored.front().position + i;
      if (!in_order) {
        return unexpected(make_error(
            errc::duplicate_event,
            "event id {} is in the log at position {} (stream {}, version {}), not where this append puts it",
            to_string(event.id), at.position, at.stream, at.version));
      }
      ++i;
    }
    auto const before = part.events.empty() ? version_before(part.stream, stored.front().position)
                                            : result<version>(version(stored[first].version - 1));
    if (!before) return unexpected(before.error());
    if (!part.expected.holds_at(*before))
      return unexpected(version_conflict(part.stream, part.expected, *before));
    answer.version = version(before->value() + part.events.size());
  }
  auto const at = db_->value<std::int64_t>("SELECT recorded_at FROM cleave_log WHERE position = ?1",
                                           stored.back().position);
  if (!at) return unexpected(at.error());
  answer.recorded_at = timestamp(at->value_or(0));
  return answer;
}

result<version> log_writer::version_before(stream_name stream, std::uint64_t position) {
  auto const end = find_end(stream);
  if (!end) return unexpected(end.error());
  if (auto good = write_rows(); !good) return unexpected(std::move(good).error());
  auto const before = go_before(*db_, end->id, end->head.last, position);
  if (!before) return unexpected(before.error());
  return version(before->version);
}

} // namespace cleave::sqlite
