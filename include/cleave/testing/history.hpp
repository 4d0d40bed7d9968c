// SPDX-License-Identifier: BSL-1.0
// What several threads asked of one event store at once, what each was answered and when, and whether the contract allows it.
#pragma once

#include <cleave/event/any_event_store.hpp>
#include <cleave/testing/report.hpp>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::testing {

// An event as a read has shown it.
struct history_event {
  event_id id;
  std::uint64_t position;
  std::string stream;
  std::uint64_t version;
};

// One append. `began` and `ended` are ticks of one counter: a call that ended before another began has a smaller number.
struct history_append {
  struct part {
    std::string stream;
    expectation expected;
    std::vector<event_id> events;
  };
  // refused: errc::version_conflict. unknown: any other error; it may be stored or not.
  enum class outcome : std::uint8_t { acknowledged, refused, unknown };

  std::uint64_t began = 0;
  std::uint64_t ended = 0;
  std::vector<part> parts;
  bool conditional = false; // an append_condition: then a refusal is taken as right
  outcome answer = outcome::unknown;
  appended told{}; // when acknowledged
};

// One read, of a whole stream or, when `stream` is empty, of the whole log.
struct history_read {
  std::uint64_t began = 0;
  std::uint64_t ended = 0;
  std::string stream;
  std::vector<history_event> events;
};

struct history {
  std::vector<history_append> appends;
  std::vector<history_read> reads;
};

// Whether there is one order of all calls, each at a moment between its call and its return, in which a store that does one thing
// at a time gives the same answers and ends with this log. The log itself fixes the order of the appends, so that this costs
// n log n, not the search that it costs without one (Wing, Gong, "Testing and verifying concurrent objects", 1993).
// - Positions are 1, 2, 3, ... and versions in each stream too; no event is there twice, or without being asked for.
// - An acknowledged append is in the log, whole, where its answer says, and its expectations were true just before it.
// - A refused append is not there, and one of its expectations was false at some moment of the call.
// - What was acknowledged before a call began comes before it, and what began after it had ended comes behind it.
// - A read shows the beginning of the log, or of the stream: all that was acknowledged or read before, nothing from later.
// Several calls with the same events are retries of one append. Appends without events are only looked at when refused.
report check_history(history const& told, std::vector<history_event> const& final_log);

// Stands in front of a store, which must outlive it, and writes the history of what goes through. Any thread.
class history_recorder {
public:
  explicit history_recorder(any_event_store store) noexcept : store_(store) {}

  result<appended> append(append_request const& request);
  // Whole reads; an error of the read is handed on and leaves no trace in the history.
  result<position> read_all();
  result<version> read_stream(std::string_view stream);

  // When all calls have returned.
  history const& told() const noexcept { return told_; }
  // Reads the log once more and checks.
  report check();

private:
  std::uint64_t tick() noexcept { return ticks_.fetch_add(1, std::memory_order_acq_rel); }

  any_event_store store_;
  std::atomic<std::uint64_t> ticks_{1};
  std::mutex mutex_;
  history told_;
};

} // namespace cleave::testing
