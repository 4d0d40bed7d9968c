// SPDX-License-Identifier: BSL-1.0
// What a decision depends on, as a boundary says it: events of these types that carry all of these tags, or those, or those.
//
//   cleave::events_with<course_defined, student_enrolled>("course:" + c.course)
//     | cleave::events_with<student_registered, student_enrolled>("student:" + c.student)
#pragma once

#include <cleave/event/event_query.hpp>
#include <cleave/event/event_set.hpp>

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cleave {

// Owns its tags, unlike event_query. It has at least one item; the store checks the limits of event_query.
class boundary_query {
public:
  // Events of these stored names that carry all of `tags`. The names must live as long as the query.
  boundary_query(std::span<std::string_view const> names, std::vector<std::string> tags) {
    items_.push_back({names, std::move(tags)});
  }
  friend boundary_query operator|(boundary_query either, boundary_query other) {
    for (item& more : other.items_) either.items_.push_back(std::move(more));
    return either;
  }

  // A text that no other query has. Each part begins with its length, so that no two can be taken for one another.
  std::string key() const {
    std::string key;
    auto const add_number = [&key](std::size_t number) {
      for (; number >= 0x80; number >>= 7) key.push_back(static_cast<char>(number | 0x80));
      key.push_back(static_cast<char>(number));
    };
    auto const add_all = [&](auto const& texts) {
      add_number(texts.size());
      for (std::string_view const text : texts) {
        add_number(text.size());
        key.append(text);
      }
    };
    for (item const& one : items_) {
      add_all(one.names);
      add_all(one.tags);
    }
    return key;
  }

private:
  friend class boundary_view;
  struct item {
    std::span<std::string_view const> names;
    std::vector<std::string> tags;
  };
  std::vector<item> items_;
};

// Events of the types Es, old versions of them included, that carry all of the tags. Without a tag every one of them matters, so that
// commands that have nothing to do with each other get into each other's way.
template <class... Es, std::convertible_to<std::string>... Tags> boundary_query events_with(Tags&&... tags) {
  static_assert(sizeof...(Es) != 0,
                "cleave: events_with<...> names the events that a decision depends on: give it at least one");
  std::vector<std::string> texts;
  texts.reserve(sizeof...(Tags));
  (texts.emplace_back(std::forward<Tags>(tags)), ...);
  return {stored_names<event_set<Es...>>, std::move(texts)};
}

// The query as a store wants it. The boundary_query must outlive it and stay as it is.
class boundary_view {
public:
  explicit boundary_view(boundary_query const& query) {
    std::size_t tags = 0;
    for (auto const& item : query.items_) tags += item.tags.size();
    tags_.reserve(tags); // first: the items point there
    items_.reserve(query.items_.size());
    for (auto const& item : query.items_) {
      auto const first = tags_.size();
      tags_.insert(tags_.end(), item.tags.begin(), item.tags.end());
      items_.push_back({item.names, std::span(tags_).subspan(first)});
    }
  }
  boundary_view(boundary_view const&) = delete;
  boundary_view& operator=(boundary_view const&) = delete;

  event_query get() const noexcept { return {items_}; }

private:
  std::vector<std::string_view> tags_;
  std::vector<query_item> items_;
};

} // namespace cleave
