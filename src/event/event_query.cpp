// SPDX-License-Identifier: BSL-1.0
#include <cleave/base/limits.hpp>
#include <cleave/event/event_query.hpp>
#include <cleave/event/stream.hpp>

namespace cleave {

result<void> check_query(event_query const& query) {
  if (query.items.size() > limits::query_items) {
    return unexpected(make_error(errc::limit_exceeded, "the event query has {} items, at most {} are allowed",
                                 query.items.size(), limits::query_items));
  }
  for (query_item const& item : query.items) {
    if (item.names.size() > limits::names_per_query_item) {
      return unexpected(make_error(errc::limit_exceeded, "a query item has {} names, at most {} are allowed",
                                   item.names.size(), limits::names_per_query_item));
    }
    if (item.tags.size() > limits::tags_per_event) {
      return unexpected(make_error(errc::limit_exceeded, "a query item has {} tags, at most {} are allowed",
                                   item.tags.size(), limits::tags_per_event));
    }
    for (std::string_view name : item.names) {
      if (auto good = check_name("event name", name, limits::event_name_bytes); !good) return good;
    }
    for (std::string_view tag : item.tags) {
      if (auto good = check_name("tag", tag, limits::tag_bytes); !good) return good;
    }
  }
  return {};
}

} // namespace cleave
