// SPDX-License-Identifier: BSL-1.0
// The write side: what all command handlers of one application share. It sits between a handler and the store: it names events,
// appends them, lets inline projections take part in the commit, and tells the event bus afterwards.
#pragma once

#include <cleave/base/clock.hpp>
#include <cleave/base/id.hpp>
#include <cleave/command/command_set.hpp>
#include <cleave/command/decision.hpp>
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
  // Stores that decide inside their commits need no second attempt.
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
  template <class... Es>
  outgoing_events(decision<Es...> const& decided, write_options const& options,
                  command_context const& context) {
    if (decided.size() == 0) return;
    if (decided.size() > 1) several_.reserve(decided.size());
    if constexpr ((tagged<Es> || ...)) tags_.reserve(decided.size());
    auto const now = options.clock.now();
    metadata const why{context.correlation, context.causation, context.headers};
    decided.for_each([&]<class E>(E const& event) {
      new_event made = to_new_event(event_id(options.ids.next(now)), event);
      made.metadata = why;
      if constexpr (tagged<E>) made.tags = tags_.emplace_back(event).view();
      if (decided.size() == 1) one_ = made;
      else several_.push_back(made);
    });
    events_ = decided.size() == 1 ? std::span<new_event const>(&one_, 1)
                                  : std::span<new_event const>(several_);
  }
  outgoing_events(outgoing_events const&) = delete;
  outgoing_events& operator=(outgoing_events const&) = delete;

  std::span<new_event const> view() const noexcept { return events_; }

private:
  new_event one_;
  std::vector<new_event> several_;
  std::vector<tag_list> tags_; // reserved first: the views must not move
  std::span<new_event const> events_;
};

// The record of a command that carries an id; empty for one that does not.
template <class C> result<command_record> command_record_of(C const& command,
                                                            command_context const& context) {
  constexpr std::string_view name = command_name<C>;
  if (context.id.nil()) return command_record{};
  if (name.empty()) {
    return unexpected(make_error(errc::invalid_argument,
                                 "command id {} was given with a command that has no stored name: "
                                 "specialise cleave::command_name for it",
                                 to_string(context.id)));
  }
  auto print = fingerprint_of(command);
  if (!print) return unexpected(std::move(print).error());
  return command_record{.id = context.id, .command = name, .fingerprint = *print};
}

// Whether "category-id" is a stream that a command may have; an empty id is errc::invalid_argument and names the command.
template <class C> result<void> check_stream_of(std::string_view category, stream_name stream) {
  if (stream.text().size() > category.size() + 1) return check_stream_name(stream);
  constexpr std::string_view name = command_name<C>;
  return unexpected(make_error(errc::invalid_argument,
                               "command {} has an empty id, so that it is for no stream of {}",
                               name.empty() ? type_text<C> : name, category));
}

// state.decide(command), a function of the application: what it throws stays here.
template <class State, class C>
auto decide_safely(State const& state, C const& command)
    -> result<std::remove_cvref_t<decltype(state.decide(command))>> {
  try {
    return state.decide(command);
  } catch (...) {
    return unexpected(current_exception_error("decide"));
  }
}

// Whether another writer was faster, so that the command is worth deciding anew.
inline bool lost_race(command_result const& outcome) {
  return !outcome && !outcome.error().is_rejection() &&
         outcome.error().error().code() == errc::version_conflict;
}

// The first outcome of a command, as the answer to its repeat.
inline command_result first_outcome(command_record const& now, command_outcome then) {
  if (then.command != now.command || then.fingerprint != now.fingerprint) {
    return unexpected(command_failure(make_error(
        errc::command_id_reused, "command id {} belongs to another command: it was {}, now it is {}{}",
        to_string(now.id), then.command, now.command,
        std::string_view(then.command == now.command ? " with other contents" : ""))));
  }
  if (then.refused) return unexpected(command_failure(std::move(*then.refused)));
  return committed{then.position, then.version, true};
}

// Looks a repeat up. An outcome, or nothing when the command is new.
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
