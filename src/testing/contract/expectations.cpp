// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"

namespace cleave::testing::detail {

namespace {

using enum contract_case::need;

// Tries one expectation on a stream of `length` events.
void met(contract_run& run, expectation expected, std::size_t length) {
  if (length != 0) run.stored("thing-1", expectation::any(), run.events(length, "old"));
  run.stored("other-1", expectation::any(), run.events(1, "other"));
  batch const fresh = run.events(2, "new");
  appended const done = run.stored("thing-1", expected, fresh);
  run.equal(done.version, version(length + 2), "version after the append");
  run.equal(done.repeated, false, "repeated");
  auto const seen = run.stream("thing-1", stream_range::after(version(length)));
  run.equal(ids_of(seen.events), fresh.ids(), "the events stored");
  run.equal(versions_of(seen.events), numbers(length + 1, length + 2), "their versions");
  run.equal(run.head(), done.position, "head");
}

void refused(contract_run& run, expectation expected, std::size_t length,
             std::vector<std::string> const& words) {
  if (length != 0) run.stored("thing-1", expectation::any(), run.events(length, "old"));
  run.stored("other-1", expectation::any(), run.events(1, "other"));
  position const before = run.head();
  run.refused(run.append("thing-1", expected, run.events(2, "new")), errc::version_conflict, "append", words);
  run.equal(run.stream("thing-1").last, version(length), "the stream's version after a conflict");
  run.equal(run.head(), before, "head after a conflict");
  run.unchanged(length + 1, "a conflict");
}

constexpr std::string_view chapter_name = "expectations";

constexpr contract_case cases[] = {
    {chapter_name, "any is met by a stream without events",
     [](contract_run& run) { met(run, expectation::any(), 0); }},
    {chapter_name, "any is met by a stream with events",
     [](contract_run& run) { met(run, expectation::any(), 3); }},
    {chapter_name, "no_stream is met by a stream without events",
     [](contract_run& run) { met(run, expectation::no_stream(), 0); }},
    {chapter_name, "no_stream is refused by a stream with events",
     [](contract_run& run) {
       refused(run, expectation::no_stream(), 1, {"thing-1", "no stream", "actual 1"});
     }},
    {chapter_name, "stream_exists is met by a stream with events",
     [](contract_run& run) { met(run, expectation::stream_exists(), 1); }},
    {chapter_name, "stream_exists is refused by a stream without events",
     [](contract_run& run) {
       refused(run, expectation::stream_exists(), 0, {"thing-1", "exists", "actual 0"});
     }},
    {chapter_name, "exactly the last version is met",
     [](contract_run& run) { met(run, expectation::exactly(version(4)), 4); }},
    {chapter_name, "exactly 0 is met by a stream without events",
     [](contract_run& run) { met(run, expectation::exactly(version(0)), 0); }},
    {chapter_name, "exactly 0 is refused by a stream with events",
     [](contract_run& run) { refused(run, expectation::exactly(version(0)), 2, {"thing-1", "actual 2"}); }},
    {chapter_name, "exactly an older version is refused",
     [](contract_run& run) {
       refused(run, expectation::exactly(version(3)), 5, {"wrong expected version 3", "thing-1", "actual 5"});
     }},
    {chapter_name, "exactly a later version is refused",
     [](contract_run& run) {
       refused(run, expectation::exactly(version(3)), 2, {"wrong expected version 3", "thing-1", "actual 2"});
     }},
    {chapter_name, "exactly a version of a stream without events is refused",
     [](contract_run& run) { refused(run, expectation::exactly(version(1)), 0, {"thing-1", "actual 0"}); }},
    {chapter_name, "the greatest version is an expectation like any other",
     [](contract_run& run) { refused(run, expectation::exactly(version(UINT64_MAX)), 2, {"actual 2"}); }},
    {chapter_name, "expectations look at their own stream alone",
     [](contract_run& run) {
       run.stored("thing-1", expectation::no_stream(), run.events(3));
       run.stored("thing-11", expectation::no_stream(), run.events(1));
       run.stored("thing", expectation::no_stream(), run.events(1));
       run.stored("Thing-1", expectation::no_stream(), run.events(1));
       run.stored("thing-1 ", expectation::no_stream(), run.events(1));
       run.equal(run.stream("thing-1").last, version(3), "version of thing-1");
     }},
    {chapter_name, "a chain of appends with exactly goes through",
     [](contract_run& run) {
       for (std::uint64_t v = 0; v < 20; ++v)
         run.stored("thing-1", expectation::exactly(version(v)), run.events(1));
       run.equal(versions_of(run.stream("thing-1").events), numbers(1, 20), "versions");
     }},
    {chapter_name, "an append goes through after a conflict with the right version",
     [](contract_run& run) {
       run.stored("thing-1", expectation::no_stream(), run.events(2));
       batch const fresh = run.events(2, "new");
       run.refused(run.append("thing-1", expectation::exactly(version(1)), fresh), errc::version_conflict,
                   "append");
       appended const done = run.stored("thing-1", expectation::exactly(version(2)), fresh);
       run.equal(done.version, version(4), "version");
       run.equal(done.repeated, false, "repeated");
     }},
    {chapter_name, "failed appends leave no gap in versions",
     [](contract_run& run) {
       for (int i = 0; i < 5; ++i) {
         run.stored("thing-1", expectation::any(), run.events(1));
         run.refused(run.append("thing-1", expectation::no_stream(), run.events(3)), errc::version_conflict,
                     "append");
         run.refused(run.append("thing-2", expectation::stream_exists(), run.events(2)),
                     errc::version_conflict, "append");
       }
       run.equal(versions_of(run.stream("thing-1").events), numbers(1, 5), "versions");
     }},
    {chapter_name, "failed appends leave no gap in positions",
     [](contract_run& run) {
       for (int i = 0; i < 5; ++i) {
         run.stored("thing-1", expectation::any(), run.events(1));
         run.refused(run.append("thing-1", expectation::no_stream(), run.events(3)), errc::version_conflict,
                     "append");
         run.stored("thing-2", expectation::any(), run.events(2));
       }
       run.equal(positions_of(run.log().events), numbers(1, 15), "positions");
     },
     no_position_gaps},
    {chapter_name, "an append without events checks its expectation",
     [](contract_run& run) {
       batch const none = run.events(0);
       run.stored("thing-1", expectation::any(), run.events(2));
       run.refused(run.append("thing-1", expectation::no_stream(), none), errc::version_conflict,
                   "no_stream");
       run.refused(run.append("thing-1", expectation::exactly(version(1)), none), errc::version_conflict,
                   "exactly 1");
       run.refused(run.append("thing-2", expectation::stream_exists(), none), errc::version_conflict,
                   "stream_exists");
       run.unchanged(2, "empty appends");
     }},
    {chapter_name, "an append without events returns the head and the stream's version",
     [](contract_run& run) {
       batch const none = run.events(0);
       appended const first = run.stored("thing-1", expectation::no_stream(), none);
       run.equal(first.position, position(0), "position in an empty log");
       run.equal(first.version, version(0), "version in an empty log");
       run.stored("thing-1", expectation::any(), run.events(2));
       position const head = run.stored("thing-2", expectation::any(), run.events(1)).position;
       appended const done = run.stored("thing-1", expectation::exactly(version(2)), none);
       run.equal(done.position, head, "position");
       run.equal(done.version, version(2), "version");
       run.equal(done.repeated, false, "repeated");
       run.unchanged(3, "empty appends");
     }},
    {chapter_name, "a request without streams returns the head",
     [](contract_run& run) {
       position const head = run.stored("thing-1", expectation::any(), run.events(2)).position;
       appended const done = run.stored(append_request{});
       run.equal(done.position, head, "position");
       run.equal(done.version, version(0), "version");
       run.unchanged(2, "a request without streams");
     }},
};

} // namespace

chapter expectation_cases() { return cases; }

} // namespace cleave::testing::detail
