// SPDX-License-Identifier: BSL-1.0
// How an append whose expectations hold gets into the log in memory: staged, shown to the hook, committed or undone.
#pragma once

#include <cleave/base/limits.hpp>
#include <cleave/config.hpp>

#include "append_attempt.hpp"

#include <cstring>
#include <new>

namespace cleave::memory {

namespace detail {

inline std::string_view keep_text(std::string_view text, detail::arena& memory) {
  if (text.empty()) return {};
  auto* const bytes = memory.allocate_array<char>(text.size());
  std::memcpy(bytes, text.data(), text.size());
  return {bytes, text.size()};
}

} // namespace detail

template <bool One> [[gnu::always_inline]] inline result<void> event_store::state::attempt<One>::stage() {
  if (before_.now) {
    now_ = *before_.now;
  } else {
    try {
      now_ = in_.clock_.now();
    } catch (...) {
      return unexpected(cleave::detail::current_exception_error("the store's clock"));
    }
  }
  in_.log_.reserve(first_ + events_ - 1, in_.index_);
  in_.ids_.reserve(events_, late_, in_.index_);
  std::size_t i = 0;
  for (stream_append const& part : streams()) {
    part_place& to = place(i++);
    if (!One && part.events.empty()) continue;
    if (to.entry == nullptr)
      to.entry = &in_.streams.add(part.stream.text(), to.hash, in_.index_, [](detail::stream_entry&) {});
    to.entry->events.reserve(part.events.size(), in_.index_);
    for (new_event const& event : events_of(part)) {
      detail::event_kind*& its = kind(next_);
      if (its == nullptr) its = &in_.add_kind(event);
      if (auto good = stage_event(event, *its, *to.entry); !good) return good;
    }
  }
  if (request_.command != nullptr) stage_command();
  return {};
}

template <bool One> [[gnu::always_inline]] inline result<void>
event_store::state::attempt<One>::stage_event(new_event const& event, detail::event_kind const& kind,
                                              detail::stream_entry& stream) {
  CLEAVE_ASSERT(event.type == nullptr || event.object != nullptr,
                "an event with a type comes without its object");
  detail::event_extras const* extras = nullptr;
  if (!event.tags.empty() || !event.metadata.headers.empty() || !event.metadata.correlation.nil() ||
      !event.metadata.causation.nil()) {
    extras = keep_extras(event, next_);
  }
  auto const to = in_.log_.parts_of(next_);
  if (auto kept = keep(event, kind, to.slot); !kept) return kept;
  to.kind = kind.number;
  to.facts = detail::event_facts{&stream, stream.events.staged() + 1, event.id, now_, extras};
  stream.events.stage(next_);
  ++next_;
  return {};
}

template <bool One> [[gnu::always_inline]] inline result<void>
event_store::state::attempt<One>::keep(new_event const& event, detail::event_kind const& kind,
                                       detail::event_slot& slot) {
  event_type const* const type = kind.type;
  if (type == nullptr) {
    auto* const raw = static_cast<std::byte*>(in_.events_.allocate(
        sizeof(detail::stored_bytes) + event.data.size(), alignof(detail::stored_bytes)));
    new (raw) detail::stored_bytes{event.data.size()};
    if (!event.data.empty())
      std::memcpy(raw + sizeof(detail::stored_bytes), event.data.data(), event.data.size());
    slot.set_outside(raw);
    return {};
  }
  if (kind.in_slot) {
    // One number, as a rule: no call for it.
    if (type->size == sizeof slot.bytes) std::memcpy(slot.bytes, event.object, sizeof slot.bytes);
    else std::memcpy(slot.bytes, event.object, type->size);
    return {};
  }
  void* const to = in_.events_.allocate(type->size, type->alignment);
  if (type->copy == nullptr) {
    std::memcpy(to, event.object, type->size);
  } else {
    try {
      type->copy(to, event.object);
    } catch (...) {
      return unexpected(
          cleave::detail::current_exception_error(format_text("the copy of event {}", event.name)));
    }
  }
  slot.set_outside(to);
  return {};
}

template <bool One>
detail::event_extras const* event_store::state::attempt<One>::keep_extras(new_event const& event,
                                                                          std::uint64_t at) {
  auto* const texts = in_.events_.allocate_array<std::string_view>(event.tags.size());
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    std::string_view const text = event.tags[i];
    std::uint64_t const hash = in_.tags.hash(text);
    detail::tag_entry* tag = in_.tags.find(text, hash);
    if (tag == nullptr) tag = &in_.tags.add(text, hash, in_.index_, [](detail::tag_entry&) {});
    tag->events.reserve(1, in_.index_);
    in_.tagged_.push_back(tag);
    tag->events.stage(at);
    new (texts + i) std::string_view(tag->text);
  }
  auto const given = event.metadata.headers;
  auto* const headers = in_.events_.allocate_array<header>(given.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    new (headers + i)
        header{detail::keep_text(given[i].name, in_.events_), detail::keep_text(given[i].value, in_.events_)};
  }
  metadata const kept{event.metadata.correlation, event.metadata.causation, {headers, given.size()}};
  return new (in_.events_.allocate(sizeof(detail::event_extras), alignof(detail::event_extras)))
      detail::event_extras{kept, {texts, event.tags.size()}};
}

// All that may fail; the rest is known when the append is committed.
template <bool One>
[[gnu::always_inline]] inline void event_store::state::attempt<One>::stage_command() {
  command_record const& record = *request_.command;
  in_.commands_.reserve(1, late_command_ ? 1 : 0, in_.index_);
  in_.command_entries_.reserve(in_.command_count_ + 1, in_.index_);
  if (command_name_ == nullptr) [[unlikely]] {
    command_name_ = &in_.command_names_.add(record.command, in_.command_names_.hash(record.command),
                                            in_.index_, [](detail::interned&) {});
  }
  in_.recent_command_ = command_name_;
  command_ = &in_.command_entries_[in_.command_count_];
  new (command_) detail::command_entry{.id = record.id,
                                       .fingerprint = record.fingerprint,
                                       .visible_at = 0,
                                       .has_aside = 0,
                                       .its_name = command_name_};
  if (!One && (events_ == 0 || request_.streams.back().events.empty())) stage_aside();
}

template <bool One> void event_store::state::attempt<One>::stage_aside() {
  using aside = detail::command_entry::aside;
  rejection const* const refused = request_.command->refused;
  auto* const made = new (in_.events_.allocate(sizeof(aside), alignof(aside)))
      aside{.command = command_name_,
            .recorded_at = now_,
            .version = last_.value(),
            .refused = refused != nullptr,
            .code = {},
            .text = {}};
  if (refused != nullptr) {
    made->code = detail::keep_text(refused->code, in_.events_);
    made->text = detail::keep_text(refused->text, in_.events_);
  }
  command_->has_aside = 1;
  command_->its_aside = made;
}

template <bool One> [[gnu::always_inline]] inline result<void>
event_store::state::attempt<One>::show_to(hook_ref const& hook) {
  inside_mark const marked(in_.hooking_);
  try {
    for (std::uint64_t at = first_; at < next_; ++at) {
      if (auto good = hook(in_.log_.entry(at)); !good) return good;
    }
  } catch (...) {
    return unexpected(cleave::detail::current_exception_error("an inline projection"));
  }
  return {};
}

template <bool One>
[[gnu::always_inline]] inline result<appended> event_store::state::attempt<One>::commit() noexcept {
  staging_ = false;
  std::uint64_t const head = next_ - 1;
  std::uint64_t at = first_;
  std::size_t i = 0;
  for (stream_append const& part : streams()) {
    detail::stream_entry* const stream = place(i++).entry;
    for (new_event const& event : events_of(part)) {
      kind(at)->entry->last = at;
      in_.ids_.insert(detail::key_of(event.id.id()), at);
      ++at;
    }
    if (stream != nullptr) stream->events.publish();
    last_ = version(stream != nullptr ? stream->events.staged() : 0);
  }
  for (detail::tag_entry* const tag : in_.tagged_) tag->events.publish();
  if (command_ != nullptr) {
    command_->visible_at = head & static_cast<std::uint64_t>(limits::position_max);
    in_.commands_.insert(detail::key_of(command_->id.id()), ++in_.command_count_);
  }
  // Everything above is seen by whoever sees this.
  in_.log_.publish(head);
  if (in_.signal.raise(position(head))) in_.untold_ = position(head);
  result<appended> done; // filled in its place: a copy of what was just written waits for it
  done->position = position(head);
  done->version = last_;
  if (events_ != 0) done->recorded_at = now_;
  return done;
}

template <bool One> void event_store::state::attempt<One>::undo() noexcept {
  while (next_ > first_) {
    --next_;
    detail::event_body const body = in_.log_.body(next_);
    event_type const* const type = body.kind->type;
    if (type != nullptr && type->destroy != nullptr) type->destroy(const_cast<void*>(body.object));
  }
  for (detail::tag_entry* const tag : in_.tagged_) tag->events.drop_staged();
  for (std::size_t i = 0; i < streams().size(); ++i) {
    if (detail::stream_entry* const stream = place(i).entry) stream->events.drop_staged();
  }
  in_.events_.back_to(mark_);
}

} // namespace cleave::memory
