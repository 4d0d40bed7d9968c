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

template <class Number> bool read_positive(sqlite3_value* from, Number& to) noexcept {
  std::int64_t value = 0;
  if (!read_integer(from, value)) return false;
  to = Number(static_cast<std::uint64_t>(value));
  return value > 0;
}

bool copy_ids(sqlite3_value* from, envelope& to) noexcept {
  if (sqlite3_value_type(from) != SQLITE_BLOB) return false;
  auto const* const bytes = static_cast<std::byte const*>(sqlite3_value_blob(from));
  auto const layout = ids_layout::of(static_cast<std::size_t>(sqlite3_value_bytes(from)));
  if (!layout.sound) return false;
  to.id = event_id(uuid_at(bytes));
  if (!layout.converses) return true;
  to.metadata.correlation = correlation_id(uuid_at(bytes + uuid::size));
  to.metadata.causation = causation_id(uuid_at(bytes + 2 * uuid::size));
  return true;
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

bool event_batch::copy(sqlite3_value** from, row& to) {
  envelope& at = to.event.at;
  std::int64_t recorded_at = 0;
  auto const copy_list = [this](sqlite3_value* value, std::string_view& list) {
    return sqlite3_value_type(value) == SQLITE_NULL || copy_text(value, false, list);
  };
  bool const sound = read_positive(from[place::position], at.position) &&
                     read_integer(from[place::stream], to.stream_id) &&
                     read_positive(from[place::version], at.version) &&
                     read_integer(from[place::name], to.name_id) &&
                     read_integer(from[place::recorded_at], recorded_at) && copy_ids(from[place::ids], at) &&
                     copy_list(from[place::headers], to.headers) && copy_list(from[place::tags], to.tags) &&
                     copy_text(from[place::data], true, to.event.data);
  at.recorded_at = timestamp(recorded_at);
  return sound;
}

bool event_batch::add(sqlite3_value** from) {
  row& to = rows_.emplace_back();
  if (copy(from, to)) return true;
  damaged_at_ = to.event.at.position.value();
  rows_.pop_back();
  return false;
}

error event_batch::damaged(database const& db) const {
  return make_error(errc::corrupt, "{}: the event at position {} has a column that no store has written",
                    db.path(), damaged_at_);
}

result<void> event_batch::add_names(database& db, std::size_t first, id_texts& streams, id_texts& names) {
  for (std::size_t i = first; i < rows_.size(); ++i) {
    auto stream = streams.known(rows_[i].stream_id);
    if (stream.data() == nullptr) {
      if (auto good = streams.learn(db, rows_[i].stream_id); !good) return good;
      stream = streams.known(rows_[i].stream_id);
    }
    rows_[i].event.at.stream = stream;
  }
  return add_event_names(db, first, names);
}

result<void> event_batch::add_names(database& db, std::size_t first, std::string_view stream,
                                    id_texts& names) {
  for (std::size_t i = first; i < rows_.size(); ++i) rows_[i].event.at.stream = stream;
  return add_event_names(db, first, names);
}

result<void> event_batch::add_event_names(database& db, std::size_t first, id_texts& names) {
  for (std::size_t i = first; i < rows_.size(); ++i) {
    auto name = names.known(rows_[i].name_id);
    if (name.data() == nullptr) {
      if (auto good = names.learn(db, rows_[i].name_id); !good) return good;
      name = names.known(rows_[i].name_id);
    }
    rows_[i].event.at.name = name;
  }
  return {};
}

void event_batch::back_to(std::size_t first) { rows_.resize(first); }

void event_batch::reverse_from(std::size_t first) noexcept {
  std::reverse(rows_.begin() + static_cast<std::ptrdiff_t>(first), rows_.end());
}

void event_batch::put_in_order(position upto) {
  auto const at = [](row const& of) { return of.event.at.position; };
  std::ranges::sort(rows_, {}, at);
  auto const again = std::ranges::unique(rows_, {}, at);
  rows_.erase(again.begin(), again.end());
  rows_.erase(std::ranges::upper_bound(rows_, upto, {}, at), rows_.end());
}

result<void> event_batch::show_lists(row& of) {
  auto const damaged = [&](std::string_view what, error cause) {
    return unexpected(error(
        errc::corrupt,
        fmt::format("the {} of the event at position {} cannot be read", what, of.event.at.position.value()),
        std::move(cause)));
  };
  if (!of.tags.empty()) {
    if (auto good = decode_tags(of.tags, tags_); !good) return damaged("tags", std::move(good).error());
    tag_views_.assign(tags_.begin(), tags_.end());
    of.event.at.tags = tag_views_;
  }
  if (!of.headers.empty()) {
    if (auto good = decode_headers(of.headers, headers_); !good)
      return damaged("headers", std::move(good).error());
    header_views_.clear();
    for (owned_header const& one : headers_) header_views_.push_back({one.name, one.value});
    of.event.at.metadata.headers = header_views_;
  }
  return {};
}

result<bool> event_batch::hand_out(sink_ref sink, std::uint64_t& reached) {
  for (row& of : rows_) {
    bool const plain = of.tags.empty() && of.headers.empty();
    if (!plain) {
      if (auto good = show_lists(of); !good) return unexpected(std::move(good).error());
    }
    reached = of.event.at.position.value();
    if (!sink(of.event)) return false;
  }
  return true;
}

} // namespace cleave::sqlite
