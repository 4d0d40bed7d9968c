// SPDX-License-Identifier: BSL-1.0
// The indexes of names, of ids and of tags, against the streams and the log. Each is read once and compared as a set; only when the sets differ, the rows that
// are wrong are searched for, one by one.
#include "id_key.hpp"
#include "log_check.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

namespace cleave::sqlite {

namespace {

std::optional<uuid> first_id(std::string_view ids) noexcept {
  if (ids.size() < uuid::size) return std::nullopt;
  std::array<std::uint8_t, uuid::size> bytes{};
  std::copy_n(ids.begin(), bytes.size(), bytes.begin());
  return uuid(bytes);
}

} // namespace

result<void> log_check::check_id_index() {
  row_set indexed;
  std::optional<std::int64_t> before; // the last row's key
  std::optional<std::int64_t> shared; // a key of several events
  auto const whole = read_rows(db_, found_, "cleave_ids",
                               "SELECT key, position FROM cleave_ids ORDER BY key, position",
                               [&](statement const& row) -> result<void> {
                                 std::int64_t const key = sqlite3_column_int64(row.handle(), 0);
                                 std::int64_t const position = sqlite3_column_int64(row.handle(), 1);
                                 if (!lost_.contains(position))
                                   indexed.add(static_cast<std::uint64_t>(key), position);
                                 bool const again = before == key && shared != key;
                                 before = key;
                                 if (!again) return {};
                                 shared = key;
                                 return find_equal_ids(key);
                               });
  if (!whole) return unexpected(whole.error());
  return !*whole || indexed == ids_ ? result<void>() : find_wrong_ids();
}

// SQLite sorts, in a temporary file if there are many.
result<void> log_check::find_equal_ids(std::int64_t key) {
  auto rows = db_.prepare(
      "SELECT substr(l.ids, 1, 16), l.position FROM cleave_ids k CROSS JOIN cleave_log l ON l.position = k.position "
      "WHERE k.key = ?1 ORDER BY 1, 2");
  if (!rows) return found_.unreadable({.table = "cleave_ids"}, "the events with equal keys", rows.error());
  if (auto good = rows->bind(key); !good) return good;
  std::string last;
  std::int64_t first = 0;
  for (;;) {
    auto const more = rows->step();
    // An unreadable event is a finding already.
    if (!more)
      return lost_.empty()
                 ? found_.unreadable({.table = "cleave_ids"}, "the events with equal keys", more.error())
                 : result<void>();
    if (!*more) return {};
    std::string_view const id = bytes_of(*rows, 0);
    std::int64_t const position = sqlite3_column_int64(rows->handle(), 1);
    if (std::optional<uuid> const same = first_id(id); same && id == last) {
      found_.add({.table = "cleave_log", .position = position},
                 "the event's id {} is also that of the event at position {}", to_string(*same), first);
      continue;
    }
    last = id;
    first = position;
  }
}

result<void> log_check::find_wrong_ids() {
  auto indexed = db_.prepare("SELECT 1 FROM cleave_ids WHERE key = ?1 AND position = ?2");
  if (!indexed) return found_.unreadable({.table = "cleave_ids"}, "cleave_ids", indexed.error());
  auto const of_event = [&](std::int64_t at, statement const& row) -> result<void> {
    auto const id = first_id(bytes_of(row, 1));
    if (!id || lost_.contains(at)) return {};
    if (auto good = indexed->bind(id_key(*id), at); !good) return good;
    auto const there = indexed->step();
    indexed->reset();
    if (!there)
      return found_.unreadable({.table = "cleave_ids", .position = at}, "the row of an event", there.error());
    if (!*there)
      found_.add({.table = "cleave_ids", .position = at},
                 "there is no row with key {} for the event with id {}", id_key(*id), to_string(*id));
    return {};
  };
  if (auto good = walk_log(db_, "position, ids", found_, lost_part::is_known, lost_, of_event); !good)
    return good;
  auto const whole = read_rows(
      db_, found_, "cleave_ids", "SELECT key, position FROM cleave_ids", [&](statement const& row) {
        return check_id_row(sqlite3_column_int64(row.handle(), 0), sqlite3_column_int64(row.handle(), 1));
      });
  return whole ? result<void>() : unexpected(whole.error());
}

result<void> log_check::check_id_row(std::int64_t key, std::int64_t position) {
  if (lost_.contains(position)) return {};
  place const at{.table = "cleave_ids", .position = position};
  auto const ids = db_.value<std::vector<std::byte>>(
      "SELECT CAST(ids AS BLOB) FROM cleave_log WHERE position = ?1", position);
  if (!ids) return found_.unreadable(at, "the event of a row", ids.error());
  if (!*ids) {
    found_.add(at, "a row with key {} for position {}, which is not in the log", key, position);
    return {};
  }
  auto const id = first_id({reinterpret_cast<char const*>((*ids)->data()), (*ids)->size()});
  if (id && id_key(*id) != key)
    found_.add(at, "a row with key {} for the event with id {}, whose key is {}", key, to_string(*id),
               id_key(*id));
  return {};
}

// Of the streams up to the watermark each has its row, and no other row is there; no name belongs to two streams.
result<void> log_check::check_name_index() {
  constexpr std::string_view table = "cleave_stream_ids";
  auto const upto = db_.value<std::int64_t>("SELECT value FROM cleave_meta WHERE name = 'names_at'");
  if (!upto) return found_.unreadable({.table = "cleave_meta"}, "names_at", upto.error());
  if (!streams_whole_) return {};
  auto const look = [&](std::string_view sql, auto&& add) {
    return read_rows(db_, found_, table, sql, [&](statement const& row) -> result<void> {
      add(row, sqlite3_column_int64(row.handle(), 0));
      return {};
    });
  };
  auto whole = look("SELECT k.id, k.name FROM cleave_stream_ids k LEFT JOIN cleave_streams s ON s.id = k.id "
                    "WHERE s.name IS NOT k.name",
                    [&](statement const& row, std::int64_t id) {
                      found_.add({.table = table, .stream = id},
                                 "a row says that the stream with id {} has the name \"{}\"", id,
                                 bytes_of(row, 1));
                    });
  if (!whole || !*whole) return whole ? result<void>() : unexpected(whole.error());
  whole = look("SELECT s.id FROM cleave_streams s WHERE "
               "s.id <= (SELECT value FROM cleave_meta WHERE name = 'names_at') AND "
               "NOT EXISTS (SELECT 1 FROM cleave_stream_ids k WHERE k.name = s.name AND k.id = s.id)",
               [&](statement const&, std::int64_t id) {
                 found_.add({.table = table, .stream = id},
                            "there is no row for the stream with id {}; the names are written up to id {}",
                            id, upto->value_or(0));
               });
  if (!whole || !*whole) return whole ? result<void>() : unexpected(whole.error());
  whole = look(
      "WITH young AS (SELECT id, name FROM cleave_streams WHERE "
      "id > coalesce((SELECT value FROM cleave_meta WHERE name = 'names_at'), 0)) "
      "SELECT y.id, k.id FROM young y JOIN cleave_stream_ids k ON k.name = y.name WHERE k.id <> y.id "
      "UNION ALL SELECT max(id), min(id) FROM young GROUP BY name HAVING count(*) > 1",
      [&](statement const& row, std::int64_t id) {
        found_.add({.table = "cleave_streams", .stream = id},
                   "the stream with id {} has the name of the stream with id {}", id,
                   sqlite3_column_int64(row.handle(), 1));
      });
  return whole ? result<void>() : unexpected(whole.error());
}

result<void> log_check::check_tag_index() {
  row_set indexed;
  std::int64_t last = 0;
  std::uint64_t hash = 0;
  auto const take = [&](statement const& row) -> result<void> {
    std::int64_t const tag = sqlite3_column_int64(row.handle(), 0);
    std::int64_t const position = sqlite3_column_int64(row.handle(), 1);
    if (tag != last) {
      auto const text = db_.value<std::string>("SELECT CAST(tag AS TEXT) FROM cleave_tags WHERE id = ?1",
                                               tag);
      if (!text)
        return found_.unreadable({.table = "cleave_tags"}, fmt::format("the tag with id {}", tag),
                                 text.error());
      if (!*text)
        found_.add({.table = "cleave_tagged", .position = position},
                   "the tag with id {} is not in cleave_tags; told once", tag);
      hash = *text ? std::hash<std::string_view>()(**text) : 0;
      last = tag;
    }
    if (!lost_.contains(position)) indexed.add(hash, position);
    return {};
  };
  auto const whole = read_rows(db_, found_, "cleave_tagged",
                               "SELECT tag, position FROM cleave_tagged ORDER BY tag, position", take);
  if (!whole) return unexpected(whole.error());
  return !*whole || indexed == tags_ ? result<void>() : find_wrong_tags();
}

result<void> log_check::find_wrong_tags() {
  auto indexed = db_.prepare(
      "SELECT 1 FROM cleave_tags g CROSS JOIN cleave_tagged t ON t.tag = g.id AND t.position = ?2 WHERE g.tag = ?1");
  if (!indexed) return found_.unreadable({.table = "cleave_tagged"}, "cleave_tagged", indexed.error());
  auto const of_event = [&](std::int64_t at, statement const& row) -> result<void> {
    if (lost_.contains(at) || !decode_tags(bytes_of(row, 1), tag_list_)) return {};
    for (std::string const& tag : tag_list_) {
      if (auto good = indexed->bind(tag, at); !good) return good;
      auto const there = indexed->step();
      indexed->reset();
      if (!there)
        return found_.unreadable({.table = "cleave_tagged", .position = at}, "the row of an event",
                                 there.error());
      if (!*there)
        found_.add({.table = "cleave_tagged", .position = at}, "there is no row for the event's tag \"{}\"",
                   tag);
    }
    return {};
  };
  if (auto good = walk_log(db_, "position, tags", found_, lost_part::is_known, lost_, of_event); !good)
    return good;
  auto const whole = read_rows(
      db_, found_, "cleave_tagged", "SELECT tag, position FROM cleave_tagged", [&](statement const& row) {
        return check_tagged_row(sqlite3_column_int64(row.handle(), 0), sqlite3_column_int64(row.handle(), 1));
      });
  return whole ? result<void>() : unexpected(whole.error());
}

result<void> log_check::check_tagged_row(std::int64_t tag, std::int64_t position) {
  if (lost_.contains(position)) return {};
  place const at{.table = "cleave_tagged", .position = position};
  auto const text = db_.value<std::string>("SELECT CAST(tag AS TEXT) FROM cleave_tags WHERE id = ?1", tag);
  if (!text) return found_.unreadable(at, "the tag of a row", text.error());
  if (!*text) return {}; // a finding already
  auto const tags = db_.value<std::string>(
      "SELECT CAST(coalesce(tags, '') AS TEXT) FROM cleave_log WHERE position = ?1", position);
  if (!tags) return found_.unreadable(at, "the event of a row", tags.error());
  if (!*tags) {
    found_.add(at, "a row with the tag \"{}\" for position {}, which is not in the log", **text, position);
    return {};
  }
  bool const has_it = decode_tags(**tags, tag_list_) &&
                      std::find(tag_list_.begin(), tag_list_.end(), **text) != tag_list_.end();
  if (!has_it)
    found_.add(at, "a row with the tag \"{}\" for an event whose tags are {}", **text,
               (*tags)->empty() ? "none" : **tags);
  return {};
}

} // namespace cleave::sqlite
