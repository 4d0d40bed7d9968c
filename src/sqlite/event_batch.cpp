// SPDX-License-Identifier: BSL-1.0
#include "event_batch.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <cstring>

namespace cleave::sqlite {

namespace {

bool read_uuid(sqlite3_stmt* from, int column, uuid& to) {
  if (sqlite3_column_type(from, column) != SQLITE_BLOB) return false;
  void const* const bytes = sqlite3_column_blob(from, column);
  if (sqlite3_column_bytes(from, column) != static_cast<int>(uuid::size)) return false;
  std::array<std::uint8_t, uuid::size> copy{};
  std::memcpy(copy.data(), bytes, copy.size());
  to = uuid(copy);
  return true;
}

bool read_uuid_or_null(sqlite3_stmt* from, int column, uuid& to) {
  return sqlite3_column_type(from, column) == SQLITE_NULL || read_uuid(from, column, to);
}

bool read_positive(sqlite3_stmt* from, int column, std::uint64_t& to) {
  if (sqlite3_column_type(from, column) != SQLITE_INTEGER) return false;
  std::int64_t const value = sqlite3_column_int64(from, column);
  to = static_cast<std::uint64_t>(value);
  return value > 0;
}

} // namespace

void event_batch::clear() noexcept {
  bytes_.clear();
  rows_.clear();
}

bool event_batch::take_text(sqlite3_stmt* from, int column, bool may_be_blob, text& to) {
  int const type = sqlite3_column_type(from, column);
  if (type != SQLITE_TEXT && !(may_be_blob && type == SQLITE_BLOB)) return false;
  auto const* const bytes = static_cast<char const*>(sqlite3_column_blob(from, column));
  to.begin = bytes_.size();
  to.size = static_cast<std::size_t>(sqlite3_column_bytes(from, column));
  if (to.size != 0) bytes_.append(bytes, to.size);
  return true;
}

event_batch::text event_batch::put(std::string_view from) {
  text const at{bytes_.size(), from.size()};
  bytes_.append(from);
  return at;
}

bool event_batch::copy_row(sqlite3_stmt* from, row& to) {
  if (!read_positive(from, 0, to.position) || !read_positive(from, 2, to.version)) return false;
  if (sqlite3_column_type(from, 5) != SQLITE_INTEGER) return false;
  to.recorded_at = timestamp(sqlite3_column_int64(from, 5));
  if (!read_uuid(from, 6, to.id) || !take_text(from, 7, true, to.data)) return false;
  if (!read_uuid_or_null(from, 8, to.correlation) || !read_uuid_or_null(from, 9, to.causation)) return false;
  bool const headers = sqlite3_column_type(from, 10) == SQLITE_NULL || take_text(from, 10, false, to.headers);
  return headers && (sqlite3_column_type(from, 11) == SQLITE_NULL || take_text(from, 11, false, to.tags));
}

result<void> event_batch::copy(database& db, statement const& from, std::string_view stream,
                               id_texts& names) {
  sqlite3_stmt* const current = from.handle();
  auto const name = names.find(db, sqlite3_column_int64(current, 4));
  if (!name) return unexpected(name.error());
  event_batch::row& to = rows_.emplace_back();
  if (copy_row(current, to)) {
    to.stream = put(stream);
    to.name = put(*name);
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
    event.at.stream = view(from.stream);
    event.at.name = view(from.name);
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
