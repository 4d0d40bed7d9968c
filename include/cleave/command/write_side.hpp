// SPDX-License-Identifier: BSL-1.0
// The write side: what all command handlers of one application share. It sits between a handler and the store: it names events,
// appends them, lets inline projections take part in the commit, and tells the event bus afterwards.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/id.hpp>
#include <cleave/command/decision.hpp>
#include <cleave/command/detail/command_type.hpp>
#include <cleave/command/outcome.hpp>
#include <cleave/event/append.hpp>
#include <cleave/event/handler_failure.hpp>
#include <cleave/event/stream.hpp>
#include <cleave/event/tags.hpp>

#include <span>
#include <vector>

namespace cleave {

struct write_options {
  clock_ref clock{};
  id_source_ref ids{};
  // How often a command is decided anew when another writer was faster; then errc::version_conflict. At least 1.
  // Stores that decide inside their commits need no second attempt; with others it is another process that was faster, or who
  // appends past the handlers, or a boundary with another query.
  unsigned attempts = 32;
  // For so many streams each decider keeps the state (aggregate_cache). 0: none; then each command reads its stream.
  std::size_t cached_streams = 16'384;
  // For so many queries, of those that are asked again, each boundary does. Boundaries by streams, and stores that do not decide in their commits, keep none.
  std::size_t cached_boundaries = 1'024;
  // Whenever a state is loaded from a snapshot, it is compared with what all events make; errc::corrupt where they differ. Costs what
  // snapshots save: for tests, and for a while after a change of evolve.
  bool verify_snapshots = false;
};

namespace detail {

// A store that keeps bytes needs a codec for each event.
template <class Store, class Events> inline constexpr bool storable = false;
template <class Store, template <class...> class List,
          class... Es> inline constexpr bool storable<Store, List<Es...>> = [] {
  static_assert(
      Store::keeps_objects || (encodable<Es> && ...),
      "cleave: this store keeps bytes, and one of the events has no stored form: describe it with BOOST_DESCRIBE_STRUCT, or "
      "specialise cleave::codec for it");
  return true;
}();

// The events of one decision on their way into the store. A single event without tags allocates nothing.
class outgoing_events {
public:
  // `now`: for their ids. Throws what the events' tags() throw. The decision must outlive it.
  outgoing_events(decided const& decision, id_source_ref const& ids, timestamp now,
                  command_context const& context);
  ~outgoing_events() {}
  outgoing_events(outgoing_events const&) = delete;
  outgoing_events& operator=(outgoing_events const&) = delete;

  std::span<new_event const> view() const noexcept { return events_; }

private:
  struct several {
    std::vector<new_event> events;
    std::vector<tag_list> tags; // reserved first: the views must not move
  };
  union {
    new_event one_; // the only one
  };
  std::optional<several> more_; // for more of them, or for tags
  std::span<new_event const> events_;
};

// That of a command without an id.
inline constexpr command_record no_command_record{};
// The record of a command that carries an id.
result<command_record> make_command_record(command_type const& type, void const* command,
                                           command_context const& context);
inline result<command_record> command_record_of(command_type const& type, void const* command,
                                                command_context const& context) {
  if (context.id.nil()) return command_record{};
  return make_command_record(type, command, context);
}

// Whether "category-id" is a stream that a command may have; an empty id is errc::invalid_argument and names the command.
result<void> check_stream_of(command_type const& type, std::string_view category, stream_name stream);

// Whether another writer was faster, so that the command is worth deciding anew.
inline bool lost_race(command_result const& outcome) {
  return !outcome && !outcome.error().is_rejection() &&
         outcome.error().error().code() == errc::version_conflict;
}

// The first outcome of a command, as the answer to its repeat.
command_result first_outcome(command_record const& now, command_outcome then);

// Looks a repeat up. An outcome, or nothing when the command is new, or has no id.
template <class Source>
std::optional<command_result> recall(Source& source, command_record const& record) {
  if (record.id.nil()) return std::nullopt;
  result<std::optional<command_outcome>> found = source.find_command(record.id);
  if (!found) return command_result(unexpected(command_failure(std::move(found).error())));
  if (!*found) return std::nullopt;
  return first_outcome(record, std::move(**found));
}

// What became of an append: committed, or the first outcome when the command id turned out to be known after all.
template <class Store>
command_result answer(Store& store, result<appended>&& done, command_record const& record) {
  if (!done) return unexpected(command_failure(std::move(done).error()));
  if (done->repeated) {
    if (auto before = recall(store, record)) return std::move(*before);
  }
  return committed{done->position, done->version, done->repeated};
}

// Stores a rejection under its command id, if it has one, and hands it back.
template <class Store> command_result refuse(Store& store, rejection const& refused, command_record record) {
  if (!record.id.nil()) {
    record.refused = &refused;
    result<appended> done = store.append(append_request{.command = &record});
    if (!done) return unexpected(command_failure(std::move(done).error()));
    if (done->repeated) {
      if (auto before = recall(store, record)) return std::move(*before);
    }
  }
  return unexpected(command_failure(refused));
}

} // namespace detail

} // namespace cleave
