// SPDX-License-Identifier: BSL-1.0
#include "cli/csv.hpp"

#include <cleave/event/stream.hpp>

#include "cli/files.hpp"

#include <algorithm>
#include <utility>

namespace shop {

using cleave::errc;
using cleave::make_error;
using cleave::unexpected;

csv_splitter::csv_splitter(std::string_view text) : text_(text) {
  if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
}

bool csv_splitter::at_line_end() const {
  return at_ == text_.size() || text_[at_] == '\n' || text_.substr(at_).starts_with("\r\n");
}

void csv_splitter::pass_line_end() {
  if (at_ == text_.size()) return;
  if (text_[at_] == '\r') ++at_;
  ++at_;
  ++line_;
}

// Begins behind the opening quote, ends behind the closing one.
void csv_splitter::read_quoted(std::string& field, std::string& problem) {
  for (;;) {
    auto const quote = text_.find('"', at_);
    auto const part = text_.substr(at_, quote == std::string_view::npos ? quote : quote - at_);
    field += part;
    line_ += static_cast<std::size_t>(std::count(part.begin(), part.end(), '\n'));
    if (quote == std::string_view::npos) {
      problem = "a quote is opened and never closed";
      at_ = text_.size();
      return;
    }
    at_ = quote + 1;
    if (at_ == text_.size() || text_[at_] != '"') break;
    field += '"';
    ++at_;
  }
  if (!at_line_end() && text_[at_] != ',' && problem.empty())
    problem = "something stands behind a closing quote";
}

std::optional<csv_record> csv_splitter::next() {
  while (at_ < text_.size() && at_line_end()) pass_line_end();
  if (at_ == text_.size()) return std::nullopt;

  csv_record record{.line = line_, .fields = {}, .problem = {}};
  auto const begin = at_;
  for (;;) {
    std::string field;
    bool const quoted = text_.substr(at_).starts_with('"');
    if (quoted) {
      ++at_;
      read_quoted(field, record.problem);
    }
    while (!at_line_end() && text_[at_] != ',') field += text_[at_++];
    if (quoted || field != "NULL") record.fields.emplace_back(std::move(field));
    else record.fields.emplace_back(std::nullopt);
    if (at_line_end()) break;
    ++at_;
  }
  if (record.problem.empty() &&
      cleave::find_invalid_utf8(text_.substr(begin, at_ - begin)) != std::string_view::npos) {
    record.problem = "it is not UTF-8";
  }
  pass_line_end();
  return record;
}

std::optional<std::string> const& csv_row::operator[](std::string_view column) const {
  auto const found = std::find(columns_->begin(), columns_->end(), column);
  return record_.fields.at(static_cast<std::size_t>(found - columns_->begin()));
}

cleave::result<csv_table> csv_table::open(std::string const& path,
                                          std::vector<std::string_view> const& wanted,
                                          std::string_view loose) {
  auto text = read_file(path);
  if (!text) return unexpected(std::move(text).error());
  csv_table table;
  table.text_ = std::move(*text);
  auto header = csv_splitter(table.text_).next();
  if (!header) return unexpected(make_error(errc::decode_failed, "{}: the file is empty", path));
  if (!header->problem.empty()) {
    return unexpected(make_error(errc::decode_failed, "{}:{}: {}", path, header->line, header->problem));
  }
  for (auto& name : header->fields) table.columns_.push_back(std::move(name).value_or("NULL"));
  for (std::string_view name : wanted) {
    if (std::find(table.columns_.begin(), table.columns_.end(), name) == table.columns_.end()) {
      return unexpected(
          make_error(errc::decode_failed, "{}:{}: there is no column {}", path, header->line, name));
    }
  }
  auto const found = std::find(table.columns_.begin(), table.columns_.end(), loose);
  if (found != table.columns_.end()) table.loose_ = static_cast<std::size_t>(found - table.columns_.begin());
  return table;
}

// Gives the record as many fields as there are columns, or says why it cannot have them.
void csv_table::fit(csv_record& record) const {
  auto& fields = record.fields;
  if (!record.problem.empty() || fields.size() == columns_.size()) return;
  if (fields.size() > columns_.size() && loose_) {
    auto const first = fields.begin() + static_cast<std::ptrdiff_t>(*loose_);
    auto const behind = first + 1 + static_cast<std::ptrdiff_t>(fields.size() - columns_.size());
    std::string joined = first->value_or("NULL");
    for (auto part = first + 1; part != behind; ++part) joined += ',' + part->value_or("NULL");
    *first = std::move(joined);
    fields.erase(first + 1, behind);
    return;
  }
  record.problem = cleave::format_text("{} fields, there are {} columns", fields.size(), columns_.size());
}

std::vector<csv_row> csv_table::rows() const {
  std::vector<csv_row> rows;
  csv_splitter splitter(text_);
  splitter.next(); // the header
  while (auto record = splitter.next()) {
    fit(*record);
    rows.emplace_back(columns_, std::move(*record));
  }
  return rows;
}

} // namespace shop
