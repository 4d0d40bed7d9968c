// SPDX-License-Identifier: BSL-1.0
// Reading what people hand in: whole files, and lines, both of bounded size.
#pragma once

#include <cleave/base/result.hpp>

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>

namespace shop {

inline constexpr std::uintmax_t max_file_bytes = 256 * 1024 * 1024;
inline constexpr std::size_t max_line_bytes = 4 * 1024 * 1024;

// errc::not_found, io_error, limit_exceeded.
cleave::result<std::string> read_file(std::string const& path);

// The next line without its end (LF or CRLF). False at the end of the stream, or when it cannot be read. A line of more than
// max_line_bytes is cut there, with `too_long` set, and passed.
bool read_line(std::istream& in, std::string& line, bool& too_long);

} // namespace shop
