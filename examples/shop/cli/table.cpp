// SPDX-License-Identifier: BSL-1.0
#include "cli/table.hpp"

#include <algorithm>
#include <cstddef>

namespace shop {

namespace {

// How many characters a UTF-8 text has: the bytes that begin one.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

} // namespace

void text_table::print(std::ostream& out) const {
  std::vector<std::size_t> widths;
  std::vector<std::string> titles;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    titles.push_back(columns_[i].title);
    widths.push_back(width(titles[i]));
    for (auto const& row : rows_) widths[i] = std::max(widths[i], width(row[i]));
  }
  auto const print_row = [&](std::vector<std::string> const& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      std::string const padding(widths[i] - width(cells[i]), ' ');
      if (i > 0) line += "  ";
      line += columns_[i].to == align::right ? padding + cells[i] : cells[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << '\n';
  };
  print_row(titles);
  for (auto const& row : rows_) print_row(row);
}

} // namespace shop
