// SPDX-License-Identifier: BSL-1.0
#include <cleave/memory/detail/log_filter.hpp>

#include "text_table.hpp"

#include <algorithm>

namespace cleave::memory::detail {

log_filter::log_filter(event_query const& query, text_table<name_entry> const& names,
                       text_table<tag_entry> const& tags) {
  std::uint64_t accepted = 0; // different names of the items without tags
  bool untagged = false;
  for (query_item const& wanted : query.items) {
    item found;
    found.any_name = wanted.names.empty();
    bool possible = found.any_name;
    for (std::string_view name : wanted.names) {
      name_entry const* const known = names.find(name);
      if (known == nullptr) continue;
      possible = true;
      if (!wanted.tags.empty()) {
        found.names.add(known->as_bytes.name_number);
      } else if (!names_.has(known->as_bytes.name_number)) {
        names_.add(known->as_bytes.name_number);
        ++accepted;
      }
    }
    for (std::string_view tag : wanted.tags) {
      tag_entry const* const known = tags.find(tag);
      if (known != nullptr) found.tags.push_back(known);
      else possible = false;
    }
    if (!possible) continue;
    if (wanted.tags.empty()) {
      untagged = true;
      any_name_ = any_name_ || found.any_name;
    } else {
      tagged_.push_back(std::move(found));
    }
  }

  if (any_name_ || query.matches_all() || (untagged && accepted == names.size())) how_ = way::everything;
  else if (untagged) how_ = tagged_.empty() ? way::by_name : way::by_record;
  else if (!tagged_.empty()) how_ = way::by_tag;
}

bool log_filter::takes(unopened found) const noexcept {
  std::uint32_t const name = found.kind().name_number;
  if (how_ == way::everything || names_.has(name)) return true;
  event_facts const& facts = found.facts();
  if (facts.extras == nullptr) return false;
  auto const carries = [&](tag_entry const* tag) {
    return std::ranges::any_of(facts.extras->tags,
                               [&](std::string_view t) { return t.data() == tag->text.data(); });
  };
  return std::ranges::any_of(tagged_, [&](item const& wanted) {
    return (wanted.any_name || wanted.names.has(name)) && std::ranges::all_of(wanted.tags, carries);
  });
}

tag_walk::tag_walk(log_filter const& filter, log const& events, std::uint64_t after, std::uint64_t head)
    : filter_(filter), events_(events) {
  sources_.reserve(filter.tagged_.size());
  for (log_filter::item const& wanted : filter.tagged_) {
    tag_entry const* const rarest = *std::ranges::min_element(
        wanted.tags, {}, [](tag_entry const* tag) { return tag->events.size(); });
    sources_.push_back(
        {&rarest->events, rarest->events.count_up_to(after), rarest->events.count_up_to(head)});
  }
}

std::uint64_t tag_walk::next() noexcept {
  for (;;) {
    std::uint64_t nearest = 0;
    for (source const& from : sources_) {
      if (from.at == from.end) continue;
      std::uint64_t const candidate = (*from.list)[from.at];
      if (nearest == 0 || candidate < nearest) nearest = candidate;
    }
    if (nearest == 0) return 0;
    for (source& from : sources_) {
      if (from.at != from.end && (*from.list)[from.at] == nearest) ++from.at;
    }
    if (filter_.takes(events_.entry(nearest))) return nearest;
  }
}

} // namespace cleave::memory::detail
