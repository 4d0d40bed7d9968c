// SPDX-License-Identifier: BSL-1.0
// Tags of a typed event. An event that has some tells them by a member:
//   std::array<std::string, 2> tags() const { return {"course:" + course, "student:" + student}; }
#pragma once

#include <concepts>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cleave {

// tags() returns a range of texts.
template <class E>
concept tagged = requires(E const& event) {
  { *event.tags().begin() } -> std::convertible_to<std::string_view>;
  event.tags().end();
};

// Owns the tags of one event while it is appended. Empty, and without allocation, for an event that has none.
class tag_list {
public:
  tag_list() = default;
  template <class E> explicit tag_list(E const& event) {
    if constexpr (tagged<E>) {
      for (auto const& tag : event.tags()) texts_.emplace_back(std::string_view(tag));
      views_.assign(texts_.begin(), texts_.end());
    }
  }
  std::span<std::string_view const> view() const noexcept { return views_; }

private:
  std::vector<std::string> texts_;
  std::vector<std::string_view> views_;
};

} // namespace cleave
