// SPDX-License-Identifier: BSL-1.0
#include "log_writer.hpp"

#include <cleave/base/limits.hpp>

#include "id_key.hpp"
#include "log_filter.hpp"
#include "log_reader.hpp"
#include "number.hpp"
#include "row_ids.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

namespace cleave::sqlite {

namespace {

// Entries; beyond, a cache starts over. A stream entry takes about 100 bytes.
constexpr std::size_t cached_streams = 200'000;
constexpr std::size_t cached_names = 4'096;
constexpr std::size_t cached_tags = 50'000;

// Changes with every commit to the file, of this connection or another one. Inside a transaction it says what that one sees.
std::optional<unsigned> read_data_version(database& db) noexcept {
  unsigned version = 0;
  int const code = sqlite3_file_control(db.handle(), "main", SQLITE_FCNTL_DATA_VERSION, &version);
  return code == SQLITE_OK ? std::optional(version) : std::nullopt;
}

} // namespace

result<void> log_writer::prepare() {
  if (find_id_) return {};
  auto find_id = db_->prepare(
      "SELECT l.position, l.version, s.name FROM cleave_ids k CROSS JOIN cleave_log l ON l.position = "
      "k.position CROSS JOIN cleave_streams s ON s.id = l.stream WHERE k.key = ?1 AND substr(l.ids, 1, 16) = ?2");
  if (!find_id) return unexpected(std::move(find_id).error());
  if (auto good = rows_.prepare(*db_); !good) return good;
  find_id_ = std::move(*find_id);
  return {};
}

result<void> log_writer::begin() {
  if (auto good = prepare(); !good) return good;
  if (!data_version_ || data_version_ != read_data_version(*db_)) {
    auto const extent = read_extent(*db_);
    if (!extent) return unexpected(extent.error());
    if (auto good = heads_->catch_up(*db_, *extent); !good) return good;
    if (auto good = names_of_streams_->catch_up(*db_, *extent); !good) return good;
    if (auto good = outcomes_->catch_up(*db_, *extent); !good) return good;
    newest_told_.reset();
    if (extent->head != head_) {
      forget_all();
      head_ = extent->head;
    }
  }
  first_head_ = head_;
  youngest_ = names_of_streams_->youngest();
  if (streams_.size() > cached_streams) streams_.clear();
  if (names_.size() > cached_names) names_.clear();
  texts_.streams.trim();
  texts_.names.trim();
  if (tags_.size() > cached_tags) tags_.clear();
  if (newest_known_) return {};
  auto const newest = db_->value<std::int64_t>("SELECT max(key) FROM cleave_ids HAVING max(key) IS NOT NULL");
  if (!newest) return unexpected(newest.error());
  newest_key_ = newest->value_or(INT64_MIN);
  newest_known_ = true;
  return {};
}

void log_writer::forget_all() noexcept {
  streams_.clear();
  names_.clear();
  tags_.clear();
  newest_known_ = false;
}

void log_writer::end(bool committed) noexcept {
  if (committed) {
    entries_.clear();
    new_streams_.clear();
    for (auto const& [slot, before] : changed_) {
      entries_.emplace_back(slot->second.id, slot->second.head);
      if (before.last.version == 0) new_streams_.emplace_back(slot->first, slot->second.id);
    }
    names_of_streams_->note(new_streams_);
    heads_->note(entries_, head_);
    outcomes_->committed(head_);
  } else {
    back_to({.head = first_head_});
  }
  end_rounds(committed);
  data_version_ = committed ? read_data_version(*db_) : std::nullopt;
  changed_.clear();
  new_outcomes_.clear();
  all_told_ = 0;
  ids_added_ = false;
}

void log_writer::back_to(mark there) noexcept {
  if (head_ != there.head) ++rollbacks_;
  rows_.clear();
  // The oldest last, so that a stream that has changed several times is again what it was first.
  while (changed_.size() > there.changes) {
    auto const [slot, before] = changed_.back();
    changed_.pop_back();
    if (before.last.version != 0) slot->second.head = before;
    else streams_.erase(streams_.find(slot->first));
  }
  for (; new_outcomes_.size() > there.outcomes; new_outcomes_.pop_back())
    outcomes_->undo(new_outcomes_.back());
  all_told_ = there.told;
  if (ids_added_) {
    names_.clear();
    tags_.clear();
  }
  // An id that was given out and undone is given out again.
  texts_.streams.clear();
  texts_.names.clear();
  head_ = there.head;
  broken_.reset();
}

result<stream_end> log_writer::find_end(stream_name stream) {
  auto const place = find(stream);
  if (!place) return unexpected(place.error());
  return place->slot == nullptr ? stream_end() : place->slot->second;
}

result<log_writer::stream_place> log_writer::find(stream_name stream) {
  if (auto const known = streams_.find(stream.text()); known != streams_.end())
    return stream_place{&*known, known->second.head.last.version};
  auto const id = names_of_streams_->committed(*db_, stream.text());
  if (!id) return unexpected(id.error());
  if (*id == recent_names::none) return stream_place{nullptr, 0};
  auto const head = heads_->committed(*db_, *id);
  if (!head) return unexpected(head.error());
  auto const added = streams_.try_emplace(std::string(stream.text()), stream_end{*id, *head}).first;
  return stream_place{&*added, head->last.version};
}

result<std::int64_t> log_writer::name_id(std::string_view name) {
  if (auto const known = names_.find(name); known != names_.end()) return known->second;
  auto found = id_finder::find_name(*db_, name);
  if (!found) return unexpected(std::move(found).error());
  if (!*found) {
    if (auto added = db_->execute("INSERT INTO cleave_names (name) VALUES (?1)", name); !added)
      return unexpected(std::move(added).error());
    *found = db_->last_insert_id();
    ids_added_ = true;
  }
  names_.emplace(name, **found);
  return **found;
}

result<std::int64_t> log_writer::tag_id(std::string_view tag) {
  if (auto const known = tags_.find(tag); known != tags_.end()) return known->second;
  auto found = id_finder::find_tag(*db_, tag);
  if (!found) return unexpected(std::move(found).error());
  if (!*found) {
    if (auto added = db_->execute("INSERT INTO cleave_tags (tag) VALUES (?1)", tag); !added)
      return unexpected(std::move(added).error());
    *found = db_->last_insert_id();
    ids_added_ = true;
  }
  tags_.emplace(tag, **found);
  return **found;
}

result<std::optional<std::int64_t>> log_writer::find_name(database& db, std::string_view name) {
  if (auto const known = names_.find(name); known != names_.end()) return std::optional(known->second);
  auto found = id_finder::find_name(db, name);
  if (found && *found) names_.emplace(name, **found);
  return found;
}

result<std::optional<std::int64_t>> log_writer::find_tag(database& db, std::string_view tag) {
  if (auto const known = tags_.find(tag); known != tags_.end()) return std::optional(known->second);
  auto found = id_finder::find_tag(db, tag);
  if (found && *found) tags_.emplace(tag, **found);
  return found;
}

result<void> log_writer::check_expectations(append_request const& request) {
  places_.clear();
  for (stream_append const& part : request.streams) {
    auto const stream = find(part.stream);
    if (!stream) return unexpected(stream.error());
    if (version const actual(stream->head); !part.expected.holds_at(actual)) {
      return unexpected(version_conflict(part.stream, part.expected, actual));
    }
    places_.push_back(*stream);
  }
  return {};
}

result<void> log_writer::check_condition(append_condition const& condition) {
  if (condition.after.value() >= head_) return {};
  if (auto good = write_rows(); !good) return good;
  std::string name;
  auto const found = find_match(*db_, *this, condition.query, condition.after, name);
  if (!found) return unexpected(found.error());
  if (*found == position()) return {};
  return unexpected(condition_conflict(condition, *found, name));
}

result<appended> log_writer::append(append_request const& request, encoded_append const& encoded,
                                    timestamp now) {
  first_versions_.clear();
  if (request.command != nullptr) {
    auto const repeated = repeated_command(*request.command);
    if (!repeated) return unexpected(repeated.error());
    if (*repeated) return **repeated;
  }
  if (!encoded.forms().empty()) {
    auto const repeated = repeated_events(request);
    if (!repeated) return unexpected(repeated.error());
    if (*repeated) return **repeated;
  }
  if (auto good = check_expectations(request); !good) return unexpected(std::move(good).error());
  if (request.condition != nullptr) {
    if (auto good = check_condition(*request.condition); !good) return unexpected(std::move(good).error());
  }
  auto answer = store(request, encoded, now);
  if (!answer && !broken_) broken_ = answer.error();
  return answer;
}

result<appended> log_writer::store(append_request const& request, encoded_append const& encoded,
                                   timestamp now) {
  if (encoded.forms().size() > limits::position_max - head_) {
    return unexpected(make_error(errc::limit_exceeded, "the log is at position {}, the last one is {}", head_,
                                 limits::position_max));
  }

  // The last event tells the outcome, where it ends the last stream.
  bool const told = request.command != nullptr && !request.streams.empty() &&
                    !request.streams.back().events.empty();
  std::size_t i = 0;
  for (std::size_t part = 0; part < request.streams.size(); ++part) {
    stream_append const& to = request.streams[part];
    first_versions_.emplace_back(places_[part].head + 1);
    if (to.events.empty()) continue;
    command_record const* const teller = told && part + 1 == request.streams.size() ? request.command
                                                                                    : nullptr;
    if (auto good = store_stream(to, places_[part], encoded.forms().data() + i, teller, now); !good)
      return unexpected(std::move(good).error());
    i += to.events.size();
  }
  appended answer{.position = position(head_),
                  .version = {},
                  .repeated = false,
                  .recorded_at = i == 0 ? timestamp() : now};
  if (!places_.empty()) answer.version = version(places_.back().head);
  if (request.command != nullptr && !told) {
    if (auto good = store_outcome(*request.command, answer, now); !good)
      return unexpected(std::move(good).error());
  }
  return answer;
}

result<void> log_writer::store_stream(stream_append const& part, stream_place& to,
                                      encoded_append::form const* forms, command_record const* told,
                                      timestamp now) {
  if (to.slot == nullptr) {
    stream_end const begins{youngest_ + 1, {}};
    to.slot = &*streams_.try_emplace(std::string(part.stream.text()), begins).first;
    rows_.add_stream(++youngest_, to.slot->first);
  }
  stream_end& end = to.slot->second;
  changed_.push_back({to.slot, end.head});
  for (new_event const& event : part.events) {
    bool const last = &event == &part.events.back();
    if (auto good = store_event(end, event, *forms++, last ? told : nullptr, now); !good) return good;
    end.head.add(++head_);
  }
  to.head = end.head.last.version;
  return {};
}

result<void> log_writer::store_event(stream_end const& to, new_event const& event,
                                     encoded_append::form const& form, command_record const* told,
                                     timestamp now) {
  if (rows_.full()) {
    if (auto good = write_rows(); !good) return good;
  }
  auto const name = name_id(event.name);
  if (!name) return unexpected(name.error());
  auto const command = told != nullptr ? name_id(told->command) : result<std::int64_t>(0);
  if (!command) return unexpected(command.error());
  std::uint64_t const at = head_ + 1;
  rows_.add({.position = at,
             .stream = to.id,
             .version = to.head.last.version + 1,
             .previous = to.head.last.position,
             .skip = to.head.skip_of_next(),
             .name = *name,
             .recorded_at = now,
             .ids = row_ids(event, told),
             .form = form,
             .command = *command},
            id_key(event.id.id()));
  if (told != nullptr) {
    outcomes_->add(told->id, {at, to.head.last.version + 1, now.microseconds(), *command,
                              static_cast<std::int64_t>(told->fingerprint)});
    new_outcomes_.push_back(told->id);
  }
  for (std::string_view const tag : event.tags) {
    auto const id = tag_id(tag);
    if (!id) return unexpected(id.error());
    rows_.add_tagged(*id, at);
  }
  return {};
}

result<void> log_writer::write_rows() {
  newest_key_ = std::max(newest_key_, rows_.greatest_key());
  auto written = rows_.write(*db_);
  // Nobody else says so: the append that these rows belong to has its answer.
  if (!written && !broken_) broken_ = written.error();
  return written;
}

result<void> log_writer::store_outcome(command_record const& command, appended const& answer, timestamp now) {
  std::optional<std::string_view> code;
  std::optional<std::string_view> reason;
  if (command.refused != nullptr) {
    code = command.refused->code;
    reason = command.refused->text;
  }
  auto const added = db_->execute(
      "INSERT INTO cleave_outcomes (id, command, fingerprint, position, version, recorded_at, rejection, reason) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
      command.id, command.command, static_cast<std::int64_t>(command.fingerprint),
      code ? 0 : answer.position.value(), answer.version.value(), now.microseconds(), code, reason);
  if (!added) return unexpected(added.error());
  if (newest_told_) newest_told_ = std::max(*newest_told_, command.id);
  return {};
}

} // namespace cleave::sqlite
