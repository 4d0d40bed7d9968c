// SPDX-License-Identifier: BSL-1.0
// An event query together with the texts that it shows.
#pragma once

#include <cleave/event/event_query.hpp>

#include <initializer_list>
#include <list>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::testing::detail {

class query {
public:
  query() = default;
  query(query&&) noexcept = default;
  query& operator=(query&&) noexcept = default;
  // Copies show their own texts.
  query(query const& other) {
    for (query_item const& shown : other.items_) {
      item(std::vector(shown.names.begin(), shown.names.end()),
           std::vector(shown.tags.begin(), shown.tags.end()));
    }
  }
  query& operator=(query const& other) { return *this = query(other); }

  query& item(std::vector<std::string_view> const& names, std::vector<std::string_view> const& tags) {
    query_item added;
    added.names = keep(names);
    added.tags = keep(tags);
    items_.push_back(added);
    return *this;
  }
  event_query view() const noexcept { return {items_}; }

private:
  std::span<std::string_view const> keep(std::vector<std::string_view> const& texts) {
    std::vector<std::string_view>& kept = lists_.emplace_back();
    for (std::string_view text : texts) kept.push_back(texts_.emplace_back(text));
    return kept;
  }

  std::list<std::string> texts_;
  std::list<std::vector<std::string_view>> lists_;
  std::vector<query_item> items_;
};

} // namespace cleave::testing::detail
