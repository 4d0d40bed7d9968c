// SPDX-License-Identifier: BSL-1.0
// Reads comma-separated values (RFC 4180) with a header line: "quoted, fields", "" for a quote in one, line breaks in one, LF or
// CRLF, with or without a byte order mark, UTF-8. A field NULL, not quoted, is no value.
#pragma once

#include <cleave/base/result.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shop {

struct csv_record {
  std::size_t line = 0; // in which it begins, the first is 1
  std::vector<std::optional<std::string>> fields;
  std::string problem; // why it cannot be used; empty for a good one
};

// Splits a text into records; blank lines are skipped. A quote that is never closed takes the rest of the text with it.
class csv_splitter {
public:
  explicit csv_splitter(std::string_view text);
  // std::nullopt at the end.
  std::optional<csv_record> next();

private:
  void read_quoted(std::string& field, std::string& problem);
  bool at_line_end() const;
  void pass_line_end();

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

// One row of a table, its fields by column name.
class csv_row {
public:
  csv_row(std::vector<std::string> const& columns, csv_record record)
      : columns_(&columns), record_(std::move(record)) {}

  std::size_t line() const { return record_.line; }
  std::string const& problem() const { return record_.problem; }
  // Of a good row; the table was opened with that column.
  std::optional<std::string> const& operator[](std::string_view column) const;

private:
  std::vector<std::string> const* columns_;
  csv_record record_;
};

// A file with the columns that its reader wants, in any order, among others. `loose`: a column whose commas may stand without quotes,
// as in addresses of some exports; commas that are too many in a row belong to it. Empty: there is none.
class csv_table {
public:
  // errc::not_found, io_error; limit_exceeded beyond 256 MiB; decode_failed for a header that lacks a column.
  static cleave::result<csv_table> open(std::string const& path, std::vector<std::string_view> const& wanted,
                                        std::string_view loose = {});

  // Bad rows too: those with too few or too many fields, with bytes that are not UTF-8, with a broken quote.
  std::vector<csv_row> rows() const;
  std::string const& text() const { return text_; }

private:
  csv_table() = default;
  void fit(csv_record& record) const;

  std::string text_;
  std::vector<std::string> columns_;
  std::optional<std::size_t> loose_;
};

} // namespace shop
