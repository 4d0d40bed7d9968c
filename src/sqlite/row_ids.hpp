// SPDX-License-Identifier: BSL-1.0
// The column `ids` of the log: the event's id; behind it, where there is one, correlation and causation; behind that, in the row of a
// command's last event, the command's id and its fingerprint.
#pragma once

#include <cleave/event/append.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace cleave::sqlite {

class row_ids {
public:
  static constexpr std::size_t alone = uuid::size;
  static constexpr std::size_t with_conversation = 3 * uuid::size;
  static constexpr std::size_t of_command = uuid::size + sizeof(std::uint64_t);

  // `told`: the command whose last event this is, or nullptr.
  row_ids(new_event const& event, command_record const* told) noexcept {
    put(event.id.id());
    auto const& [correlation, causation, headers] = event.metadata;
    if (!correlation.nil() || !causation.nil()) {
      put(correlation.id());
      put(causation.id());
    }
    if (told == nullptr) return;
    put(told->id.id());
    for (int shift = 56; shift >= 0; shift -= 8)
      bytes_[size_++] = static_cast<std::uint8_t>(told->fingerprint >> shift);
  }
  std::span<std::uint8_t const> bytes() const noexcept { return {bytes_.data(), size_}; }

private:
  void put(uuid const& id) noexcept {
    std::copy(id.bytes().begin(), id.bytes().end(), bytes_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += uuid::size;
  }

  std::array<std::uint8_t, with_conversation + of_command> bytes_;
  std::size_t size_ = 0;
};

// What a blob of that size holds behind the event's id.
struct ids_layout {
  bool sound; // else no store has written it
  bool converses;
  bool tells_command;

  static constexpr ids_layout of(std::size_t size) noexcept {
    constexpr std::size_t both = row_ids::with_conversation + row_ids::of_command;
    bool const converses = size == row_ids::with_conversation || size == both;
    bool const tells = size == row_ids::alone + row_ids::of_command || size == both;
    return {converses || tells || size == row_ids::alone, converses, tells};
  }
};

inline uuid uuid_at(std::byte const* bytes) noexcept {
  std::array<std::uint8_t, uuid::size> copy{};
  std::memcpy(copy.data(), bytes, copy.size());
  return uuid(copy);
}

// Of the command that the row tells of: `ids` has the layout for that.
struct told_ids {
  explicit told_ids(std::span<std::byte const> ids) noexcept
      : command(uuid_at(ids.data() + ids.size() - row_ids::of_command)) {
    std::uint64_t print = 0;
    for (std::byte const one : ids.last(sizeof print))
      print = print << 8 | std::to_integer<std::uint64_t>(one);
    fingerprint = static_cast<std::int64_t>(print);
  }

  command_id command;
  std::int64_t fingerprint = 0; // as SQLite has it
};

} // namespace cleave::sqlite
