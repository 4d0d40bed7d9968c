// SPDX-License-Identifier: BSL-1.0
// The writer's side of the store in memory.
#pragma once

#include <cleave/base/light_lock.hpp>
#include <cleave/memory/event_store.hpp>

#include "arena.hpp"
#include "id_index.hpp"
#include "text_table.hpp"

#include <atomic>
#include <optional>
#include <utility>
#include <vector>

namespace cleave::memory {

namespace detail {

// The outcome of a command. They are numbered from 1 in the order in which they were stored, and forgotten in that order. What the
// log says of the last event is not said again: a command costs its append little more memory than its id.
struct command_entry {
  // Of a command whose append did not end with an event of its last stream; in the arena, like the texts.
  struct aside {
    interned const* command;
    timestamp recorded_at;
    std::uint64_t version;
    bool refused;
    std::string_view code;
    std::string_view text;
  };
  command_id id;
  std::uint64_t fingerprint;
  // The head of the log with its events, which is its position, unless it was refused.
  std::uint64_t visible_at : 63;
  std::uint64_t has_aside : 1;
  union {
    interned const* its_name;
    aside const* its_aside;
  };

  std::string_view command() const noexcept {
    return has_aside != 0 ? its_aside->command->text : its_name->text;
  }
  aside const* refused() const noexcept { return has_aside != 0 && its_aside->refused ? its_aside : nullptr; }
  std::uint64_t position() const noexcept { return refused() != nullptr ? 0 : visible_at; }
  std::uint64_t version(log const& events) const noexcept {
    return has_aside != 0 ? its_aside->version : events.facts(visible_at).version;
  }
  timestamp recorded_at(log const& events) const noexcept {
    return has_aside != 0 ? its_aside->recorded_at : events.facts(visible_at).recorded_at;
  }
};
static_assert(sizeof(command_entry) == 40);

struct event_id_at {
  log const* events;
  uuid const& operator()(std::uint64_t position) const noexcept { return events->facts(position).id.id(); }
};
using command_list = chunk_list<command_entry>;
struct command_id_at {
  command_list const* commands;
  uuid const& operator()(std::uint64_t number) const noexcept { return (*commands)[number - 1].id.id(); }
};

} // namespace detail

struct event_store::state {
  state(options const& chosen, detail::log& log);
  state(state const&) = delete;
  state& operator=(state const&) = delete;
  ~state();

  result<appended> append(append_request const& request, hook_ref const* hook);
  detail::command_entry const* find_command(command_id id) const noexcept;
  std::uint64_t forget_outcomes(timestamp before, std::uint64_t keep, std::uint64_t most);
  std::uint64_t bytes_used();
  // Calls work() under the writers' mutex, so that append_alone may be called. What it throws passes through.
  template <class Work> result<void> alone(Work work) {
    turn const mine(*this);
    inside_mark const marked(hooking_);
    return work();
  }
  result<appended> append_alone(append_request const& request, hook_ref const* hook,
                                detail::beforehand const& before);
  clock_ref const& clock() const noexcept { return clock_; }
  // Whether the calling thread is inside a hook of this store, or alone.
  bool in_hook() const noexcept { return hooking_.load(std::memory_order_relaxed) == this_thread(); }

private:
  // One address for each thread.
  static void const* this_thread() noexcept {
    static thread_local char const mark = 0;
    return &mark;
  }
  // Marks the thread that runs code of the application inside a commit.
  class inside_mark {
  public:
    explicit inside_mark(std::atomic<void const*>& mark) noexcept
        : mark_(mark), outer_(mark.load(std::memory_order_relaxed)) {
      mark.store(this_thread(), std::memory_order_relaxed);
    }
    inside_mark(inside_mark const&) = delete;
    inside_mark& operator=(inside_mark const&) = delete;
    ~inside_mark() { mark_.store(outer_, std::memory_order_relaxed); }

  private:
    std::atomic<void const*>& mark_;
    void const* outer_;
  };

  // A writer's turn. Behind it come the news of what was committed in it, outside the mutex: a listener may append.
  class turn {
  public:
    explicit turn(state& in) : in_(in) { in.mutex_.lock(); }
    turn(turn const&) = delete;
    turn& operator=(turn const&) = delete;
    ~turn() {
      position const untold = std::exchange(in_.untold_, position());
      in_.mutex_.unlock();
      if (untold != position()) in_.signal.tell(untold);
    }

  private:
    state& in_;
  };

  // A stream of the request at hand; `entry` is nullptr when it has no event yet.
  struct part_place {
    detail::stream_entry* entry;
    std::uint64_t hash;
  };
  template <bool One> class attempt;

  // nullptr: no command of that name has an outcome.
  detail::interned const* find_command_name(std::string_view name) const noexcept;
  detail::command_entry const* find_command(detail::id_key id) const noexcept;
  result<appended> repeat_of_command(append_request const& request, detail::command_entry const& known) const;
  result<appended> repeat_of_events(append_request const& request) const;
  error known_elsewhere(append_request const& request) const;
  result<void> check_condition(append_condition const& condition) const;
  std::uint64_t newest_match(query_item const& item, std::uint64_t after) const noexcept;
  detail::event_kind* find_kind(new_event const& event) const noexcept;
  detail::event_kind& add_kind(new_event const& event);

  clock_ref clock_;
  detail::log& log_;
  cleave::detail::light_lock mutex_;          // writers take turns
  position untold_;                           // the head, where somebody is to be told of it
  std::atomic<void const*> hooking_{nullptr}; // marks the thread that is inside a hook
  detail::memory_budget budget_;
  detail::arena index_;  // entries, lists, segments: kept even when an append fails
  detail::arena events_; // objects, bytes, metadata, command outcomes: goes back when an append fails
  std::uint64_t seed_;

public:
  detail::text_table<detail::stream_entry> streams;
  detail::text_table<detail::name_entry> names;
  detail::text_table<detail::tag_entry> tags;
  commit_signal signal;

private:
  detail::text_table<detail::interned> command_names_;
  detail::interned const* recent_command_ = nullptr; // its name is asked for again, as a rule
  detail::command_list command_entries_;
  std::uint64_t command_count_ = 0;
  std::atomic<std::uint64_t> forgotten_{0}; // of the entries, the first so many
  detail::id_index<detail::event_id_at> ids_;
  detail::id_index<detail::command_id_at> commands_;
  static constexpr std::size_t recent_kinds = 64;
  static std::size_t recent_place(event_type const* type) noexcept {
    return (reinterpret_cast<std::uintptr_t>(type) / alignof(event_type)) % recent_kinds;
  }
  detail::event_kind* recent_[recent_kinds] = {}; // under the names of their types, by the address of these
  detail::event_kind* recent_bytes_ = nullptr;    // the last one without a type
  bool destroys_ = false;                         // some event needs its destructor
  // Of the append that is under way; members so that their memory is used again.
  std::vector<part_place> parts_;
  std::vector<detail::event_kind*> kinds_; // of its events, in order; nullptr for one that is not known yet
  std::vector<detail::tag_entry*> tagged_;
};

} // namespace cleave::memory
