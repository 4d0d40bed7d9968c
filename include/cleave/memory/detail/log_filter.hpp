// SPDX-License-Identifier: BSL-1.0
// An event query with its names and tags looked up once, so that a read compares numbers and addresses, not texts.
#pragma once

#include <cleave/event/event_query.hpp>
#include <cleave/memory/detail/log.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace cleave::memory::detail {

template <class Entry> class text_table;

// A set of name numbers.
class name_set {
public:
  bool has(std::uint32_t number) const noexcept {
    std::size_t const word = number / 64;
    std::uint64_t const bits = word < near_.size()                 ? near_[word]
                               : word - near_.size() < far_.size() ? far_[word - near_.size()]
                                                                   : 0;
    return ((bits >> (number % 64)) & 1) != 0;
  }
  void add(std::uint32_t number) {
    std::size_t const word = number / 64;
    if (word >= near_.size() && word - near_.size() >= far_.size()) far_.resize(word - near_.size() + 1);
    std::uint64_t& bits = word < near_.size() ? near_[word] : far_[word - near_.size()];
    bits |= std::uint64_t{1} << (number % 64);
  }

private:
  std::array<std::uint64_t, 4> near_{}; // enough for 256 names without allocation
  std::vector<std::uint64_t> far_;
};

// Valid for events up to a head that was loaded before it was made: a name or tag that is unknown then is on none of them.
class log_filter {
public:
  // How the matching events are found best.
  enum class way : std::uint8_t {
    nothing,    // no event can match
    everything, // every event matches
    by_name,    // the name alone decides: walk the log
    by_record,  // walk the log and look at names and tags
    by_tag,     // walk the events of a tag of each item
  };

  log_filter(event_query const& query, text_table<name_entry> const& names,
             text_table<tag_entry> const& tags);

  way how() const noexcept { return how_; }
  // For the ways that walk the log.
  bool passes(unopened found) const noexcept {
    return how_ == way::by_name ? names_.has(found.kind().name_number) : takes(found);
  }
  // For any way.
  bool takes(unopened found) const noexcept;

private:
  friend class tag_walk;
  struct item {
    bool any_name = true;
    name_set names{};
    std::vector<tag_entry const*> tags{};
  };

  way how_ = way::nothing;
  name_set names_; // of the items without tags
  bool any_name_ = false;
  std::vector<item> tagged_; // the items with tags
};

// Events of one segment, of which a filter, if there is one, lets some pass: what a sink that takes runs gets.
class run {
public:
  run(segment const& from, kind_table const& kinds, std::uint64_t at, std::uint64_t size,
      log_filter const* filter) noexcept
      : from_(from), kinds_(kinds), at_(at), size_(size), filter_(filter) {}
  std::uint64_t size() const noexcept { return size_; }
  unopened operator[](std::uint64_t i) const noexcept { return {from_, kinds_, i, at_ + i}; }
  bool wanted(std::uint64_t i) const noexcept { return filter_ == nullptr || filter_->passes((*this)[i]); }

private:
  segment from_; // where the first of them is
  kind_table kinds_;
  std::uint64_t at_;
  std::uint64_t size_;
  log_filter const* filter_;
};

// Walks the events in (after, head] that a filter with way::by_tag takes, in order of position.
class tag_walk {
public:
  tag_walk(log_filter const& filter, log const& events, std::uint64_t after, std::uint64_t head);
  // The next position, 0 at the end.
  std::uint64_t next() noexcept;

private:
  struct source {
    position_list const* list;
    std::uint64_t at;
    std::uint64_t end;
  };

  log_filter const& filter_;
  log const& events_;
  std::vector<source> sources_;
};

} // namespace cleave::memory::detail
