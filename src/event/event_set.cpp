// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/event_set.hpp>

#include <utility>

namespace cleave::detail {

namespace {

// The address decides; where two shared libraries hold a constant each, the name does.
[[gnu::always_inline]] inline reader_row const* find_row(event_type const& type,
                                                         std::span<reader_row const> rows) noexcept {
  for (reader_row const& row : rows) {
    if (row.type == &type) return &row;
  }
  for (reader_row const& row : rows) {
    if (row.type->name == type.name && row.type->size == type.size) return &row;
  }
  return nullptr;
}

} // namespace

bool visit_new(event_type const& type, void const* object, std::span<reader_row const> rows, void* reader) {
  static constexpr envelope nowhere{};
  if (type.upcastable) return false;
  reader_row const* const row = find_row(type, rows);
  if (row == nullptr) return false;
  row->deliver(object, nowhere, reader);
  return true;
}

result<bool> visit_stored(recorded_event const& recorded, std::span<reader_row const> rows, void* reader) {
  if (recorded.type != nullptr) {
    reader_row const* const row = find_row(*recorded.type, rows);
    if (row == nullptr) return false;
    row->deliver(recorded.object, recorded.at, reader);
    return true;
  }
  for (reader_row const& row : rows) {
    if (row.type->name != recorded.at.name) continue;
    if (!row.type->has_codec()) return unexpected(no_codec(recorded.at));
    auto decoded = row.type->decode(recorded.data,
                                    [&](void const* object) { row.deliver(object, recorded.at, reader); });
    if (!decoded) return unexpected(undecodable(recorded.at, std::move(decoded).error()));
    return true;
  }
  return false;
}

} // namespace cleave::detail
