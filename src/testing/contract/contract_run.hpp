// SPDX-License-Identifier: BSL-1.0
// What a case of the contract works with: a store, ids, a clock, and checks whose failures can be read.
#pragma once

#include <cleave/testing/contract.hpp>
#include <cleave/testing/manual_clock.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include "batch.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <concepts>
#include <cstdint>
#include <mutex>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::testing::detail {

// A stored event, with everything copied out of the store.
struct seen_event {
  std::uint64_t position = 0;
  std::string stream;
  std::uint64_t version = 0;
  std::string name;
  event_id id;
  timestamp recorded_at;
  std::vector<std::string> tags;
  correlation_id correlation;
  causation_id causation;
  std::vector<std::string> headers; // "name: value"
  std::string data;                 // the stored form, also where the store handed out the object
};
seen_event copy_of(recorded_event const& event);

struct seen_log {
  std::vector<seen_event> events;
  position reached;
};
struct seen_stream {
  std::vector<seen_event> events;
  version last;
};

// Ends a case in which going on makes no sense; the failure is noted already.
struct case_over {};
// Does a part of a case, on a thread of its own perhaps, as far as it gets.
template <class Part> void until_over(Part part) {
  try {
    part();
  } catch (case_over const&) {
    return; // Noted where it was thrown.
  }
}

inline std::string shown(bool value) { return value ? "true" : "false"; }
template <std::integral T>
  requires(!std::same_as<T, bool>)
std::string shown(T value) {
  return fmt::format("{}", value);
}
inline std::string shown(std::string_view value) {
  return value.size() <= 200 ? fmt::format("\"{}\"", value)
                             : fmt::format("\"{}...\" ({} bytes)", value.substr(0, 200), value.size());
}
inline std::string shown(std::string const& value) { return shown(std::string_view(value)); }
inline std::string shown(char const* value) { return shown(std::string_view(value)); }
inline std::string shown(position value) { return fmt::format("{}", value.value()); }
inline std::string shown(version value) { return fmt::format("{}", value.value()); }
inline std::string shown(timestamp value) { return to_string(value); }
inline std::string shown(errc value) { return std::string(to_string(value)); }
template <class Tag> std::string shown(basic_id<Tag> const& value) { return to_string(value); }
template <class T> std::string shown(std::vector<T> const& values) {
  std::vector<std::string> texts;
  for (T const& value : values) {
    if (texts.size() == 20) {
      texts.push_back(fmt::format("... {} in all", values.size()));
      break;
    }
    texts.push_back(shown(value));
  }
  return fmt::format("[{}]", fmt::join(texts, ", "));
}

class contract_run {
public:
  using place = std::source_location;

  explicit contract_run(fixture_operations const& fixture)
      : fixture_(fixture), object_(fixture.make(clock_ref(clock_))) {}
  contract_run(contract_run const&) = delete;
  contract_run& operator=(contract_run const&) = delete;
  ~contract_run() { fixture_.destroy(object_); }

  any_event_store store() { return fixture_.store(object_); }
  void reopen() { fixture_.reopen(object_); }
  manual_clock& clock() noexcept { return clock_; }
  seeded_ids& ids() noexcept { return ids_; }
  std::int64_t patience_us() const noexcept { return fixture_.patience_us; }

  // New events with ids of their own, some as objects, some as stored form: "<text> 1", "<text> 2", ...
  batch events(std::size_t count, std::string_view text = "event") { return batch(ids_, count, text); }

  // Appends to one stream.
  result<appended> append(stream_name stream, expectation expected, batch const& events);
  result<appended> append(append_request const& request) { return store().append(request); }
  // The same where the case cannot go on without it.
  appended stored(stream_name stream, expectation expected, batch const& events, place at = place::current());
  appended stored(append_request const& request, place at = place::current());

  seen_stream stream(stream_name name, stream_range range = {}, place at = place::current());
  seen_log log(log_range range = {}, place at = place::current());
  position head(place at = place::current());
  std::optional<command_outcome> outcome(command_id id, place at = place::current());

  // From any thread.
  void fail(std::string text, place at = place::current());
  void check(bool holds, std::string_view what, place at = place::current()) {
    if (!holds) fail(std::string(what), at);
  }
  template <class A, class B>
  void equal(A const& actual, B const& expected, std::string_view what, place at = place::current()) {
    if (!(actual == expected))
      fail(fmt::format("{}: expected {}, got {}", what, shown(expected), shown(actual)), at);
  }
  // The call must fail with this code, and its text must contain the words.
  template <class T>
  void refused(result<T> const& got, errc wanted, std::string_view what,
               std::vector<std::string> const& words = {}, place at = place::current()) {
    if (got) return fail(fmt::format("{}: expected {}, but it succeeded", what, to_string(wanted)), at);
    check_error(got.error(), wanted, what, words, at);
  }
  // The call must succeed; the case ends if it does not.
  template <class T> T good(result<T> got, std::string_view what, place at = place::current()) {
    if (!got) {
      fail(fmt::format("{}: expected success, got {}", what, got.error().message()), at);
      throw case_over();
    }
    return *std::move(got);
  }
  // The log and the stream hold what they held when the case looked the last time: `before` events in all.
  void unchanged(std::size_t before, std::string_view what, place at = place::current());

  std::vector<std::string> take_failures() { return std::move(failures_); }

private:
  void check_error(error const& got, errc wanted, std::string_view what,
                   std::vector<std::string> const& words, place at);

  manual_clock clock_;
  seeded_ids ids_;
  fixture_operations const& fixture_;
  void* object_;
  std::mutex mutex_;
  std::vector<std::string> failures_;
};

// One column of many events.
template <class Member> auto column(std::vector<seen_event> const& events, Member member) {
  std::vector<std::remove_cvref_t<decltype(events.front().*member)>> values;
  values.reserve(events.size());
  for (seen_event const& event : events) values.push_back(event.*member);
  return values;
}
inline std::vector<std::string> texts_of(std::vector<seen_event> const& events) {
  return column(events, &seen_event::data);
}
inline std::vector<event_id> ids_of(std::vector<seen_event> const& events) {
  return column(events, &seen_event::id);
}
inline std::vector<std::uint64_t> versions_of(std::vector<seen_event> const& events) {
  return column(events, &seen_event::version);
}
inline std::vector<std::uint64_t> positions_of(std::vector<seen_event> const& events) {
  return column(events, &seen_event::position);
}

// first, first + 1, ..., last
std::vector<std::uint64_t> numbers(std::uint64_t first, std::uint64_t last);

} // namespace cleave::testing::detail
