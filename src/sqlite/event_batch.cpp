// SPDX-License-Identifier: BSL-1.0
#include "event_batch.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <concepts>
#include <cstring>

namespace cleave::sqlite {

namespace {

// The connection belongs to one thread, so that a column's value may be looked at directly: one look-up instead of three.
sqlite3_value* value_of(sqlite3_stmt* from, int column) noexcept {
  return sqlite3_column_value(from, column);
}

bool read_integer(sqlite3_value* from, std::int64_t& to) noexcept {
  if (sqlite3_value_type(from) != SQLITE_INTEGER) return false;
  to = sqlite3_value_int64(from);
  return true;
}

bool read_positive(sqlite3_value* from, std::uint64_t& to) noexcept {
  std::int64_t value = 0;
  if (!read_integer(from, value)) return false;
  to = static_cast<std::uint64_t>(value);
  return value > 0;
}

// See row_ids in log_writer.cpp.
template <std::same_as<uuid>... Ids> bool read_ids(sqlite3_value* from, uuid& first,
                                                   Ids&... others) noexcept {
  if (sqlite3_value_type(from) != SQLITE_BLOB) return false;
  auto const* bytes = static_cast<std::uint8_t const*>(sqlite3_value_blob(from));
  auto const size = static_cast<std::size_t>(sqlite3_value_bytes(from));
  auto const take = [&bytes](uuid& to) {
    std::array<std::uint8_t, uuid::size> copy{};
    std::memcpy(copy.data(), bytes, copy.size());
    to = uuid(copy);
    bytes += copy.size();
  };
  if (size != uuid::size && size != (1 + sizeof...(others)) * uuid::size) return false;
  take(first);
  if (size != uuid::size) (take(others), ...);
  return true;
}

} // namespace

void event_batch::clear() noexcept {
  bytes_.clear();
  rows_.clear();
}

bool event_batch::take_text(sqlite3_value* from, bool may_be_blob, text& to) {
  int const type = sqlite3_value_type(from);
  bool const fits = type == SQLITE_TEXT || (may_be_blob && type == SQLITE_BLOB);
  if (!fits) return false;
  auto const* const bytes = static_cast<char const*>(sqlite3_value_blob(from));
  to = put({bytes, static_cast<std::size_t>(sqlite3_value_bytes(from))});
  return true;
}

event_batch::text event_batch::put(std::string_view from) {
  text const at{bytes_.size(), from.size()};
  bytes_.append(from);
  return at;
}

bool event_batch::copy_row(sqlite3_stmt* from, row& to) {
  std::int64_t recorded_at = 0;
  auto const text_or_null = [&](int column, text& into) {
    sqlite3_value* const value = value_of(from, column);
    return sqlite3_value_type(value) == SQLITE_NULL || take_text(value, false, into);
  };
  bool const sound = read_positive(value_of(from, 0), to.position) &&
                     read_positive(value_of(from, 2), to.version) &&
                     read_integer(value_of(from, 5), recorded_at) &&
                     read_ids(value_of(from, 6), to.id, to.correlation, to.causation) &&
                     text_or_null(7, to.headers) && text_or_null(8, to.tags) &&
                     take_text(value_of(from, 9), true, to.data);
  to.recorded_at = timestamp(recorded_at);
  return sound;
}

result<void> event_batch::copy(database& db, statement const& from, std::string_view stream,
                               id_texts& names) {
  sqlite3_stmt* const current = from.handle();
  auto const name = names.find(db, sqlite3_column_int64(current, 4));
  if (!name) return unexpected(name.error());
  row& to = rows_.emplace_back();
  if (copy_row(current, to)) {
    to.stream = stream;
    to.name = *name;
    return {};
  }
  std::uint64_t const at = to.position;
  rows_.pop_back();
  return unexpected(make_error(
      errc::corrupt, "{}: the event at position {} has a column that no store has written", db.path(), at));
}

result<void> event_batch::add(database& db, statement const& from, id_texts& streams, id_texts& names) {
  auto const stream = streams.find(db, sqlite3_column_int64(from.handle(), 1));
  if (!stream) return unexpected(stream.error());
  return copy(db, from, *stream, names);
}

result<stream_link> event_batch::add_link(database& db, statement const& from, std::int64_t id,
                                          std::string_view stream, stream_link at, id_texts& names) {
  if (auto good = copy(db, from, stream, names); !good) return unexpected(std::move(good).error());
  auto const previous = static_cast<std::uint64_t>(sqlite3_column_int64(from.handle(), 3));
  bool const sound = sqlite3_column_int64(from.handle(), 1) == id && rows_.back().version == at.version &&
                     (previous == 0) == (at.version == 1) && previous < at.position;
  if (sound) return stream_link{at.version - 1, previous};
  rows_.pop_back();
  return unexpected(broken_chain(db, id, at));
}

void event_batch::back_to(mark there) {
  rows_.resize(there.events);
  bytes_.resize(there.bytes);
}

void event_batch::reverse_from(mark there) noexcept {
  std::reverse(rows_.begin() + static_cast<std::ptrdiff_t>(there.events), rows_.end());
}

result<void> event_batch::show_lists(row const& from, recorded_event& event) {
  auto const damaged = [&](std::string_view what, error cause) {
    return unexpected(error(
        errc::corrupt, fmt::format("the {} of the event at position {} cannot be read", what, from.position),
        std::move(cause)));
  };
  if (from.tags.size != 0) {
    if (auto good = decode_tags(view(from.tags), tags_); !good)
      return damaged("tags", std::move(good).error());
    tag_views_.assign(tags_.begin(), tags_.end());
    event.at.tags = tag_views_;
  }
  if (from.headers.size != 0) {
    if (auto good = decode_headers(view(from.headers), headers_); !good)
      return damaged("headers", std::move(good).error());
    header_views_.clear();
    for (owned_header const& one : headers_) header_views_.push_back({one.name, one.value});
    event.at.metadata.headers = header_views_;
  }
  return {};
}

result<bool> event_batch::hand_out(sink_ref sink, std::uint64_t& reached) {
  for (row const& from : rows_) {
    recorded_event event{};
    event.at.position = position(from.position);
    event.at.version = version(from.version);
    event.at.stream = from.stream;
    event.at.name = from.name;
    event.at.id = event_id(from.id);
    event.at.recorded_at = from.recorded_at;
    event.at.metadata.correlation = correlation_id(from.correlation);
    event.at.metadata.causation = causation_id(from.causation);
    event.data = view(from.data);
    if (auto good = show_lists(from, event); !good) return unexpected(std::move(good).error());
    reached = from.position;
    if (!sink(event)) return false;
  }
  return true;
}

} // namespace cleave::sqlite
