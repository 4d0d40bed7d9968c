// SPDX-License-Identifier: BSL-1.0
#include "store_state.hpp"

#include <algorithm>
#include <mutex>
#include <random>

namespace cleave::memory {

using detail::command_entry;
using detail::event_body;
using detail::event_facts;
using detail::key_of;
using detail::name_entry;
using detail::stream_entry;
using detail::tag_entry;

namespace {

std::uint64_t random_seed() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
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
      commands_(seed_, detail::command_id_at{&command_entries_}) {}

event_store::state::~state() {
  if (!destroys_) return;
  for (std::uint64_t at = log_.head(); at > 0; --at) {
    event_body const body = log_.body(at);
    event_type const* const type = body.kind->type;
    if (type != nullptr && type->destroy != nullptr) type->destroy(const_cast<void*>(body.object));
  }
}

std::uint64_t event_store::state::bytes_used() {
  std::lock_guard lock(mutex_);
  return budget_.used();
}

command_entry const* event_store::state::find_command(command_id id) const noexcept {
  return find_command(key_of(id.id()));
}

command_entry const* event_store::state::find_command(detail::id_key id) const noexcept {
  std::uint64_t const number = commands_.find(
      id, [this](std::uint64_t found) { return found > forgotten_.load(std::memory_order_acquire); });
  return number != 0 ? &command_entries_[number - 1] : nullptr;
}

detail::interned const* event_store::state::find_command_name(std::string_view name) const noexcept {
  if (recent_command_ != nullptr && detail::same_text(recent_command_->text, name)) return recent_command_;
  return command_names_.find(name);
}

std::uint64_t event_store::state::forget_outcomes(timestamp before, std::uint64_t keep, std::uint64_t most) {
  std::lock_guard lock(mutex_);
  std::uint64_t const first = forgotten_.load(std::memory_order_relaxed);
  std::uint64_t end = first;
  for (; end - first < most && end < command_count_; ++end) {
    if (command_count_ - end <= keep && command_entries_[end].recorded_at(log_) >= before) break;
  }
  forgotten_.store(end, std::memory_order_release);
  return end - first;
}

result<appended> event_store::state::repeat_of_command(append_request const& request,
                                                       command_entry const& known) const {
  command_record const& now = *request.command;
  if (now.command != known.command() || now.fingerprint != known.fingerprint) {
    return unexpected(
        make_error(errc::command_id_reused,
                   "the command id {} of {} (fingerprint {}) is known from {} (fingerprint {}, position {})",
                   to_string(now.id), now.command, now.fingerprint, known.command(), known.fingerprint,
                   known.position()));
  }
  return appended{position(known.position()), version(known.version(log_)), true, known.recorded_at(log_)};
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

} // namespace cleave::memory
