// SPDX-License-Identifier: BSL-1.0
// A question to the log by names and tags: the filter of a read, and the boundary of a conditional append.
#pragma once

#include <cleave/base/result.hpp>

#include <span>
#include <string_view>

namespace cleave {

namespace detail {
constexpr bool contains(std::span<std::string_view const> texts, std::string_view wanted) noexcept {
  for (std::string_view text : texts) {
    if (text == wanted) return true;
  }
  return false;
}
} // namespace detail

// Matches an event whose name is one of `names` (none given: any name) and that carries all of `tags` (none given: any). Views.
struct query_item {
  std::span<std::string_view const> names{};
  std::span<std::string_view const> tags{};

  constexpr bool matches(std::string_view name, std::span<std::string_view const> event_tags) const noexcept {
    if (!names.empty() && !detail::contains(names, name)) return false;
    for (std::string_view tag : tags) {
      if (!detail::contains(event_tags, tag)) return false;
    }
    return true;
  }
};

// Matches an event that any item matches. A query without items matches every event. The form is that of the specification of
// dynamic consistency boundaries (dcb.events). At most limits::query_items items.
struct event_query {
  std::span<query_item const> items{};

  constexpr bool matches_all() const noexcept { return items.empty(); }
  constexpr bool matches(std::string_view name, std::span<std::string_view const> event_tags) const noexcept {
    for (query_item const& item : items) {
      if (item.matches(name, event_tags)) return true;
    }
    return items.empty();
  }
};

// errc::limit_exceeded or errc::invalid_argument when the query breaks a limit or names something that can be no name or tag.
result<void> check_query(event_query const& query);

} // namespace cleave
