// SPDX-License-Identifier: BSL-1.0
// Events on their way into a store, together with all that they show.
#pragma once

#include <cleave/event/append.hpp>
#include <cleave/event/codec.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include <boost/describe/class.hpp>

#include <cstdint>
#include <initializer_list>
#include <list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::testing::detail {

// The events of the contract. `noted` needs its destructor, `counted` is plain bytes.
struct noted {
  static constexpr std::string_view event_name = "contract-noted.v1";
  std::string text;
};
BOOST_DESCRIBE_STRUCT(noted, (), (text))
struct counted {
  static constexpr std::string_view event_name = "contract-counted.v1";
  std::int64_t number = 0;
};
BOOST_DESCRIBE_STRUCT(counted, (), (number))
inline constexpr std::string_view raw_name = "contract-raw.v1"; // an event that has no type in this process

class batch {
public:
  explicit batch(seeded_ids& ids) noexcept : ids_(&ids) {}
  batch(seeded_ids& ids, std::size_t count, std::string_view text);
  batch(batch&&) noexcept = default;
  batch& operator=(batch&&) noexcept = default;
  batch(batch const&) = delete;
  batch& operator=(batch const&) = delete;

  batch& note(std::string_view text);
  batch& count(std::int64_t number);
  batch& raw(std::string_view name, std::string_view data);
  // The same events again, with their ids, in another batch: `from` up to but without `to`.
  batch slice(std::size_t from, std::size_t to) const;
  batch& add(batch const& other);

  // These change the event that was added last.
  batch& tagged(std::initializer_list<std::string_view> tags);
  batch& with_id(event_id id);
  batch& with_metadata(correlation_id correlation, causation_id causation);
  batch& with_header(std::string_view name, std::string_view value);
  // And this all of them.
  batch& all_tagged(std::string_view tag);

  std::size_t size() const noexcept { return events_.size(); }
  std::span<new_event const> events() const noexcept { return events_; }
  std::vector<event_id> ids() const;
  // The stored forms, as a reader has to get them.
  std::vector<std::string> data() const;
  stream_append to(stream_name stream, expectation expected = expectation::any()) const noexcept {
    return {stream, expected, events_};
  }

private:
  std::string_view keep(std::string_view text);
  void add_copy(new_event const& event);

  seeded_ids* ids_;
  // Lists: what is shown stays where it is while more is added, and when the batch moves.
  std::list<noted> notes_;
  std::list<counted> counts_;
  std::list<std::string> texts_;
  std::list<std::vector<std::string_view>> tags_;
  std::list<std::vector<header>> headers_;
  std::vector<new_event> events_;
};

} // namespace cleave::testing::detail
