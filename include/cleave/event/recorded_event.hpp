// SPDX-License-Identifier: BSL-1.0
// An event as a store hands it out, and an event on its way into a store.
#pragma once

#include <cleave/event/envelope.hpp>
#include <cleave/event/event_type.hpp>

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>

namespace cleave {

// A stored event: the object itself (a store in memory), or its stored form. Read it with visit_event (event/event_set.hpp).
// All views and pointers are valid during the call that handed it out, no longer.
struct recorded_event {
  envelope at{};
  event_type const* type = nullptr; // of `object`; nullptr when the event is held as bytes
  void const* object = nullptr;
  std::string_view data{}; // the stored form (JSON text, for the default codec) where `type` is nullptr
};

// An event to be stored: the object (type and object set), or a name and a stored form made elsewhere (data). Views: the store
// copies what it keeps before append returns. The id makes a retry safe; nil is errc::invalid_argument. Tags are 1 to
// limits::tag_bytes of UTF-8 without control characters, each once, in any order; at most limits::tags_per_event.
struct new_event {
  event_id id;
  std::string_view name;
  event_type const* type = nullptr;
  void const* object = nullptr;
  std::string_view data{};
  std::span<std::string_view const> tags{};
  cleave::metadata metadata{};
};

template <class E> new_event to_new_event(event_id id, E const& event) noexcept {
  return new_event{.id = id, .name = event_type_of<E>.name, .type = &event_type_of<E>, .object = &event};
}

// A function that takes stored events one by one and says whether it wants more.
template <class S>
concept event_sink = requires(S& sink, recorded_event const& event) {
  { sink(event) } -> std::same_as<bool>;
};

// A stored event whose envelope is made when somebody asks for it: a reader that looks at nothing but the event does not pay for
// one. It converts to its envelope.
template <class E>
concept unopened_event = requires(E const& found) {
  { found.position() } noexcept -> std::same_as<cleave::position>;
  { found.type() } noexcept -> std::same_as<event_type const*>; // nullptr: held as bytes
  { found.object() } noexcept -> std::same_as<void const*>;     // of that type
  {
    found.kind_number()
  } noexcept -> std::same_as<std::uint32_t>; // not UINT32_MAX; within one read, equal numbers are equal types
  // For an event of that type; or by value, where the store keeps it so.
  { found.template as<int>() } noexcept -> std::convertible_to<int const&>;
  { found.open() } noexcept -> std::same_as<recorded_event>;
  { static_cast<envelope>(found) };
};

namespace detail {

// A store that holds objects hands out whole runs of its log to sinks that take them: `size()` unopened events at positions that
// follow one another, `run[i]`, of which the sink is to leave out those that are not wanted(i).
struct run_taken {
  std::uint64_t seen;       // of the run: the last one was handed out, unless there is `more`
  std::uint64_t handed_out; // of those that it saw
  bool more;                // false: the sink has had enough
};
template <class S, class Run>
concept takes_runs = requires(S& sink, Run const& run) {
  { sink.take(run) } -> std::same_as<run_taken>;
};

} // namespace detail

} // namespace cleave
