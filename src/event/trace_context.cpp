// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/trace_context.hpp>

#include <algorithm>
#include <span>

namespace cleave {

namespace {

// 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
constexpr std::size_t trace_at = 3;
constexpr std::size_t parent_at = 36;
constexpr std::size_t flags_at = 53;

// Only lower case is allowed.
constexpr int digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool read_hex(std::string_view text, std::span<std::uint8_t> out) noexcept {
  for (std::size_t i = 0; i < out.size(); ++i) {
    int const high = digit(text[2 * i]);
    int const low = digit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

void write_hex(std::span<std::uint8_t const> from, char* to) noexcept {
  constexpr std::string_view digits = "0123456789abcdef";
  for (std::uint8_t const byte : from) {
    *to++ = digits[byte >> 4U];
    *to++ = digits[byte & 15U];
  }
}

bool all_zero(std::span<std::uint8_t const> bytes) noexcept {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

// The last half of a UUID: in version 7 that is the half that differs at random.
trace_context::span_id span_of(uuid const& id) noexcept {
  trace_context::span_id span{};
  std::copy(id.bytes().begin() + span.size(), id.bytes().end(), span.begin());
  // Nothing but a UUID made by hand has no bit here.
  if (all_zero(span)) span.back() = 1;
  return span;
}

} // namespace

std::optional<trace_context> trace_context::parse(std::string_view text) noexcept {
  if (text.size() < traceparent_text::size) return std::nullopt;
  trace_context out;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> all_flags{};
  if (text[2] != '-' || text[parent_at - 1] != '-' || text[flags_at - 1] != '-') return std::nullopt;
  if (!read_hex(text, version) || !read_hex(text.substr(trace_at), out.trace) ||
      !read_hex(text.substr(parent_at), out.parent) || !read_hex(text.substr(flags_at), all_flags))
    return std::nullopt;
  if (version[0] == 0xff || all_zero(out.trace) || all_zero(out.parent)) return std::nullopt;
  if (text.size() > traceparent_text::size && (version[0] == 0 || text[traceparent_text::size] != '-'))
    return std::nullopt;
  out.flags = all_flags[0] & sampled_flag;
  return out;
}

trace_context trace_context::start(uuid const& id, bool sampled) noexcept {
  return {.trace = id.bytes(), .parent = span_of(id), .flags = sampled ? sampled_flag : std::uint8_t{0}};
}

trace_context trace_context::child(uuid const& id) const noexcept {
  return {.trace = trace, .parent = span_of(id), .flags = flags};
}

traceparent_text trace_context::text() const noexcept {
  traceparent_text out;
  char* const to = out.text_.data();
  out.text_.fill('-');
  write_hex(std::array<std::uint8_t, 1>{}, to);
  write_hex(trace, to + trace_at);
  write_hex(parent, to + parent_at);
  write_hex(std::array{flags}, to + flags_at);
  return out;
}

std::optional<trace_context> trace_of(metadata const& from) noexcept {
  for (header const& each : from.headers) {
    if (each.name == traceparent_header) return trace_context::parse(each.value);
  }
  return std::nullopt;
}

} // namespace cleave
