// SPDX-License-Identifier: BSL-1.0
// An event store with one bug in it: it shows that a test finds what it is there to find.
#pragma once

#include <cleave/event/any_event_store.hpp>

#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::testing {

// Bugs that event stores have had. Each breaks the contract of event/event_store.hpp in the way that its name says.
enum class fault : std::uint8_t {
  none,
  // append
  loses_appends, // every third acknowledged append is stored nowhere, as by a crash after an early answer
  commits_late,  // acknowledges at once and stores when the next append comes
  skips_expectations_on_retry, // a repeat is recognised by its ids alone
  ignores_expectations,        // stores whatever is expected
  checks_before_the_lock,      // checks the expectation, then stores: another append can come between
  swallows_conflicts,          // answers a lost race like a success
  swallows_duplicates,      // takes ids that are known for a repeat, wherever and in whatever order they are
  stores_repeats,           // stores a repeat again under new ids
  stores_the_new_part,      // stores those events of an overlapping batch that are new
  stores_part_of_a_batch,   // leaves out a batch's last event
  commits_stream_by_stream, // several streams are several transactions
  ignores_conditions,       // on a query
  forgets_commands,         // keeps no outcomes
  takes_any_fingerprint,    // does not compare a repeated command with the first one
  reuses_positions,         // gives the position of the last event again after a failed append
  shows_positions_out_of_order, // an event can appear below positions that readers have passed
  stays_silent,                 // signals no commit
  // reads
  turns_backward_reads,   // hands out the right events of a backward read, oldest first
  hands_out_one_too_many, // a limit of n gives n + 1
  includes_after,         // reading the log behind p begins with p
  ignores_the_sink,       // goes on when the sink wants no more
  answers_with_the_head,  // read_all answers with the head although the limit ended it
  answers_with_the_match, // read_all answers with the last match although it has looked at more
  reads_without_snapshot, // a read shows what is appended while it runs
  ignores_names,          // in filters
  ignores_tags,           // in filters
  takes_any_tag,          // in filters: one of an item's tags is enough
  folds_case,             // in stream names
  cuts_long_names,        // streams whose names agree in the first 200 bytes are one
  accepts_any_name,       // replaces control characters instead of refusing the name
  drops_headers,          // metadata comes back incomplete
};

// Refers to a store, which must outlive it, and plants the fault in all that goes through. Itself an event_store. Any thread.
class faulty_store {
public:
  static constexpr bool keeps_objects = false;
  using sink = any_event_store::sink;

  faulty_store(any_event_store inner, fault planted) noexcept : inner_(inner), planted_(planted) {}
  faulty_store(faulty_store const&) = delete;
  faulty_store& operator=(faulty_store const&) = delete;
  ~faulty_store();

  result<appended> append(append_request const& request);
  result<version> read_stream(stream_name stream, stream_range range, sink each);
  result<position> read_all(log_range range, sink each);
  result<position> head();
  result<std::optional<command_outcome>> find_command(command_id id) { return inner_.find_command(id); }
  cleave::durability durability() const { return inner_.durability(); }
  commit_signal& commits() { return planted_ == fault::stays_silent ? silent_ : inner_.commits(); }

private:
  struct late_append;

  result<appended> promise(append_request const& request);
  result<appended> commit_late(append_request const& request);
  result<appended> commit_stream_by_stream(append_request const& request);
  result<appended> check_then_commit(append_request const& request);
  result<appended> commit_out_of_order(append_request const& request);
  result<appended> commit_again(append_request const& request);
  result<appended> commit_new_part(append_request const& request);
  result<appended> commit_without_last(append_request const& request);
  std::vector<event_id> known_of(append_request const& request);
  std::string changed_name(stream_name stream) const;
  recorded_event changed_event(recorded_event const& event);
  std::uint64_t shown(std::uint64_t position);
  result<position> read_filtered(log_range range, sink each);
  result<position> read_page_by_page(log_range range, sink each);
  result<version> read_event_by_event(stream_name stream, stream_range range, sink each);

  any_event_store inner_;
  fault planted_;
  commit_signal silent_;
  uuid_v7_source ids_{1};
  std::recursive_mutex mutex_; // guards what follows; recursive, because sinks may append
  std::uint64_t appends_ = 0;
  late_append* late_ = nullptr;
  std::set<std::uint64_t> failed_at_; // heads at which an append failed
  std::set<std::uint64_t> hidden_;    // positions that are committed and not shown yet
};

} // namespace cleave::testing
