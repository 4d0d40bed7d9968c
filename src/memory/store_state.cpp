// SPDX-License-Identifier: BSL-1.0
#include "store_state.hpp"

#include <cleave/config.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <random>

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

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

// One address for each thread.
void const* this_thread() noexcept {
  static thread_local char const mark = 0;
  return &mark;
}

std::string_view keep_text(std::string_view text, detail::arena& memory) {
  if (text.empty()) return {};
  auto* const bytes = memory.allocate_array<char>(text.size());
  std::memcpy(bytes, text.data(), text.size());
  return {bytes, text.size()};
}

} // namespace

event_store::state::state(options const& chosen, detail::log& log)
    : clock_(chosen.clock),
      log_(log),
      budget_(chosen.max_bytes),
      index_(budget_),
      events_(budget_),
      seed_(random_seed()),
      streams(seed_),
      names(seed_),
      tags(seed_),
      command_names_(seed_),
      ids_(seed_, detail::event_id_at{&log}),
      commands_(seed_, detail::command_id_at{}) {}

event_store::state::~state() {
  if (!destroys_) return;
  log_.walk(1, log_.head(), [](std::uint64_t, event_body const& body, event_facts const&) {
    event_type const* const type = body.kind->type;
    if (type != nullptr && type->destroy != nullptr) type->destroy(const_cast<void*>(body.object));
    return true;
  });
}

bool event_store::state::in_hook() const noexcept {
  return hooking_.load(std::memory_order_relaxed) == this_thread();
}

std::uint64_t event_store::state::bytes_used() {
  std::lock_guard lock(mutex_);
  return budget_.used();
}

command_entry const* event_store::state::find_command(command_id id) const noexcept {
  return reinterpret_cast<command_entry const*>(commands_.find(key_of(id.id())));
}

result<appended> event_store::state::append(append_request const& request, hook_ref const* hook) {
  std::lock_guard lock(mutex_);
  if (request.command != nullptr) {
    if (auto const* const known = find_command(request.command->id))
      return repeat_of_command(request, *known);
  }
  counts const of = count(request);
  if (of.known != 0) {
    if (of.known != of.events) return unexpected(known_elsewhere(request));
    return repeat_of_events(request);
  }

  parts_.clear();
  version last;
  for (stream_append const& part : request.streams) {
    stream_entry* const stream = streams.find(part.stream.text());
    last = version(stream != nullptr ? stream->events.staged() : 0);
    if (!part.expected.holds_at(last)) return unexpected(version_conflict(part.stream, part.expected, last));
    parts_.push_back(stream);
  }
  if (request.condition != nullptr) {
    if (auto good = check_condition(*request.condition); !good) return unexpected(std::move(good).error());
  }
  if (of.events == 0 && request.command == nullptr) return appended{position(log_.head()), last, false};
  return store(request, of, hook);
}

event_store::state::counts event_store::state::count(append_request const& request) const noexcept {
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

result<appended> event_store::state::repeat_of_command(append_request const& request,
                                                       command_entry const& known) const {
  command_record const& now = *request.command;
  if (now.command != known.command || now.fingerprint != known.fingerprint) {
    return unexpected(make_error(
        errc::command_id_reused,
        "the command id {} of {} (fingerprint {}) is known from {} (fingerprint {}, position {})",
        to_string(now.id), now.command, now.fingerprint, known.command, known.fingerprint, known.position));
  }
  return appended{position(known.position), version(known.version), true};
}

error event_store::state::known_elsewhere(append_request const& request) const {
  for (stream_append const& part : request.streams) {
    for (new_event const& event : part.events) {
      std::uint64_t const at = ids_.find(key_of(event.id.id()));
      if (at == 0) continue;
      event_facts const& facts = log_.facts(at);
      return make_error(
          errc::duplicate_event,
          "the event id {} is in the log already (position {}, stream {}, version {}), and the append is no "
          "repeat of the one that stored it",
          to_string(event.id), at, facts.stream->text, facts.version);
    }
  }
  return error(errc::duplicate_event, "an event id is in the log already");
}

// Every id of the request is in the log.
result<appended> event_store::state::repeat_of_events(append_request const& request) const {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  for (stream_append const& part : request.streams) {
    std::uint64_t behind = 0;
    for (new_event const& event : part.events) {
      std::uint64_t const at = ids_.find(key_of(event.id.id()));
      event_facts const& facts = log_.facts(at);
      bool const follows = behind == 0 || facts.version == behind + 1;
      if (facts.stream->text != part.stream.text() || !follows) return unexpected(known_elsewhere(request));
      behind = facts.version;
      if (first == 0) first = at;
      last = at;
    }
  }
  version end;
  for (stream_append const& part : request.streams) {
    stream_entry const* const stream = streams.find(part.stream.text());
    version before;
    if (!part.events.empty()) {
      before = version(log_.facts(ids_.find(key_of(part.events.front().id.id()))).version - 1);
    } else if (stream != nullptr) {
      before = version(stream->events.count_up_to(first - 1));
    }
    if (!part.expected.holds_at(before)) {
      error const conflict = version_conflict(part.stream, part.expected, before);
      return unexpected(
          error(conflict.code(), conflict.text(),
                make_error(errc::duplicate_event,
                           "the append's events are in the log already, up to position {}", last)));
    }
    end = version(before.value() + part.events.size());
  }
  return appended{position(last), end, true};
}

result<void> event_store::state::check_condition(append_condition const& condition) const {
  std::uint64_t const head = log_.head();
  std::uint64_t const after = condition.after.value();
  if (after >= head) return {};
  std::uint64_t found = condition.query.matches_all() ? head : 0;
  for (query_item const& item : condition.query.items) {
    if (found == 0) found = newest_match(item, after);
  }
  if (found == 0) return {};
  return unexpected(condition_conflict(condition, position(found), log_.body(found).kind->name));
}

// The position of a matching event behind `after`, 0 if there is none.
std::uint64_t event_store::state::newest_match(query_item const& item, std::uint64_t after) const noexcept {
  if (item.tags.empty()) {
    if (item.names.empty()) return log_.head();
    std::uint64_t last = 0;
    for (std::string_view name : item.names) {
      if (name_entry const* const known = names.find(name)) last = std::max(last, known->last);
    }
    return last > after ? last : 0;
  }
  tag_entry const* rarest = nullptr;
  for (std::string_view tag : item.tags) {
    tag_entry const* const known = tags.find(tag);
    if (known == nullptr) return 0;
    if (rarest == nullptr || known->events.size() < rarest->events.size()) rarest = known;
  }
  for (std::uint64_t i = rarest->events.size(); i > 0; --i) {
    std::uint64_t const at = rarest->events[i - 1];
    if (at <= after) return 0;
    if (item.matches(log_.body(at).kind->name, log_.facts(at).extras->tags)) return at;
  }
  return 0;
}

event_kind& event_store::state::kind_of(new_event const& event) {
  if (event.type != nullptr) {
    event_kind* const recent =
        recent_[(reinterpret_cast<std::uintptr_t>(event.type) / alignof(event_type)) % recent_kinds];
    if (recent != nullptr && recent->type == event.type && recent->name == event.name) return *recent;
  } else if (name_entry* const known = names.find(event.name)) {
    return known->as_bytes;
  }
  return add_kind(event);
}

event_kind& event_store::state::add_kind(new_event const& event) {
  name_entry* entry = names.find(event.name);
  if (entry == nullptr) {
    auto const number = static_cast<std::uint32_t>(names.size());
    entry = &names.add(event.name, names.hash(event.name), index_, [&](name_entry& added) {
      added.as_bytes = event_kind{added.text, nullptr, number, &added, nullptr};
    });
  }
  if (event.type == nullptr) return entry->as_bytes;
  event_kind* kind = entry->as_objects;
  while (kind != nullptr && kind->type != event.type) kind = kind->next;
  if (kind == nullptr) {
    kind = new (index_.allocate(sizeof(event_kind), alignof(event_kind)))
        event_kind{entry->text, event.type, entry->as_bytes.name_number, entry, entry->as_objects};
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
  result<void> stage_event(new_event const& event, stream_entry& stream);
  result<void const*> keep(new_event const& event, event_kind const& kind);
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

result<appended> event_store::state::store(append_request const& request, counts const& of,
                                           hook_ref const* hook) {
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

result<void> event_store::state::attempt::stage() {
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
    stream_entry*& stream = in_.parts_[i];
    if (stream == nullptr) {
      std::string_view const name = part.stream.text();
      stream = &in_.streams.add(name, in_.streams.hash(name), in_.index_, [](stream_entry&) {});
    }
    stream->events.reserve(part.events.size(), in_.index_);
    for (new_event const& event : part.events) {
      if (auto good = stage_event(event, *stream); !good) return good;
    }
  }
  if (request_.command != nullptr) stage_command();
  return {};
}

result<void> event_store::state::attempt::stage_event(new_event const& event, stream_entry& stream) {
  CLEAVE_ASSERT(event.type == nullptr || event.object != nullptr,
                "an event with a type comes without its object");
  event_kind const& kind = in_.kind_of(event);
  event_extras const* extras = nullptr;
  if (!event.tags.empty() || !event.metadata.headers.empty() || !event.metadata.correlation.nil() ||
      !event.metadata.causation.nil()) {
    extras = keep_extras(event, next_);
  }
  auto const kept = keep(event, kind);
  if (!kept) return unexpected(kept.error());
  in_.log_.body_slot(next_) = event_body{*kept, &kind};
  in_.log_.facts_slot(next_) = event_facts{&stream, stream.events.staged() + 1, event.id, now_, extras};
  stream.events.stage(next_);
  ++next_;
  return {};
}

result<void const*> event_store::state::attempt::keep(new_event const& event, event_kind const& kind) {
  if (kind.type == nullptr) {
    auto* const raw = static_cast<std::byte*>(
        in_.events_.allocate(sizeof(stored_bytes) + event.data.size(), alignof(stored_bytes)));
    new (raw) stored_bytes{event.data.size()};
    if (!event.data.empty()) std::memcpy(raw + sizeof(stored_bytes), event.data.data(), event.data.size());
    return static_cast<void const*>(raw);
  }
  void* const to = in_.events_.allocate(kind.type->size, kind.type->alignment);
  if (kind.type->copy == nullptr) {
    std::memcpy(to, event.object, kind.type->size);
    return static_cast<void const*>(to);
  }
  try {
    kind.type->copy(to, event.object);
  } catch (...) {
    return unexpected(
        cleave::detail::current_exception_error(format_text("the copy of event {}", event.name)));
  }
  return static_cast<void const*>(to);
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
  in_.commands_.reserve(1, 1, in_.index_);
  detail::interned* name = in_.command_names_.find(record.command);
  if (name == nullptr) {
    name = &in_.command_names_.add(record.command, in_.command_names_.hash(record.command), in_.index_,
                                   [](detail::interned&) {});
  }
  command_ = new (in_.events_.allocate(sizeof(command_entry), alignof(command_entry))) command_entry();
  command_->id = record.id;
  command_->command = name->text;
  command_->fingerprint = record.fingerprint;
  command_->recorded_at = now_;
  if (record.refused != nullptr) {
    command_->refused = true;
    command_->code = keep_text(record.refused->code, in_.events_);
    command_->text = keep_text(record.refused->text, in_.events_);
  }
}

result<void> event_store::state::attempt::run(hook_ref const& hook) {
  struct inside {
    std::atomic<void const*>& mark;
    explicit inside(std::atomic<void const*>& m) noexcept : mark(m) {
      mark.store(this_thread(), std::memory_order_relaxed);
    }
    ~inside() { mark.store(nullptr, std::memory_order_relaxed); }
  } const marked(in_.hooking_);
  try {
    for (std::uint64_t at = first_; at < next_; ++at) {
      if (auto good = hook(in_.log_.show(at)); !good) return good;
    }
  } catch (...) {
    return unexpected(cleave::detail::current_exception_error("an inline projection"));
  }
  return {};
}

appended event_store::state::attempt::commit() noexcept {
  committed_ = true;
  std::uint64_t const head = next_ - 1;
  for (std::uint64_t at = first_; at < next_; ++at) {
    in_.log_.body(at).kind->entry->last = at;
    in_.ids_.insert(key_of(in_.log_.facts(at).id.id()), at);
  }
  for (tag_entry* const tag : in_.tagged_) tag->events.publish();
  version last;
  for (stream_entry* const stream : in_.parts_) {
    if (stream != nullptr) stream->events.publish();
    last = version(stream != nullptr ? stream->events.staged() : 0);
  }
  if (command_ != nullptr) {
    command_->position = command_->refused ? 0 : head;
    command_->version = last.value();
    command_->visible_at = head;
    in_.commands_.insert(key_of(command_->id.id()), reinterpret_cast<std::uintptr_t>(command_));
  }
  // Everything above is seen by whoever sees this.
  in_.log_.publish(head);
  return {position(head), last, false};
}

void event_store::state::attempt::undo() noexcept {
  while (next_ > first_) {
    --next_;
    event_body const& body = in_.log_.body(next_);
    event_type const* const type = body.kind->type;
    if (type != nullptr && type->destroy != nullptr) type->destroy(const_cast<void*>(body.object));
  }
  for (tag_entry* const tag : in_.tagged_) tag->events.drop_staged();
  for (stream_entry* const stream : in_.parts_) {
    if (stream != nullptr) stream->events.drop_staged();
  }
  in_.events_.back_to(mark_);
}

} // namespace cleave::memory
