// SPDX-License-Identifier: BSL-1.0
#include <cleave/sqlite/statement.hpp>

#include "connection.hpp"

#include <fmt/format.h>
#include <sqlite3.h>

#include <cstring>

namespace cleave::sqlite {

namespace {

std::string_view sql_of(sqlite3_stmt* statement) noexcept { return sqlite3_sql(statement); }

std::string_view type_of(sqlite3_stmt* statement, int column) noexcept {
  switch (sqlite3_column_type(statement, column)) {
  case SQLITE_INTEGER: return "an integer";
  case SQLITE_FLOAT: return "a real number";
  case SQLITE_TEXT: return "a text";
  case SQLITE_BLOB: return "a blob";
  default: return "NULL";
  }
}

} // namespace

result<void> statement::begin_bind(std::size_t values) {
  sqlite3_reset(handle_);
  auto const wanted = static_cast<std::size_t>(sqlite3_bind_parameter_count(handle_));
  if (values == wanted) return {};
  return unexpected(make_error(errc::invalid_argument, "{}: \"{}\" has {} parameters, {} values were given",
                               owner_->path, sql_of(handle_), wanted, values));
}

result<void> statement::bind_failure(int place) {
  int const code = sqlite3_extended_errcode(owner_->handle);
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) {
    return unexpected(make_error(errc::limit_exceeded,
                                 "{}: parameter {} of \"{}\" does not fit an SQL integer (64 bits, signed)",
                                 owner_->path, place, sql_of(handle_)));
  }
  return unexpected(owner_->failure(code, fmt::format("bind parameter {} of", place), sql_of(handle_)));
}

bool statement::bind_null(int place) noexcept { return sqlite3_bind_null(handle_, place) == SQLITE_OK; }

bool statement::bind_integer(int place, std::int64_t value) noexcept {
  return sqlite3_bind_int64(handle_, place, value) == SQLITE_OK;
}

bool statement::bind_real(int place, double value) noexcept {
  return sqlite3_bind_double(handle_, place, value) == SQLITE_OK;
}

bool statement::bind_text(int place, std::string_view value) noexcept {
  // A null pointer would be NULL, and an empty view may have one.
  char const* const text = value.empty() ? "" : value.data();
  return sqlite3_bind_text64(handle_, place, text, value.size(), SQLITE_STATIC, SQLITE_UTF8) == SQLITE_OK;
}

bool statement::bind_blob(int place, std::span<std::byte const> value) noexcept {
  void const* const bytes = value.empty() ? static_cast<void const*>("") : value.data();
  return sqlite3_bind_blob64(handle_, place, bytes, value.size(), SQLITE_STATIC) == SQLITE_OK;
}

result<bool> statement::step() {
  int const code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  // The message first: reset would keep the code and may change the text.
  error failed = owner_->failure(sqlite3_extended_errcode(owner_->handle), "run", sql_of(handle_));
  sqlite3_reset(handle_);
  return unexpected(std::move(failed));
}

result<void> statement::run() {
  for (;;) {
    auto more = step();
    if (!more) return unexpected(std::move(more).error());
    if (!*more) break;
  }
  sqlite3_reset(handle_);
  return {};
}

void statement::reset() noexcept { sqlite3_reset(handle_); }

int statement::columns() const noexcept { return sqlite3_column_count(handle_); }

// NULL for a column that is not there. SQLite calls it unprotected, because another thread could use the connection; none may.
sqlite3_value* statement::value_at(int place) const noexcept { return sqlite3_column_value(handle_, place); }

bool statement::is_null(sqlite3_value* from) noexcept { return sqlite3_value_type(from) == SQLITE_NULL; }

bool statement::read_integer(sqlite3_value* from, std::int64_t& value) noexcept {
  if (sqlite3_value_type(from) != SQLITE_INTEGER) return false;
  value = sqlite3_value_int64(from);
  return true;
}

bool statement::read_real(sqlite3_value* from, double& value) noexcept {
  int const type = sqlite3_value_type(from);
  if (type != SQLITE_FLOAT && type != SQLITE_INTEGER) return false;
  value = sqlite3_value_double(from);
  return true;
}

bool statement::read_text(sqlite3_value* from, std::string_view& value) noexcept {
  if (sqlite3_value_type(from) != SQLITE_TEXT) return false;
  auto const* const text = reinterpret_cast<char const*>(sqlite3_value_text(from));
  if (text == nullptr) return false; // out of memory
  value = {text, static_cast<std::size_t>(sqlite3_value_bytes(from))};
  return true;
}

bool statement::read_blob(sqlite3_value* from, std::span<std::byte const>& value) noexcept {
  if (sqlite3_value_type(from) != SQLITE_BLOB) return false;
  auto const* const bytes = static_cast<std::byte const*>(sqlite3_value_blob(from));
  value = {bytes, static_cast<std::size_t>(sqlite3_value_bytes(from))};
  return true;
}

bool statement::read_uuid(sqlite3_value* from, uuid& value) noexcept {
  std::span<std::byte const> bytes;
  if (!read_blob(from, bytes) || bytes.size() != uuid::size) return false;
  std::array<std::uint8_t, uuid::size> copy{};
  std::memcpy(copy.data(), bytes.data(), copy.size());
  value = uuid(copy);
  return true;
}

error statement::column_failure(int place, std::string_view wanted) const {
  if (place < 0 || place >= columns()) {
    return make_error(errc::invalid_argument, "{}: \"{}\" has {} columns, column {} was asked for",
                      owner_->path, sql_of(handle_), columns(), place);
  }
  char const* const name = sqlite3_column_name(handle_, place);
  return make_error(errc::decode_failed, "{}: column {} ({}) of \"{}\" holds {}, not {}", owner_->path, place,
                    name != nullptr ? name : "?", sql_of(handle_), type_of(handle_, place), wanted);
}

error statement::width_failure(std::size_t wanted) const {
  return make_error(errc::invalid_argument, "{}: \"{}\" has {} columns, {} were asked for", owner_->path,
                    sql_of(handle_), columns(), wanted);
}

void statement::give_back() noexcept {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  owner_->put(handle_);
}

} // namespace cleave::sqlite
