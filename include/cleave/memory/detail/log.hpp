// SPDX-License-Identifier: BSL-1.0
// The log in memory: what is kept of each event, and the array that readers walk while a writer extends it.
#pragma once

#include <cleave/event/recorded_event.hpp>
#include <cleave/memory/detail/position_list.hpp>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>

namespace cleave::memory::detail {

class arena;

// Interned texts: each is stored once, has one address, and lives as long as the store.
struct interned {
  std::string_view text;
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
  std::uint32_t number = 0;      // kinds are numbered from 0 in order of appearance
  std::uint32_t name_number = 0; // names likewise
  name_entry* entry = nullptr;
  event_kind* next = nullptr; // another type under the same name
  bool in_slot = false;       // is_in_slot(type)
};
struct name_entry : interned {
  event_kind as_bytes;
  event_kind* as_objects = nullptr;
  std::uint64_t last = 0; // position of the last event of that name; for the writer
};
// What the numbers of kinds stand for. The types a second time, for those who look at nothing else.
struct kind_table {
  event_type const** types;
  event_kind const** kinds;
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

// Where an event's object is: in its slot, or behind the address that the slot holds. A small event that is copied as bytes
// and has no destructor is in its slot, so that a walk over the log reads one sequence of memory.
inline constexpr std::size_t slot_bytes = 8;
template <class E>
inline constexpr bool in_slot = sizeof(E) <= slot_bytes && alignof(E) <= slot_bytes &&
                                std::is_trivially_copyable_v<E> && std::is_trivially_destructible_v<E>;
inline bool is_in_slot(event_type const* type) noexcept {
  return type != nullptr && type->size <= slot_bytes && type->alignment <= slot_bytes &&
         type->copy == nullptr && type->destroy == nullptr;
}
struct alignas(slot_bytes) event_slot {
  std::byte bytes[slot_bytes];
  void const* outside() const noexcept {
    void const* object = nullptr;
    std::memcpy(static_cast<void*>(&object), bytes, sizeof object);
    return object;
  }
  void set_outside(void const* object) noexcept {
    std::memcpy(bytes, static_cast<void const*>(&object), sizeof object);
  }
};

// One event as its kind and its object, or its stored_bytes.
struct event_body {
  void const* object;
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
  recorded_event shown{.at = {.position = cleave::position(position),
                              .stream = stream_name(facts.stream->text),
                              .version = version(facts.version),
                              .name = body.kind->name,
                              .id = facts.id,
                              .recorded_at = facts.recorded_at,
                              .tags = {},
                              .metadata = {}},
                       .type = body.kind->type,
                       .object = nullptr,
                       .data = {}};
  if (facts.extras != nullptr) {
    shown.at.tags = facts.extras->tags;
    shown.at.metadata = facts.extras->metadata;
  }
  if (shown.type != nullptr) {
    shown.object = body.object;
  } else {
    auto const* const stored = static_cast<stored_bytes const*>(body.object);
    shown.data = std::string_view(stored->bytes(), stored->size);
  }
  return shown;
}

// Positions 1, 2, 3, ... in segments of one size, which never move. One writer fills places behind the head, then publishes
// the head; a reader that has loaded the head (acquire) may read all up to it without a lock. A record is split: a projection
// that looks at nothing but the events touches no facts. The parts of segments that were made together lie in a row each, so that
// a walk reads long sequences of memory.
struct segment {
  static constexpr std::uint64_t events = 2048;
  std::uint32_t* kinds; // arrays of as many
  event_slot* slots;
  event_facts* facts;
  segment from(std::uint64_t place) const noexcept { return {kinds + place, slots + place, facts + place}; }
};

// One event of it (an unopened_event). A value: a loop over a segment keeps no more than the place in it.
class unopened {
public:
  unopened(segment const& in, kind_table const& kinds, std::uint64_t place, std::uint64_t at) noexcept
      : in_(in), kinds_(kinds), place_(place), at_(at) {}
  cleave::position position() const noexcept { return cleave::position(at_); }
  std::uint32_t kind_number() const noexcept { return in_.kinds[place_]; }
  event_kind const& kind() const noexcept { return *kinds_.kinds[kind_number()]; }
  event_body body() const noexcept {
    event_kind const& of = kind();
    return {of.in_slot ? static_cast<void const*>(slot().bytes) : slot().outside(), &of};
  }
  event_facts const& facts() const noexcept { return in_.facts[place_]; }
  event_type const* type() const noexcept { return kinds_.types[kind_number()]; }
  void const* object() const noexcept { return body().object; }
  // What is in a slot comes by value: it needs no address, and goes from the log into registers.
  template <class E> decltype(auto) as() const noexcept {
    if constexpr (in_slot<E>) {
      alignas(E) std::byte bytes[sizeof(E)];
      std::memcpy(bytes, slot().bytes, sizeof(E));
      return std::bit_cast<E>(bytes);
    } else return *static_cast<E const*>(slot().outside());
  }
  recorded_event open() const noexcept { return show_event(at_, body(), facts()); }
  operator envelope() const noexcept { return open().at; }

private:
  event_slot const& slot() const noexcept { return in_.slots[place_]; }

  segment in_;
  kind_table kinds_;
  std::uint64_t place_;
  std::uint64_t at_;
};

class log {
public:
  std::uint64_t head() const noexcept { return head_.load(std::memory_order_acquire); }
  // 1 <= position <= head()
  event_body body(std::uint64_t position) const noexcept { return entry(position).body(); }
  event_facts const& facts(std::uint64_t position) const noexcept {
    return at(position).facts[place(position)];
  }
  unopened entry(std::uint64_t position) const noexcept {
    return {at(position), kinds(), place(position), position};
  }
  recorded_event show(std::uint64_t position) const noexcept { return entry(position).open(); }
  // With every event up to a head that was loaded before; there is one.
  kind_table const& kinds() const noexcept { return *kinds_.load(std::memory_order_acquire); }

  // Calls sink(segment, position, size) for all that holds events in [first, last], from the place of the first one on, in pieces of
  // at most `left` (which the sink may lower), until it returns false.
  template <class Sink>
  void walk(std::uint64_t first, std::uint64_t last, std::uint64_t const& left, Sink&& sink) const {
    while (first <= last) {
      std::uint64_t const size = std::min({segment::events - place(first), last - first + 1, left});
      if (!sink(at(first).from(place(first)), first, size)) return;
      first += size;
    }
  }

  // For the writer: room up to `position`; may throw std::bad_alloc.
  void reserve(std::uint64_t position, arena& memory) {
    if (position > room_) grow(position, memory);
  }
  // Gives the kind its number; room for it is reserved.
  void reserve_kinds(std::uint32_t more, arena& memory) {
    if (more > kinds_room_ - kinds_size_) grow_kinds(more, memory);
  }
  void add_kind(event_kind& kind) noexcept {
    kind.number = kinds_size_++;
    kind_table const& table = kinds();
    table.types[kind.number] = kind.type;
    table.kinds[kind.number] = &kind;
  }
  // The parts of the event at a position.
  struct parts {
    std::uint32_t& kind;
    event_slot& slot; // the object that is_in_slot(), or the address of another one
    event_facts& facts;
  };
  parts parts_of(std::uint64_t position) noexcept {
    segment const& in = at(position);
    std::uint64_t const i = place(position);
    return {in.kinds[i], in.slots[i], in.facts[i]};
  }
  void publish(std::uint64_t head) noexcept { head_.store(head, std::memory_order_release); }

private:
  static std::uint64_t place(std::uint64_t position) noexcept { return (position - 1) % segment::events; }
  segment const& at(std::uint64_t position) const noexcept {
    return directory_.load(std::memory_order_acquire)[(position - 1) / segment::events];
  }
  void grow(std::uint64_t position, arena& memory);
  void grow_kinds(std::uint32_t more, arena& memory);

  std::atomic<std::uint64_t> head_{0};
  // Both are replaced by longer copies; the old ones stay for those who read them.
  std::atomic<segment*> directory_{nullptr};
  std::atomic<kind_table const*> kinds_{nullptr};
  std::uint32_t kinds_size_ = 0;
  std::uint32_t kinds_room_ = 0;
  std::uint64_t directory_room_ = 0;
  std::uint64_t room_ = 0;
};

} // namespace cleave::memory::detail
