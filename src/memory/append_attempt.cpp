// SPDX-License-Identifier: BSL-1.0
// How an append whose expectations hold gets into the log in memory: staged, shown to the hook, committed or undone.
#include <cleave/base/limits.hpp>
#include <cleave/config.hpp>

#include "store_state.hpp"

#include <cstring>
#include <new>

namespace cleave::memory {

using detail::command_entry;
using detail::event_body;
using detail::event_extras;
using detail::event_facts;
using detail::event_kind;
using detail::id_key;
using detail::key_of;
using detail::name_entry;
using detail::stored_bytes;
using detail::stream_entry;
using detail::tag_entry;

namespace {

std::string_view keep_text(std::string_view text, detail::arena& memory) {
  if (text.empty()) return {};
  auto* const bytes = memory.allocate_array<char>(text.size());
  std::memcpy(bytes, text.data(), text.size());
  return {bytes, text.size()};
}

} // namespace

result<appended> event_store::state::append(append_request const& request, hook_ref const* hook) {
  std::lock_guard lock(mutex_);
  return append_alone(request, hook, nullptr);
}

result<appended> event_store::state::append_alone(append_request const& request, hook_ref const* hook,
                                                  stream_entry* near) {
  if (auto good = look_up(request, near); !good) return unexpected(std::move(good).error());
  if (auto good = check_append_but_names(request); !good) return unexpected(std::move(good).error());
  if (request.command != nullptr && !commands_.above_all(key_of(request.command->id.id()))) {
    if (auto const* const known = find_command(request.command->id))
      return repeat_of_command(request, *known);
  }
  counts const of = count(request);
  if (of.known != 0) {
    if (of.known != of.events) return unexpected(known_elsewhere(request));
    return repeat_of_events(request);
  }

  version last;
  for (std::size_t i = 0; i < request.streams.size(); ++i) {
    stream_append const& part = request.streams[i];
    last = version(parts_[i].entry != nullptr ? parts_[i].entry->events.staged() : 0);
    if (!part.expected.holds_at(last)) return unexpected(version_conflict(part.stream, part.expected, last));
  }
  if (request.condition != nullptr) {
    if (auto good = check_condition(*request.condition); !good) return unexpected(std::move(good).error());
  }
  if (of.events == 0 && request.command == nullptr) return appended{position(log_.head()), last, false};
  return store(request, of, hook);
}

// Fills parts_ and kinds_. A name that is found is a good one; only the others are checked.
[[gnu::always_inline]] inline result<void> event_store::state::look_up(append_request const& request,
                                                                       stream_entry* near) {
  parts_.clear();
  kinds_.clear();
  for (stream_append const& part : request.streams) {
    std::string_view const name = part.stream.text();
    part_place place{near, 0};
    if (near == nullptr || !detail::same_text(near->text, name)) {
      place.hash = streams.hash(name);
      place.entry = streams.find(name, place.hash);
      if (place.entry == nullptr) {
        if (auto good = check_stream_name(part.stream); !good) return good;
      }
    }
    parts_.push_back(place);
    for (new_event const& event : part.events) {
      event_kind* const kind = find_kind(event);
      if (kind == nullptr) {
        if (auto good = check_name("event name", event.name, limits::event_name_bytes); !good) return good;
      }
      kinds_.push_back(kind);
    }
  }
  return {};
}

[[gnu::always_inline]] inline event_store::state::counts
event_store::state::count(append_request const& request) const noexcept {
  counts found;
  id_key greatest = ids_.greatest();
  for (stream_append const& part : request.streams) {
    found.events += part.events.size();
    for (new_event const& event : part.events) {
      id_key const key = key_of(event.id.id());
      if (key > greatest) {
        greatest = key;
      } else {
        ++found.late;
        if (!ids_.above_all(key) && ids_.find(key) != 0) ++found.known;
      }
    }
  }
  return found;
}

[[gnu::always_inline]] inline event_kind*
event_store::state::find_kind(new_event const& event) const noexcept {
  if (event.type != nullptr) {
    event_kind* const recent =
        recent_[(reinterpret_cast<std::uintptr_t>(event.type) / alignof(event_type)) % recent_kinds];
    bool const found = recent != nullptr && recent->type == event.type &&
                       detail::same_text(recent->name, event.name);
    return found ? recent : nullptr;
  }
  name_entry* const known = names.find(event.name);
  return known != nullptr ? &known->as_bytes : nullptr;
}

event_kind& event_store::state::add_kind(new_event const& event) {
  name_entry* entry = names.find(event.name);
  if (entry == nullptr) {
    log_.reserve_kinds(1, index_);
    auto const number = static_cast<std::uint32_t>(names.size());
    entry = &names.add(event.name, names.hash(event.name), index_, [&](name_entry& added) {
      added.as_bytes = event_kind{added.text, nullptr, 0, number, &added, nullptr};
      log_.add_kind(added.as_bytes);
    });
  }
  if (event.type == nullptr) return entry->as_bytes;
  event_kind* kind = entry->as_objects;
  while (kind != nullptr && kind->type != event.type) kind = kind->next;
  if (kind == nullptr) {
    log_.reserve_kinds(1, index_);
    kind = new (index_.allocate(sizeof(event_kind), alignof(event_kind)))
        event_kind{entry->text, event.type, 0, entry->as_bytes.name_number, entry, entry->as_objects};
    log_.add_kind(*kind);
    entry->as_objects = kind;
    destroys_ = destroys_ || event.type->destroy != nullptr;
  }
  recent_[(reinterpret_cast<std::uintptr_t>(event.type) / alignof(event_type)) % recent_kinds] = kind;
  return *kind;
}

// One append on its way into the log. What it has staged disappears with it, unless it was committed.
class event_store::state::attempt {
public:
  attempt(state& in, append_request const& request, counts const& of) noexcept
      : in_(in),
        request_(request),
        of_(of),
        first_(in.log_.head() + 1),
        next_(first_),
        mark_(in.events_.now()) {}
  attempt(attempt const&) = delete;
  attempt& operator=(attempt const&) = delete;
  ~attempt() {
    if (!committed_) undo();
  }

  // May throw std::bad_alloc.
  result<void> stage();
  result<void> run(hook_ref const& hook);
  appended commit() noexcept;

private:
  result<void> stage_event(new_event const& event, event_kind const& kind, stream_entry& stream);
  // Puts the object, or the bytes, where the log finds them at next_.
  result<void> keep(new_event const& event, event_kind const& kind);
  event_extras const* keep_extras(new_event const& event, std::uint64_t at);
  void stage_command();
  void undo() noexcept;

  state& in_;
  append_request const& request_;
  counts const& of_;
  std::uint64_t first_; // position of the first event
  std::uint64_t next_;  // behind the last one staged
  detail::arena::mark mark_;
  timestamp now_{};
  command_entry* command_ = nullptr;
  bool committed_ = false;
};

[[gnu::always_inline]] inline result<appended>
event_store::state::store(append_request const& request, counts const& of, hook_ref const* hook) {
  try {
    tagged_.clear();
    attempt run(*this, request, of);
    if (auto good = run.stage(); !good) return unexpected(std::move(good).error());
    if (hook != nullptr) {
      if (auto good = run.run(*hook); !good) return unexpected(std::move(good).error());
    }
    return run.commit();
  } catch (std::bad_alloc const&) {
    return unexpected(
        make_error(errc::limit_exceeded,
                   "no memory for an append of {} events: {} bytes are used, {} are allowed by max_bytes",
                   of.events, budget_.used(), budget_.limit()));
  }
}

[[gnu::always_inline]] inline result<void> event_store::state::attempt::stage() {
  try {
    now_ = in_.clock_.now();
  } catch (...) {
    return unexpected(cleave::detail::current_exception_error("the store's clock"));
  }
  in_.log_.reserve(first_ + of_.events - 1, in_.index_);
  in_.ids_.reserve(of_.events, of_.late, in_.index_);
  for (std::size_t i = 0; i < request_.streams.size(); ++i) {
    stream_append const& part = request_.streams[i];
    if (part.events.empty()) continue;
    part_place& to = in_.parts_[i];
    if (to.entry == nullptr)
      to.entry = &in_.streams.add(part.stream.text(), to.hash, in_.index_, [](stream_entry&) {});
    to.entry->events.reserve(part.events.size(), in_.index_);
    for (new_event const& event : part.events) {
      event_kind const* const kind = in_.kinds_[next_ - first_];
      if (auto good = stage_event(event, kind != nullptr ? *kind : in_.add_kind(event), *to.entry); !good)
        return good;
    }
  }
  if (request_.command != nullptr) stage_command();
  return {};
}

[[gnu::always_inline]] inline result<void> event_store::state::attempt::stage_event(new_event const& event,
                                                                                    event_kind const& kind,
                                                                                    stream_entry& stream) {
  CLEAVE_ASSERT(event.type == nullptr || event.object != nullptr,
                "an event with a type comes without its object");
  event_extras const* extras = nullptr;
  if (!event.tags.empty() || !event.metadata.headers.empty() || !event.metadata.correlation.nil() ||
      !event.metadata.causation.nil()) {
    extras = keep_extras(event, next_);
  }
  if (auto kept = keep(event, kind); !kept) return kept;
  in_.log_.set_kind(next_, kind);
  in_.log_.facts_slot(next_) = event_facts{&stream, stream.events.staged() + 1, event.id, now_, extras};
  stream.events.stage(next_);
  ++next_;
  return {};
}

[[gnu::always_inline]] inline result<void> event_store::state::attempt::keep(new_event const& event,
                                                                             event_kind const& kind) {
  event_type const* const type = kind.type;
  if (type == nullptr) {
    auto* const raw = static_cast<std::byte*>(
        in_.events_.allocate(sizeof(stored_bytes) + event.data.size(), alignof(stored_bytes)));
    new (raw) stored_bytes{event.data.size()};
    if (!event.data.empty()) std::memcpy(raw + sizeof(stored_bytes), event.data.data(), event.data.size());
    in_.log_.set_object(next_, raw);
    return {};
  }
  if (detail::is_in_slot(type)) {
    std::memcpy(in_.log_.slot(next_), event.object, type->size);
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
  in_.log_.set_object(next_, to);
  return {};
}

event_extras const* event_store::state::attempt::keep_extras(new_event const& event, std::uint64_t at) {
  auto* const texts = in_.events_.allocate_array<std::string_view>(event.tags.size());
  for (std::size_t i = 0; i < event.tags.size(); ++i) {
    std::string_view const text = event.tags[i];
    std::uint64_t const hash = in_.tags.hash(text);
    tag_entry* tag = in_.tags.find(text, hash);
    if (tag == nullptr) tag = &in_.tags.add(text, hash, in_.index_, [](tag_entry&) {});
    tag->events.reserve(1, in_.index_);
    in_.tagged_.push_back(tag);
    tag->events.stage(at);
    new (texts + i) std::string_view(tag->text);
  }
  auto const given = event.metadata.headers;
  auto* const headers = in_.events_.allocate_array<header>(given.size());
  for (std::size_t i = 0; i < given.size(); ++i) {
    new (headers + i) header{keep_text(given[i].name, in_.events_), keep_text(given[i].value, in_.events_)};
  }
  metadata const kept{event.metadata.correlation, event.metadata.causation, {headers, given.size()}};
  return new (in_.events_.allocate(sizeof(event_extras), alignof(event_extras)))
      event_extras{kept, {texts, event.tags.size()}};
}

void event_store::state::attempt::stage_command() {
  command_record const& record = *request_.command;
  bool const rises = in_.commands_.above_all(key_of(record.id.id()));
  in_.commands_.reserve(1, rises ? 0 : 1, in_.index_);
  detail::interned const* name = in_.recent_command_;
  if (name == nullptr || !detail::same_text(name->text, record.command)) {
    std::uint64_t const hash = in_.command_names_.hash(record.command);
    name = in_.command_names_.find(record.command, hash);
    if (name == nullptr)
      name = &in_.command_names_.add(record.command, hash, in_.index_, [](detail::interned&) {});
    in_.recent_command_ = name;
  }
  command_ = new (in_.events_.allocate(sizeof(command_entry), alignof(command_entry)))
      command_entry{.id = record.id, .command = name, .fingerprint = record.fingerprint, .recorded_at = now_};
  if (record.refused != nullptr) {
    command_->refused = new (in_.events_.allocate(sizeof(command_entry::refusal),
                                                  alignof(command_entry::refusal))) command_entry::refusal{
        keep_text(record.refused->code, in_.events_), keep_text(record.refused->text, in_.events_)};
  }
}

[[gnu::always_inline]] inline result<void> event_store::state::attempt::run(hook_ref const& hook) {
  inside_mark const marked(in_.hooking_);
  try {
    for (std::uint64_t at = first_; at < next_; ++at) {
      if (auto good = hook(in_.log_.show(at)); !good) return good;
    }
  } catch (...) {
    return unexpected(cleave::detail::current_exception_error("an inline projection"));
  }
  return {};
}

[[gnu::always_inline]] inline appended event_store::state::attempt::commit() noexcept {
  committed_ = true;
  std::uint64_t const head = next_ - 1;
  for (std::uint64_t at = first_; at < next_; ++at) {
    in_.log_.body(at).kind->entry->last = at;
    in_.ids_.insert(key_of(in_.log_.facts(at).id.id()), at);
  }
  for (tag_entry* const tag : in_.tagged_) tag->events.publish();
  version last;
  for (part_place const& part : in_.parts_) {
    if (part.entry != nullptr) part.entry->events.publish();
    last = version(part.entry != nullptr ? part.entry->events.staged() : 0);
  }
  if (command_ != nullptr) {
    command_->version = last.value();
    command_->visible_at = head;
    in_.enter(*command_);
  }
  // Everything above is seen by whoever sees this.
  in_.log_.publish(head);
  return {position(head), last, false, of_.events != 0 ? now_ : timestamp()};
}

void event_store::state::attempt::undo() noexcept {
  while (next_ > first_) {
    --next_;
    event_body const body = in_.log_.body(next_);
    event_type const* const type = body.kind->type;
    if (type != nullptr && type->destroy != nullptr) type->destroy(const_cast<void*>(body.object));
  }
  for (tag_entry* const tag : in_.tagged_) tag->events.drop_staged();
  for (part_place const& part : in_.parts_) {
    if (part.entry != nullptr) part.entry->events.drop_staged();
  }
  in_.events_.back_to(mark_);
}

} // namespace cleave::memory
