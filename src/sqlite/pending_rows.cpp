// SPDX-License-Identifier: BSL-1.0
#include "pending_rows.hpp"

#include "row_feed.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

namespace cleave::sqlite {

namespace {

// So few are inserted one by one: to start a feed costs as much as two rows.
constexpr std::size_t few = 2;

// A parameter of a statement, in the form of a fed_value. What fails here is met when the statement runs.
class bound_value {
public:
  bound_value(sqlite3_stmt* row, int place) noexcept : row_(row), place_(place) {}
  void integer(std::int64_t value) const noexcept { sqlite3_bind_int64(row_, place_, value); }
  void text(std::string_view value) const noexcept {
    sqlite3_bind_text64(row_, place_, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
  }
  void blob(void const* data, std::size_t size) const noexcept {
    sqlite3_bind_blob64(row_, place_, data, size, SQLITE_STATIC);
  }

private:
  sqlite3_stmt* row_;
  int place_;
};

// The columns, in the order of the statements below. NULL where nothing is given.
template <class To> void give(pending_rows::event const& row, int column, To to) noexcept {
  auto const pointer = [to](std::uint64_t position) {
    if (position != 0) to.integer(static_cast<std::int64_t>(position));
  };
  auto const text = [to](std::string_view value) {
    if (!value.empty()) to.text(value);
  };
  switch (column) {
  case 0: return to.integer(static_cast<std::int64_t>(row.position));
  case 1: return to.integer(row.stream);
  case 2: return to.integer(static_cast<std::int64_t>(row.version));
  case 3: return pointer(row.previous);
  case 4: return pointer(row.skip);
  case 5: return to.integer(row.name);
  case 6: return to.integer(row.recorded_at.microseconds());
  case 7: return to.blob(row.ids.bytes().data(), row.ids.bytes().size());
  case 8: return text(row.form.headers);
  case 9: return text(row.form.tags);
  case 10:
    if (row.form.is_text) return to.text(row.form.data);
    return to.blob(row.form.data.data(), row.form.data.size());
  case 11:
    if (row.command != 0) to.integer(row.command);
    return;
  default: return;
  }
}
template <class To>
void give(std::pair<std::int64_t, std::uint64_t> const& row, int column, To to) noexcept {
  to.integer(column == 0 ? row.first : static_cast<std::int64_t>(row.second));
}
template <class To>
void give(std::pair<std::int64_t, std::string_view> const& row, int column, To to) noexcept {
  if (column == 0) to.integer(row.first);
  else to.text(row.second);
}

template <class Row> class vector_feed final : public row_feed {
public:
  explicit vector_feed(std::vector<Row> const& rows) noexcept : rows_(rows) {}
  bool next() noexcept override { return ++at_ <= rows_.size(); }
  void give(int column, fed_value to) const noexcept override {
    cleave::sqlite::give(rows_[at_ - 1], column, to);
  }

private:
  std::vector<Row> const& rows_;
  std::size_t at_ = 0; // the row's number, from 1
};

template <class Row, class Inserts>
result<void> insert(database& db, Inserts& by, std::vector<Row> const& rows) {
  if (rows.size() > few) {
    vector_feed<Row> feed(rows);
    return run_fed(db, by.all, feed);
  }
  for (Row const& row : rows) {
    sqlite3_stmt* const handle = by.each.handle();
    sqlite3_clear_bindings(handle);
    int const columns = sqlite3_bind_parameter_count(handle);
    for (int i = 0; i < columns; ++i) give(row, i, bound_value(handle, i + 1));
    if (auto good = by.each.run(); !good) return good;
  }
  return {};
}

} // namespace

result<void> pending_rows::prepare(database& db) {
  if (statements_) return {};
  if (auto good = teach_feed(db); !good) return good;
  std::optional<error> failed;
  auto const made = [&](std::string_view table, std::string_view parameters, std::string_view fed) {
    auto each = db.prepare(fmt::format("INSERT INTO {} VALUES ({})", table, parameters));
    auto all = db.prepare(fmt::format("INSERT INTO {} SELECT {} FROM cleave_rows(?1)", table, fed));
    if (!each && !failed) failed = each.error();
    if (!all && !failed) failed = all.error();
    return std::pair(std::move(each), std::move(all));
  };
  auto streams = made("cleave_streams (id, name)", "?1, ?2", "a, b");
  auto events = made(
      "cleave_log (position, stream, version, previous, skip, name, recorded_at, ids, headers, "
      "tags, data, command)",
      "?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12", "a, b, c, d, e, f, g, h, i, j, k, l");
  auto keys = made("cleave_ids (key, position)", "?1, ?2", "a, b");
  auto tagged = made("cleave_tagged (tag, position)", "?1, ?2", "a, b");
  if (failed) return unexpected(std::move(*failed));
  auto const both = [](auto& two) { return inserts{std::move(*two.first), std::move(*two.second)}; };
  statements_.emplace(statements{both(streams), both(events), both(keys), both(tagged)});
  return {};
}

result<void> pending_rows::write(database& db) {
  if (empty()) return {};
  // Both tables are searched by their first column; in order, neighbours are found side by side.
  std::sort(keys_.begin(), keys_.end());
  std::sort(tagged_.begin(), tagged_.end());
  auto written = insert(db, statements_->streams, streams_);
  if (written) written = insert(db, statements_->events, events_);
  if (written) written = insert(db, statements_->keys, keys_);
  if (written) written = insert(db, statements_->tagged, tagged_);
  clear();
  return written;
}

std::int64_t pending_rows::greatest_key() const noexcept {
  std::int64_t greatest = INT64_MIN;
  for (auto const& [key, position] : keys_) greatest = std::max(greatest, key);
  return greatest;
}

void pending_rows::clear() noexcept {
  events_.clear();
  keys_.clear();
  tagged_.clear();
  streams_.clear();
}

} // namespace cleave::sqlite
