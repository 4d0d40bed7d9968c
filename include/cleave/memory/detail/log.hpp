// SPDX-License-Identifier: BSL-1.0
// The log in memory: what is kept of each event, and the array that readers walk while a writer extends it.
#pragma once

#include <cleave/event/recorded_event.hpp>
#include <cleave/memory/detail/position_list.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace cleave::memory::detail {

class arena;

// Interned texts: each is stored once, has one address, and lives as long as the store.
struct interned {
  std::string_view text;
  std::uint64_t hash = 0;
};
struct stream_entry : interned {
  position_list events; // entry v - 1 is the position of version v
};
struct tag_entry : interned {
  position_list events;
};

// A stored event name together with the type that keeps its objects; `type` is nullptr for events held as bytes.
struct name_entry;
struct event_kind {
  std::string_view name;
  event_type const* type = nullptr;
  std::uint32_t name_number = 0; // names are numbered from 0 in order of appearance
  name_entry* entry = nullptr;
  event_kind* next = nullptr; // another type under the same name
};
struct name_entry : interned {
  event_kind as_bytes;
  event_kind* as_objects = nullptr;
  std::uint64_t last = 0; // position of the last event of that name; for the writer
};

struct event_extras {
  cleave::metadata metadata;
  std::span<std::string_view const>
      tags; // each shows the text of its tag_entry, so that equal tags have equal addresses
};

// The stored form of an event held as bytes.
struct stored_bytes {
  std::size_t size;
  char const* bytes() const noexcept { return reinterpret_cast<char const*>(this + 1); }
};

// A record is split in two arrays: a projection that looks at nothing but the events walks the first one alone.
struct event_body {
  void const* object; // the event, or its stored_bytes
  event_kind const* kind;
};
struct event_facts {
  stream_entry const* stream;
  std::uint64_t version;
  event_id id;
  timestamp recorded_at;
  event_extras const* extras; // nullptr: neither metadata nor tags
};

inline recorded_event show_event(std::uint64_t position, event_body const& body,
                                 event_facts const& facts) noexcept {
  recorded_event shown;
  shown.at.position = cleave::position(position);
  shown.at.stream = stream_name(facts.stream->text);
  shown.at.version = version(facts.version);
  shown.at.name = body.kind->name;
  shown.at.id = facts.id;
  shown.at.recorded_at = facts.recorded_at;
  if (facts.extras != nullptr) {
    shown.at.tags = facts.extras->tags;
    shown.at.metadata = facts.extras->metadata;
  }
  shown.type = body.kind->type;
  if (shown.type != nullptr) {
    shown.object = body.object;
  } else {
    auto const* const stored = static_cast<stored_bytes const*>(body.object);
    shown.data = std::string_view(stored->bytes(), stored->size);
  }
  return shown;
}

// Positions 1, 2, 3, ... in segments of one size, which never move. One writer fills places behind the head, then publishes
// the head; a reader that has loaded the head (acquire) may read all up to it without a lock.
struct segment {
  static constexpr std::uint64_t events = 2048;
  event_body bodies[events];
  event_facts facts[events];
};

// One event of it (an unopened_event). A value: a loop over a segment keeps no more than the place in it.
class unopened {
public:
  unopened(segment const& in, std::uint64_t place, std::uint64_t at) noexcept
      : in_(&in), place_(place), at_(at) {}
  cleave::position position() const noexcept { return cleave::position(at_); }
  event_body const& body() const noexcept { return in_->bodies[place_]; }
  event_facts const& facts() const noexcept { return in_->facts[place_]; }
  event_type const* type() const noexcept { return body().kind->type; }
  void const* object() const noexcept { return body().object; }
  recorded_event open() const noexcept { return show_event(at_, body(), facts()); }
  operator envelope() const noexcept { return open().at; }

private:
  segment const* in_;
  std::uint64_t place_;
  std::uint64_t at_;
};

class log {
public:
  std::uint64_t head() const noexcept { return head_.load(std::memory_order_acquire); }
  // 1 <= position <= head()
  event_body const& body(std::uint64_t position) const noexcept {
    return at(position).bodies[place(position)];
  }
  event_facts const& facts(std::uint64_t position) const noexcept {
    return at(position).facts[place(position)];
  }
  unopened entry(std::uint64_t position) const noexcept { return {at(position), place(position), position}; }
  recorded_event show(std::uint64_t position) const noexcept { return entry(position).open(); }

  // Calls sink(segment, place, position, size) for all that holds events in [first, last], in pieces of at most `left` (which the
  // sink may lower), until it returns false.
  template <class Sink>
  void walk(std::uint64_t first, std::uint64_t last, std::uint64_t const& left, Sink&& sink) const {
    while (first <= last) {
      std::uint64_t const size = std::min({segment::events - place(first), last - first + 1, left});
      if (!sink(at(first), place(first), first, size)) return;
      first += size;
    }
  }

  // For the writer: room up to `position`; may throw std::bad_alloc.
  void reserve(std::uint64_t position, arena& memory) {
    if (position > room_) grow(position, memory);
  }
  event_body& body_slot(std::uint64_t position) noexcept { return at(position).bodies[place(position)]; }
  event_facts& facts_slot(std::uint64_t position) noexcept { return at(position).facts[place(position)]; }
  void publish(std::uint64_t head) noexcept { head_.store(head, std::memory_order_release); }

private:
  static std::uint64_t place(std::uint64_t position) noexcept { return (position - 1) % segment::events; }
  segment& at(std::uint64_t position) const noexcept {
    return *directory_.load(std::memory_order_acquire)[(position - 1) / segment::events];
  }
  void grow(std::uint64_t position, arena& memory);

  std::atomic<std::uint64_t> head_{0};
  std::atomic<segment**> directory_{
      nullptr}; // replaced by a longer copy; the old ones stay for those who read them
  std::uint64_t directory_room_ = 0;
  std::uint64_t room_ = 0;
};

} // namespace cleave::memory::detail
