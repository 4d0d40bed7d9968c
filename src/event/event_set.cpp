// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/event_set.hpp>

#include <utility>

namespace cleave::detail {

result<bool> visit_stored(recorded_event const& recorded, std::span<reader_row const> rows, void* reader) {
  if (recorded.type != nullptr) {
    // The address decides; where two shared libraries hold a constant each, the name does.
    for (reader_row const& row : rows) {
      if (row.type != recorded.type) continue;
      row.deliver(recorded.object, recorded.at, reader);
      return true;
    }
    for (reader_row const& row : rows) {
      if (row.type->name != recorded.type->name || row.type->size != recorded.type->size) continue;
      row.deliver(recorded.object, recorded.at, reader);
      return true;
    }
    return false;
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
