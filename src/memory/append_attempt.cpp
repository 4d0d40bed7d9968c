// SPDX-License-Identifier: BSL-1.0
// The appends of the store in memory: looked up and checked here, brought into the log in append_staging.hpp.
#include "append_attempt.hpp"

#include <cleave/base/limits.hpp>
#include <cleave/config.hpp>

#include "append_staging.hpp"

#include <new>

namespace cleave::memory {

using detail::event_kind;
using detail::id_key;
using detail::key_of;
using detail::name_entry;
using detail::stream_entry;

result<appended> event_store::state::append(append_request const& request, hook_ref const* hook) {
  turn const mine(*this);
  return append_alone(request, hook, {});
}

[[gnu::always_inline]] inline event_kind*
event_store::state::find_kind(new_event const& event) const noexcept {
  if (event.type != nullptr) {
    // A type's name is a constant: it need not be read to be known again.
    std::string_view const named = event.type->name;
    event_kind* const recent = recent_[recent_place(event.type)];
    bool const found = recent != nullptr && recent->type == event.type && event.name.data() == named.data() &&
                       event.name.size() == named.size();
    return found ? recent : nullptr;
  }
  if (recent_bytes_ != nullptr && detail::same_text(recent_bytes_->name, event.name)) return recent_bytes_;
  name_entry* const entry = names.find(event.name);
  return entry != nullptr ? &entry->as_bytes : nullptr;
}

event_kind& event_store::state::add_kind(new_event const& event) {
  name_entry* entry = names.find(event.name);
  if (entry == nullptr) {
    log_.reserve_kinds(1, index_);
    auto const number = static_cast<std::uint32_t>(names.size());
    entry = &names.add(event.name, names.hash(event.name), index_, [&](name_entry& added) {
      added.as_bytes = event_kind{.name = added.text, .name_number = number, .entry = &added};
      log_.add_kind(added.as_bytes);
    });
  }
  if (event.type == nullptr) return *(recent_bytes_ = &entry->as_bytes);
  event_kind* kind = entry->as_objects;
  while (kind != nullptr && kind->type != event.type) kind = kind->next;
  if (kind == nullptr) {
    log_.reserve_kinds(1, index_);
    kind = new (index_.allocate(sizeof(event_kind), alignof(event_kind)))
        event_kind{.name = entry->text,
                   .type = event.type,
                   .name_number = entry->as_bytes.name_number,
                   .entry = entry,
                   .next = entry->as_objects,
                   .in_slot = detail::is_in_slot(event.type)};
    log_.add_kind(*kind);
    entry->as_objects = kind;
    destroys_ = destroys_ || event.type->destroy != nullptr;
  }
  if (kind->name == event.type->name) recent_[recent_place(event.type)] = kind;
  return *kind;
}

template <bool One>
[[gnu::always_inline]] inline result<appended> event_store::state::attempt<One>::run(hook_ref const* hook) {
  if (auto good = look_up(); !good) [[unlikely]]
    return unexpected(std::move(good).error());
  if (!is_plain()) {
    if (auto good = check_append_but_names(request_); !good) return unexpected(std::move(good).error());
  }
  if (request_.command != nullptr) {
    id_key const id = key_of(request_.command->id.id());
    late_command_ = !in_.commands_.above_all(id);
    if (late_command_) {
      if (auto const* const before = in_.find_command(id)) return in_.repeat_of_command(request_, *before);
    }
  }
  count();
  if (known_ != 0) [[unlikely]] {
    if (known_ != events_) return unexpected(in_.known_elsewhere(request_));
    return in_.repeat_of_events(request_);
  }
  if (auto good = check_expectations(); !good) [[unlikely]]
    return unexpected(std::move(good).error());
  if (request_.condition != nullptr) {
    if (auto good = in_.check_condition(*request_.condition); !good)
      return unexpected(std::move(good).error());
  }
  if (events_ == 0 && request_.command == nullptr) return appended{position(in_.log_.head()), last_, false};
  mark_ = in_.events_.now();
  in_.tagged_.clear();
  staging_ = true;
  if (auto good = stage(); !good) [[unlikely]]
    return unexpected(std::move(good).error());
  if (hook != nullptr) {
    if (auto good = show_to(*hook); !good) [[unlikely]]
      return unexpected(std::move(good).error());
  }
  return commit();
}

template <bool One> [[gnu::always_inline]] inline event_store::state::part_place
event_store::state::attempt<One>::find_stream(std::string_view name) const noexcept {
  if (stream_entry* const near = before_.near) {
    // Who has read the stream may have its name from here.
    if (near->text.data() == name.data() && near->text.size() == name.size()) return {near, 0};
    if (detail::same_text(near->text, name)) return {near, 0};
  }
  std::uint64_t const hash = in_.streams.hash(name);
  return {in_.streams.find(name, hash), hash};
}

// A name that is found is a good one; only the others are checked.
template <bool One>
[[gnu::always_inline]] inline result<void> event_store::state::attempt<One>::look_up() {
  if constexpr (!One) {
    in_.parts_.clear();
    in_.kinds_.clear();
  }
  for (stream_append const& part : streams()) {
    part_place const found = find_stream(part.stream.text());
    if (found.entry == nullptr) {
      if (auto good = check_stream_name(part.stream); !good) return good;
    }
    if constexpr (One) place_ = found;
    else in_.parts_.push_back(found);
    for (new_event const& event : events_of(part)) {
      event_kind* const kind = in_.find_kind(event);
      if (kind == nullptr) {
        if (auto good = check_name("event name", event.name, limits::event_name_bytes); !good) return good;
      }
      if constexpr (One) kind_ = kind;
      else in_.kinds_.push_back(kind);
    }
  }
  if (request_.command != nullptr) {
    command_name_ = in_.find_command_name(request_.command->command);
    if (command_name_ == nullptr)
      return check_name("command name", request_.command->command, limits::command_name_bytes);
  }
  return {};
}

template <bool One>
[[gnu::always_inline]] inline bool event_store::state::attempt<One>::is_plain() const noexcept {
  if constexpr (One)
    return request_.condition == nullptr &&
           cleave::is_plain(streams().front().events.front(), request_.command);
  else return false;
}

template <bool One> [[gnu::always_inline]] inline void event_store::state::attempt<One>::count() noexcept {
  id_key greatest = in_.ids_.greatest();
  for (stream_append const& part : streams()) {
    for (new_event const& event : events_of(part)) {
      ++events_;
      id_key const key = key_of(event.id.id());
      if (key > greatest) {
        greatest = key;
      } else {
        ++late_;
        if (!in_.ids_.above_all(key) && in_.ids_.find(key) != 0) ++known_;
      }
    }
  }
}

template <bool One>
[[gnu::always_inline]] inline result<void> event_store::state::attempt<One>::check_expectations() {
  std::size_t i = 0;
  for (stream_append const& part : streams()) {
    stream_entry const* const entry = place(i++).entry;
    last_ = version(entry != nullptr ? entry->events.staged() : 0);
    if (!part.expected.holds_at(last_))
      return unexpected(version_conflict(part.stream, part.expected, last_));
  }
  return {};
}

result<appended> event_store::state::append_alone(append_request const& request, hook_ref const* hook,
                                                  detail::beforehand const& before) {
  try {
    if (request.streams.size() == 1 && request.streams.front().events.size() == 1) [[likely]]
      return attempt<true>(*this, request, before).run(hook);
    return attempt<false>(*this, request, before).run(hook);
  } catch (std::bad_alloc const&) {
    std::size_t events = 0;
    for (stream_append const& part : request.streams) events += part.events.size();
    return unexpected(
        make_error(errc::limit_exceeded,
                   "no memory for an append of {} events: {} bytes are used, {} are allowed by max_bytes",
                   events, budget_.used(), budget_.limit()));
  }
}

} // namespace cleave::memory
