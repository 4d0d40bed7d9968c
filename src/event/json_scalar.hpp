// SPDX-License-Identifier: BSL-1.0
// The text forms of values that JSON has no type for: times, ids, bytes.
#pragma once

#include <cleave/base/clock.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cleave::detail {

// RFC 3339 in UTC with microseconds, 27 characters, to `to`. False, and nothing is written, outside the years 0000 to 9999.
bool write_rfc3339(timestamp at, char* to) noexcept;
inline constexpr std::size_t rfc3339_size = 27;

// RFC 3339 with any offset and at most six digits of a second's fraction. Nothing for any other text.
std::optional<timestamp> parse_rfc3339(std::string_view text) noexcept;

// Base64 (RFC 4648, section 4) with padding.
constexpr std::size_t base64_size(std::size_t bytes) noexcept { return (bytes + 2) / 3 * 4; }
// Writes base64_size(bytes.size()) characters.
void write_base64(std::span<std::byte const> bytes, char* to) noexcept;
// False when the text is not exactly what write_base64 writes for some bytes.
bool parse_base64(std::string_view text, std::string& bytes);

} // namespace cleave::detail
