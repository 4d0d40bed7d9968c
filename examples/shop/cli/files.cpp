// SPDX-License-Identifier: BSL-1.0
#include "cli/files.hpp"

#include <array>
#include <cerrno>
#include <fstream>
#include <system_error>

namespace shop {

using cleave::errc;
using cleave::make_error;
using cleave::unexpected;

cleave::result<std::string> read_file(std::string const& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    auto const code = errno == ENOENT ? errc::not_found : errc::io_error;
    return unexpected(make_error(code, "{}: {}", path, std::generic_category().message(errno)));
  }
  std::string text;
  std::array<char, 64 * 1024> part;
  while (in.read(part.data(), part.size()), in.gcount() > 0) {
    text.append(part.data(), static_cast<std::size_t>(in.gcount()));
    if (text.size() > max_file_bytes) {
      return unexpected(make_error(errc::limit_exceeded, "{}: more than {} bytes", path, max_file_bytes));
    }
  }
  if (in.bad())
    return unexpected(make_error(errc::io_error, "{}: {}", path, std::generic_category().message(errno)));
  return text;
}

bool read_line(std::istream& in, std::string& line, bool& too_long) {
  line.clear();
  too_long = false;
  auto* const bytes = in.rdbuf();
  for (;;) {
    auto const next = bytes->sbumpc();
    if (next == std::istream::traits_type::eof()) {
      in.setstate(std::ios::eofbit);
      return !line.empty();
    }
    char const c = std::istream::traits_type::to_char_type(next);
    if (c == '\n') break;
    if (line.size() < max_line_bytes) line += c;
    else too_long = true;
  }
  if (line.ends_with('\r')) line.pop_back();
  return true;
}

} // namespace shop
