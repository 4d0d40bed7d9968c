// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"

#include <array>

namespace cleave::testing::detail {

namespace {

// Appends again what was stored before, and checks that nothing happens but the first answer.
void repeats(contract_run& run, stream_name stream, expectation expected, batch const& events,
             appended const& first, contract_run::place at = contract_run::place::current()) {
  std::size_t const before = run.log({}, at).events.size();
  appended const again = run.stored(stream, expected, events, at);
  run.equal(again.position, first.position, "position of a retry", at);
  run.equal(again.version, first.version, "version of a retry", at);
  run.equal(again.repeated, true, "repeated", at);
  run.unchanged(before, "a retry", at);
}

constexpr std::string_view chapter_name = "retries";

constexpr contract_case cases[] = {
    {chapter_name, "a retried batch is stored once",
     [](contract_run& run) {
       batch const events = run.events(3);
       appended const first = run.stored("thing-1", expectation::any(), events);
       run.equal(first.repeated, false, "repeated of the first append");
       repeats(run, "thing-1", expectation::any(), events, first);
       run.equal(ids_of(run.stream("thing-1").events), events.ids(), "events");
     }},
    {chapter_name, "a retry with exactly gets the first answer although the stream has moved on by it",
     [](contract_run& run) {
       run.stored("thing-1", expectation::no_stream(), run.events(2));
       batch const events = run.events(2, "new");
       appended const first = run.stored("thing-1", expectation::exactly(version(2)), events);
       repeats(run, "thing-1", expectation::exactly(version(2)), events, first);
     }},
    {chapter_name, "a retry with no_stream gets the first answer",
     [](contract_run& run) {
       batch const events = run.events(1);
       appended const first = run.stored("thing-1", expectation::no_stream(), events);
       repeats(run, "thing-1", expectation::no_stream(), events, first);
     }},
    {chapter_name, "a retry gets the first answer after later appends",
     [](contract_run& run) {
       batch const events = run.events(2);
       appended const first = run.stored("thing-1", expectation::no_stream(), events);
       run.stored("thing-1", expectation::exactly(version(2)), run.events(3, "later"));
       run.stored("thing-2", expectation::any(), run.events(3, "later"));
       repeats(run, "thing-1", expectation::no_stream(), events, first);
     }},
    {chapter_name, "a retry goes through many times",
     [](contract_run& run) {
       batch const events = run.events(2);
       appended const first = run.stored("thing-1", expectation::exactly(version(0)), events);
       for (int i = 0; i < 5; ++i) repeats(run, "thing-1", expectation::exactly(version(0)), events, first);
     }},
    {chapter_name, "exactly is checked on a retry",
     [](contract_run& run) {
       run.stored("thing-1", expectation::no_stream(), run.events(2));
       batch const events = run.events(2, "new");
       run.stored("thing-1", expectation::exactly(version(2)), events);
       for (std::uint64_t wrong : {0U, 1U, 3U, 4U, 5U}) {
         run.refused(run.append("thing-1", expectation::exactly(version(wrong)), events),
                     errc::version_conflict, fmt::format("a retry of exactly 2 with exactly {}", wrong));
       }
       run.unchanged(4, "retries with other versions");
     }},
    {chapter_name, "no_stream is checked on a retry",
     [](contract_run& run) {
       run.stored("thing-1", expectation::no_stream(), run.events(1));
       batch const events = run.events(1, "new");
       run.stored("thing-1", expectation::any(), events);
       run.refused(run.append("thing-1", expectation::no_stream(), events), errc::version_conflict,
                   "a retry with no_stream of an append to an existing stream");
       run.unchanged(2, "a retry with no_stream");
     }},
    {chapter_name, "stream_exists is checked on a retry",
     [](contract_run& run) {
       batch const events = run.events(1);
       run.stored("thing-1", expectation::no_stream(), events);
       run.refused(run.append("thing-1", expectation::stream_exists(), events), errc::version_conflict,
                   "a retry with stream_exists of the stream's first append");
       run.unchanged(1, "a retry with stream_exists");
     }},
    {chapter_name, "another expectation that was true then is a retry too",
     [](contract_run& run) {
       run.stored("thing-1", expectation::no_stream(), run.events(2));
       batch const events = run.events(2, "new");
       appended const first = run.stored("thing-1", expectation::any(), events);
       repeats(run, "thing-1", expectation::exactly(version(2)), events, first);
       repeats(run, "thing-1", expectation::stream_exists(), events, first);
     }},
    {chapter_name, "a batch that overlaps in part is refused: old events first",
     [](contract_run& run) {
       batch const events = run.events(4);
       run.stored("thing-1", expectation::no_stream(), events.slice(0, 2));
       run.refused(run.append("thing-1", expectation::any(), events), errc::duplicate_event,
                   "two old, two new events", {to_string(events.ids()[0])});
       run.unchanged(2, "an overlapping batch");
     }},
    {chapter_name, "a batch that overlaps in part is refused: new events first",
     [](contract_run& run) {
       batch const events = run.events(4);
       run.stored("thing-1", expectation::no_stream(), events.slice(2, 4));
       run.refused(run.append("thing-1", expectation::any(), events), errc::duplicate_event,
                   "two new, two old events");
       run.refused(run.append("thing-1", expectation::no_stream(), events), errc::duplicate_event,
                   "two new, two old events, no_stream");
       run.unchanged(2, "an overlapping batch");
     }},
    {chapter_name, "an old event in another stream is refused",
     [](contract_run& run) {
       batch const events = run.events(2);
       run.stored("thing-1", expectation::no_stream(), events);
       run.refused(run.append("thing-2", expectation::no_stream(), events), errc::duplicate_event,
                   "the same events in thing-2");
       run.refused(run.append("thing-2", expectation::any(), events.slice(1, 2)), errc::duplicate_event,
                   "one of them in thing-2");
       run.equal(run.stream("thing-2").last, version(0), "version of thing-2");
       run.unchanged(2, "old events in another stream");
     }},
    {chapter_name, "old events in another order are refused",
     [](contract_run& run) {
       batch const events = run.events(2);
       run.stored("thing-1", expectation::no_stream(), events);
       batch turned = events.slice(1, 2);
       turned.add(events.slice(0, 1));
       run.refused(run.append("thing-1", expectation::any(), turned), errc::duplicate_event,
                   "the same events turned round");
       run.unchanged(2, "old events in another order");
     }},
    {chapter_name, "old events with others between them are refused",
     [](contract_run& run) {
       batch const events = run.events(2);
       run.stored("thing-1", expectation::any(), events.slice(0, 1));
       run.stored("thing-1", expectation::any(), run.events(1, "between"));
       run.stored("thing-1", expectation::any(), events.slice(1, 2));
       run.refused(run.append("thing-1", expectation::any(), events), errc::duplicate_event,
                   "two events of two appends");
       run.unchanged(3, "old events with others between");
     }},
    {chapter_name, "an id that was refused before is new",
     [](contract_run& run) {
       batch const events = run.events(2);
       run.refused(run.append("thing-1", expectation::stream_exists(), events), errc::version_conflict,
                   "append");
       run.equal(run.stored("thing-1", expectation::any(), events).repeated, false, "repeated");
       run.unchanged(2, "a conflict and an append");
     }},
    {chapter_name, "a retry does not read the clock into the stored events",
     [](contract_run& run) {
       batch const events = run.events(1);
       run.stored("thing-1", expectation::no_stream(), events);
       timestamp const then = run.clock().now();
       run.clock().advance_us(1'000'000);
       run.stored("thing-1", expectation::no_stream(), events);
       run.equal(run.stream("thing-1").events.at(0).recorded_at, then, "recorded_at after a retry");
     }},
    {chapter_name, "ids that do not rise are found again",
     [](contract_run& run) {
       // As several processes, and other kinds of UUID, make them.
       std::vector<batch> batches;
       for (std::uint64_t i = 0; i < 40; ++i) {
         std::array<std::uint8_t, uuid::size> bytes{};
         bytes[0] = static_cast<std::uint8_t>((i * 149 + 7) % 256);
         bytes[15] = static_cast<std::uint8_t>(i + 1);
         batches.push_back(run.events(0));
         batches.back().note(fmt::format("event {}", i)).with_id(event_id(uuid(bytes)));
       }
       std::vector<appended> first;
       first.reserve(batches.size());
       for (batch const& one : batches) first.push_back(run.stored("thing-1", expectation::any(), one));
       for (std::size_t i = 0; i < batches.size(); ++i) {
         repeats(run, "thing-1", expectation::exactly(version(i)), batches[i], first[i]);
       }
     }},
};

} // namespace

chapter retry_cases() { return cases; }

} // namespace cleave::testing::detail
