// SPDX-License-Identifier: BSL-1.0
#include "event_batch.hpp"

#include "row_ids.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>

namespace cleave::sqlite {

namespace {

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

void show_ids(std::string_view ids, envelope& at) noexcept {
  auto const* const bytes = reinterpret_cast<std::byte const*>(ids.data());
  at.id = event_id(uuid_at(bytes));
  bool const converses = ids_layout::of(ids.size()).converses;
  at.metadata.correlation = converses ? correlation_id(uuid_at(bytes + uuid::size)) : correlation_id();
  at.metadata.causation = converses ? causation_id(uuid_at(bytes + 2 * uuid::size)) : causation_id();
}

} // namespace

void event_batch::clear() noexcept {
  texts_.clear();
  rows_.clear();
}

bool event_batch::copy_text(sqlite3_value* from, bool may_be_blob, std::string_view& to) {
  int const type = sqlite3_value_type(from);
  bool const fits = type == SQLITE_TEXT || (may_be_blob && type == SQLITE_BLOB);
  if (!fits) return false;
  auto const* const bytes = static_cast<char const*>(sqlite3_value_blob(from));
  to = texts_.put({bytes, static_cast<std::size_t>(sqlite3_value_bytes(from))});
  return true;
}

bool event_batch::copy_ids(sqlite3_value* from, row& to) {
  if (sqlite3_value_type(from) != SQLITE_BLOB) return false;
  auto const* const bytes = static_cast<char const*>(sqlite3_value_blob(from));
  auto const size = static_cast<std::size_t>(sqlite3_value_bytes(from));
  if (!ids_layout::of(size).sound) return false;
  to.ids = texts_.put({bytes, size});
  return true;
}

bool event_batch::copy_event(sqlite3_value** from, row& to) {
  return read_integer(from[place::name], to.name_id) && copy_text(from[place::data], true, to.data);
}

bool event_batch::copy_envelope(sqlite3_value** from, row& to) {
  auto const copy_list = [this](sqlite3_value* value, std::string_view& list) {
    return sqlite3_value_type(value) == SQLITE_NULL || copy_text(value, false, list);
  };
  return read_integer(from[place::recorded_at], to.recorded_at) && copy_ids(from[place::ids], to) &&
         copy_list(from[place::headers], to.headers) && copy_list(from[place::tags], to.tags);
}

bool event_batch::keep(bool sound) {
  if (sound) return true;
  damaged_at_ = rows_.back().at.position;
  rows_.pop_back();
  return false;
}

bool event_batch::add(sqlite3_value** from) {
  row& to = rows_.emplace_back();
  return keep(read_positive(from[place::position], to.at.position) &&
              read_integer(from[place::stream], to.stream_id) &&
              read_positive(from[place::version], to.at.version) && copy_event(from, to) &&
              copy_envelope(from, to));
}

bool event_batch::add_link(sqlite3_value** from, stream_link at, envelope_part wanted) {
  row& to = rows_.emplace_back();
  to.at = at;
  return keep(copy_event(from, to) && (wanted == envelope_part::place || copy_envelope(from, to)));
}

error event_batch::damaged(database const& db) const {
  return make_error(errc::corrupt, "{}: the event at position {} has a column that no store has written",
                    db.path(), damaged_at_);
}

result<void> event_batch::add_names(database& db, id_texts& streams, id_texts& names) {
  for (row& one : rows_) {
    auto const stream = streams.find(db, one.stream_id);
    if (!stream) return unexpected(stream.error());
    one.stream = *stream;
  }
  return add_event_names(db, names);
}

result<void> event_batch::add_names(database& db, std::string_view stream, id_texts& names) {
  for (row& one : rows_) one.stream = stream;
  return add_event_names(db, names);
}

result<void> event_batch::add_event_names(database& db, id_texts& names) {
  row const* before = nullptr;
  for (row& one : rows_) {
    if (before == nullptr || before->name_id != one.name_id) {
      auto const name = names.find(db, one.name_id);
      if (!name) return unexpected(name.error());
      one.name = *name;
    } else {
      one.name = before->name;
    }
    before = &one;
  }
  return {};
}

void event_batch::back_to(std::size_t first) { rows_.resize(first); }

void event_batch::reverse_from(std::size_t first) noexcept {
  std::reverse(rows_.begin() + static_cast<std::ptrdiff_t>(first), rows_.end());
}

void event_batch::put_in_order(position upto) {
  auto const at = [](row const& of) { return of.at.position; };
  std::ranges::sort(rows_, {}, at);
  auto const again = std::ranges::unique(rows_, {}, at);
  rows_.erase(again.begin(), again.end());
  rows_.erase(std::ranges::upper_bound(rows_, upto.value(), {}, at), rows_.end());
}

result<void> event_batch::show_lists(row const& of, envelope& at) {
  auto const damaged = [&](std::string_view what, error cause) {
    return unexpected(error(
        errc::corrupt, fmt::format("the {} of the event at position {} cannot be read", what, of.at.position),
        std::move(cause)));
  };
  tag_views_.clear();
  if (!of.tags.empty()) {
    if (auto good = decode_tags(of.tags, tags_); !good) return damaged("tags", std::move(good).error());
    tag_views_.assign(tags_.begin(), tags_.end());
  }
  at.tags = tag_views_;
  header_views_.clear();
  if (!of.headers.empty()) {
    if (auto good = decode_headers(of.headers, headers_); !good)
      return damaged("headers", std::move(good).error());
    for (owned_header const& one : headers_) header_views_.push_back({one.name, one.value});
  }
  at.metadata.headers = header_views_;
  return {};
}

result<bool> event_batch::hand_out(sink_ref sink, std::uint64_t& reached) {
  recorded_event event;
  envelope& at = event.at;
  bool plain_before = true;
  for (row const& of : rows_) {
    bool const plain = of.tags.empty() && of.headers.empty();
    if (!plain || !plain_before) {
      if (auto good = show_lists(of, at); !good) return unexpected(std::move(good).error());
    }
    plain_before = plain;
    at.position = position(of.at.position);
    at.stream = of.stream;
    at.version = version(of.at.version);
    at.name = of.name;
    at.recorded_at = timestamp(of.recorded_at);
    if (!of.ids.empty()) show_ids(of.ids, at);
    event.data = of.data;
    reached = of.at.position;
    if (!sink(event)) return false;
  }
  return true;
}

} // namespace cleave::sqlite
