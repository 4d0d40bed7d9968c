// SPDX-License-Identifier: BSL-1.0
#include "log_check.hpp"

#include <cleave/base/limits.hpp>
#include <cleave/event/stream.hpp>

#include "id_key.hpp"
#include "row_ids.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <functional>

namespace cleave::sqlite {

namespace {

// A mark that cannot be known, because the log has a hole where it was.
constexpr std::uint64_t unknown = UINT64_MAX;

enum log_column : std::uint8_t {
  position_c,
  stream_c,
  version_c,
  previous_c,
  skip_c,
  name_c,
  at_c,
  ids_c,
  headers_c,
  tags_c,
  data_c,
  command_c
};
constexpr std::string_view log_columns =
    "position, stream, version, previous, skip, name, recorded_at, ids, headers, tags, data, command";

std::string shown(std::uint64_t position) { return position == 0 ? "NULL" : std::to_string(position); }

// Marks that lie between two versions of which nothing is known are not known either.
void jump(stream_head& end, stream_link to) noexcept {
  for (std::size_t i = 0; i < stream_head::strides.size(); ++i) {
    std::uint64_t const stride = stream_head::strides[i];
    if (to.version % stride == 0) end.marks[i] = to.position;
    else if (to.version < stride) end.marks[i] = 0;
    else if (to.version < end.last.version || to.version / stride != end.last.version / stride)
      end.marks[i] = unknown;
  }
  end.last = to;
}

} // namespace

void row_set::add(std::uint64_t what, std::int64_t position) noexcept {
  // The finalizer of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014), twice.
  auto const mix = [](std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  };
  sum += mix(mix(what) + static_cast<std::uint64_t>(position) * 0x9e3779b97f4a7c15U);
  ++rows;
}

result<void> log_check::run() {
  if (auto good = load_texts(); !good) return good;
  if (auto good = load_heads(); !good) return good;
  auto walked = walk_log(db_, log_columns, found_, lost_part::is_finding, lost_,
                         [&](std::int64_t at, statement const& row) { return check_row(at, row); });
  seen_.head = position(static_cast<std::uint64_t>(last_));
  if (!walked) return walked;
  check_ends();
  if (auto good = check_name_index(); !good) return good;
  if (auto good = check_id_index(); !good) return good;
  return check_tag_index();
}

// The ids of streams and names are kept; the texts are only looked at.
result<void> log_check::load_texts() {
  auto const load = [&](std::string_view table, std::string_view sql, bool& whole,
                        auto&& keep) -> result<void> {
    auto const read = read_rows(db_, found_, table, sql, [&](statement const& row) -> result<void> {
      keep(sqlite3_column_int64(row.handle(), 0), row);
      return {};
    });
    if (!read) return unexpected(read.error());
    whole = *read;
    return {};
  };
  auto good = load("cleave_streams", "SELECT id, name FROM cleave_streams", streams_whole_,
                   [&](std::int64_t id, statement const& row) {
                     streams_.try_emplace(id);
                     check_text({.table = "cleave_streams", .stream = id}, "stream name", id, row);
                   });
  if (!good) return good;
  good = load("cleave_names", "SELECT id, name FROM cleave_names", names_whole_,
              [&](std::int64_t id, statement const& row) {
                names_.insert(id);
                check_text({.table = "cleave_names"}, "event name", id, row);
              });
  if (!good) return good;
  bool whole = false;
  return load(
      "cleave_tags", "SELECT id, tag FROM cleave_tags", whole,
      [&](std::int64_t id, statement const& row) { check_text({.table = "cleave_tags"}, "tag", id, row); });
}

void log_check::check_text(place at, std::string_view what, std::int64_t id, statement const& row) {
  if (sqlite3_column_type(row.handle(), 1) != SQLITE_TEXT) {
    found_.add(at, "the {} with id {} is no text", what, id);
    return;
  }
  std::size_t const most = what == "event name" ? limits::event_name_bytes : limits::stream_name_bytes;
  static_assert(limits::stream_name_bytes == limits::tag_bytes);
  if (auto const good = check_name(what, bytes_of(row, 1), most); !good)
    found_.add(at, "the {} with id {} is none: {}", what, id, good.error().text());
}

result<void> log_check::load_heads() {
  auto const watermark = db_.value<std::uint64_t>("SELECT value FROM cleave_meta WHERE name = 'heads_at'");
  if (watermark) watermark_ = watermark->value_or(0);
  else if (auto good = found_.unreadable({.table = "cleave_meta"}, "heads_at", watermark.error()); !good)
    return good;
  auto const whole = read_rows(
      db_, found_, "cleave_heads",
      "SELECT stream, version, position, coalesce(mark_64, 0), coalesce(mark_4096, 0) FROM cleave_heads",
      [&](statement const& row) -> result<void> {
        load_head(row);
        return {};
      });
  if (!whole) return unexpected(whole.error());
  heads_whole_ = *whole;
  return {};
}

void log_check::load_head(statement const& row) {
  std::int64_t const id = sqlite3_column_int64(row.handle(), 0);
  auto const known = streams_.find(id);
  if (known == streams_.end()) {
    if (streams_whole_)
      found_.add({.table = "cleave_heads"}, "a row for the stream with id {}, which is not in cleave_streams",
                 id);
    return;
  }
  auto const columns = row.row<std::int64_t, std::uint64_t, std::uint64_t, std::uint64_t, std::uint64_t>();
  if (!columns || std::get<1>(*columns) == 0 || std::get<2>(*columns) == 0) {
    found_.add({.table = "cleave_heads", .stream = id},
               "the row of the stream with id {} has a column that no store has written", id);
    return;
  }
  auto const [stream, version, at, near, far] = *columns;
  known->second.stored = {{version, at}, {near, far}};
}

result<void> log_check::check_row(std::int64_t position, statement const& row) {
  check_gap(position);
  last_ = position;
  ++seen_.events;
  event_row event;
  event.position = position;
  if (!check_columns(event, row)) return {};
  check_name_of(event, row, name_c);
  if (sqlite3_column_type(row.handle(), command_c) != SQLITE_NULL) check_name_of(event, row, command_c);
  check_texts(event, row);
  stream_state& state = state_of(event);
  check_chain(event, state);
  check_stored(event, state);
  if (event.link.position <= watermark_) state.at_watermark = state.end.last.version;
  return {};
}

void log_check::check_name_of(event_row const& event, statement const& row, int column) {
  std::int64_t const id = sqlite3_column_int64(row.handle(), column);
  if (names_.contains(id) || !names_whole_) return;
  found_.add(event.here(), "the name of the event{} has id {}, which is not in cleave_names; told once",
             column == command_c ? "'s command" : "", id);
  names_.insert(id);
}

void log_check::check_gap(std::int64_t position) {
  std::int64_t const wanted = last_ + 1;
  if (position < 1)
    found_.add({.table = "cleave_log"}, "an event at position {}; the first one is 1", position);
  if (position <= wanted || lost_.contains(position - 1)) return;
  if (position - 1 == wanted)
    found_.add({.table = "cleave_log", .position = wanted}, "the event at position {} is missing", wanted);
  else
    found_.add({.table = "cleave_log", .position = wanted}, "the events at positions {} to {} are missing",
               wanted, position - 1);
}

// False: too damaged to be taken for an event of some stream.
bool log_check::check_columns(event_row& event, statement const& row) {
  auto const number = [&](int column, std::uint64_t& to) {
    to = static_cast<std::uint64_t>(sqlite3_column_int64(row.handle(), column));
    return sqlite3_column_type(row.handle(), column) == SQLITE_INTEGER &&
           sqlite3_column_int64(row.handle(), column) > 0;
  };
  auto const pointer = [&](int column, std::uint64_t& to) {
    return sqlite3_column_type(row.handle(), column) == SQLITE_NULL || number(column, to);
  };
  auto const is_integer = [&](int column) {
    return sqlite3_column_type(row.handle(), column) == SQLITE_INTEGER;
  };
  event.link.position = static_cast<std::uint64_t>(std::max<std::int64_t>(event.position, 0));
  event.stream = sqlite3_column_int64(row.handle(), stream_c);
  bool const sound = is_integer(stream_c) && number(version_c, event.link.version) &&
                     pointer(previous_c, event.previous) && pointer(skip_c, event.skip);
  if (!sound) {
    found_.add(
        event.here(),
        "stream, version, previous or skip is no number that a store has written: version {}, previous {}, skip {}",
        bytes_of(row, version_c), bytes_of(row, previous_c), bytes_of(row, skip_c));
  }
  if (!is_integer(name_c))
    found_.add(event.here(), "the event's name is no id: \"{}\"", bytes_of(row, name_c));
  if (!is_integer(at_c)) found_.add(event.here(), "recorded_at is no number: \"{}\"", bytes_of(row, at_c));
  return check_ids(event, row) && sound;
}

bool log_check::check_ids(event_row const& event, statement const& row) {
  std::string_view const bytes = bytes_of(row, ids_c);
  bool const is_blob = sqlite3_column_type(row.handle(), ids_c) == SQLITE_BLOB;
  int const command = sqlite3_column_type(row.handle(), command_c);
  auto const layout = ids_layout::of(bytes.size());
  if (!is_blob || !layout.sound) {
    found_.add(event.here(), "the event's ids are a {} of {} bytes, not a blob of 16, 48, 40 or 72",
               is_blob ? "blob" : "value", bytes.size());
    if (bytes.size() < uuid::size) return true;
  } else if (command != (layout.tells_command ? SQLITE_INTEGER : SQLITE_NULL)) {
    found_.add(event.here(), "the event's command is \"{}\", its ids have {} bytes", bytes_of(row, command_c),
               bytes.size());
  }
  std::array<std::uint8_t, uuid::size> id{};
  std::copy_n(bytes.begin(), id.size(), id.begin());
  ids_.add(static_cast<std::uint64_t>(id_key(uuid(id))), event.position);
  return true;
}

void log_check::check_texts(event_row const& event, statement const& row) {
  auto const type = [&](int column) { return sqlite3_column_type(row.handle(), column); };
  if (type(headers_c) == SQLITE_TEXT) {
    if (auto const good = decode_headers(bytes_of(row, headers_c), header_list_); !good)
      found_.add(event.here(), "the event's headers cannot be decoded: {}", good.error().message());
  } else if (type(headers_c) != SQLITE_NULL) {
    found_.add(event.here(), "the event's headers are no text");
  }
  if (type(tags_c) == SQLITE_TEXT) check_tags(event, bytes_of(row, tags_c));
  else if (type(tags_c) != SQLITE_NULL) found_.add(event.here(), "the event's tags are no text");

  if (type(data_c) == SQLITE_BLOB) return;
  std::string_view const data = bytes_of(row, data_c);
  if (type(data_c) != SQLITE_TEXT) {
    found_.add(event.here(), "the event's data are neither text nor blob: \"{}\"", data);
  } else if (std::size_t const bad = std::min(data.find('\0'), find_invalid_utf8(data)); bad < data.size()) {
    found_.add(event.here(),
               "the event's data are a text with the byte {:#04x} at {}, which a text cannot have there",
               static_cast<unsigned char>(data[bad]), bad);
  }
}

void log_check::check_tags(event_row const& event, std::string_view json) {
  if (auto const good = decode_tags(json, tag_list_); !good) {
    found_.add(event.here(), "the event's tags cannot be decoded: {}", good.error().message());
    return;
  }
  for (std::string const& tag : tag_list_) tags_.add(std::hash<std::string_view>()(tag), event.position);
}

log_check::stream_state& log_check::state_of(event_row const& event) {
  auto const [known, added] = streams_.try_emplace(event.stream);
  if (added && streams_whole_)
    found_.add(event.here(), "the event's stream has id {}, which is not in cleave_streams; told once",
               event.stream);
  if (known->second.end.last.version == 0) ++seen_.streams;
  return known->second;
}

// See stream_chain.hpp.
void log_check::check_chain(event_row const& event, stream_state& state) {
  stream_head& end = state.end;
  auto const [version, at] = event.link;
  std::uint64_t const wanted = end.last.version + 1;
  if (version != wanted && event.previous != end.last.position) {
    // Its chain goes on behind a part that could not be read: nothing is known of the versions there.
    bool const lost = version > wanted && lost_.contains(static_cast<std::int64_t>(event.previous));
    if (!lost) {
      found_.add(
          event.here(),
          "version {} (previous {}) of a stream whose last event before that has version {} and position {}",
          version, shown(event.previous), end.last.version, end.last.position);
    }
    jump(end, event.link);
    return;
  }
  // A wrong version with the right pointer: the version is what is damaged.
  if (version != wanted) found_.add(event.here(), "version {} where {} belongs", version, wanted);
  if (event.previous != end.last.position) {
    found_.add(event.here(), "previous of version {} is {}, version {} is at {}", wanted,
               shown(event.previous), end.last.version, shown(end.last.position));
  }
  if (std::uint64_t const skip = end.skip_of_next(); skip != unknown && event.skip != skip)
    found_.add(event.here(), "skip of version {} is {} where {} belongs", wanted, shown(event.skip),
               shown(skip));
  end.add(at);
}

// The row of heads says what the stream was at some version: at this one?
void log_check::check_stored(event_row const& event, stream_state const& state) {
  stream_head const& stored = state.stored;
  if (stored.last.version != state.end.last.version) return;
  place const at{.table = "cleave_heads", .position = event.position, .stream = event.stream};
  if (stored.last.position != event.link.position) {
    found_.add(at, "version {} is said to be at position {}, it is at {}", stored.last.version,
               stored.last.position, event.position);
  }
  for (std::size_t i = 0; i < stored.marks.size(); ++i) {
    std::uint64_t const wanted = state.end.marks[i];
    if (wanted == unknown || wanted == stored.marks[i]) continue;
    found_.add(at, "mark_{} at version {} is {} where {} belongs", stream_head::strides[i],
               stored.last.version, shown(stored.marks[i]), shown(wanted));
  }
}

void log_check::check_ends() {
  bool const end_known = !lost_.reach_to_end();
  if (end_known && watermark_ > static_cast<std::uint64_t>(last_)) {
    found_.add({.table = "cleave_meta"}, "heads_at is {}, the log ends at {}", watermark_, last_);
  }
  std::vector<std::int64_t> sorted;
  sorted.reserve(streams_.size());
  for (auto const& known : streams_) sorted.push_back(known.first);
  std::sort(sorted.begin(), sorted.end());
  for (std::int64_t const stream : sorted) check_end(stream, streams_.find(stream)->second);
}

void log_check::check_end(std::int64_t stream, stream_state const& state) {
  std::uint64_t const last = state.end.last.version;
  std::uint64_t const stored = state.stored.last.version;
  if (last == 0 && lost_.empty()) {
    found_.add({.table = "cleave_streams", .stream = stream}, "no event belongs to the stream with id {}",
               stream);
  }
  place const at{.table = "cleave_heads",
                 .position = static_cast<std::int64_t>(state.stored.last.position),
                 .stream = stream};
  // The events that the row counts on may be in a part that could not be read.
  if (stored > last && lost_.empty()) {
    found_.add(
        at,
        "the stream is said to end at version {} and position {}, its last event in the log has version {} and position {}",
        stored, state.stored.last.position, last, state.end.last.position);
  }
  if (!heads_whole_ || stored >= state.at_watermark) return;
  if (stored == 0) {
    found_.add(
        at, "there is no row for a stream that has version {} at position {}, up to which heads are written",
        state.at_watermark, watermark_);
  } else {
    found_.add(
        at,
        "the stream is said to end at version {}, it has version {} at position {}, up to which heads are written",
        stored, state.at_watermark, watermark_);
  }
}

} // namespace cleave::sqlite
