// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"
#include "queries.hpp"

#include <algorithm>

namespace cleave::testing::detail {

namespace {

using enum contract_case::need;

constexpr std::string_view chapter_name = "restarts";

constexpr contract_case cases[] = {
    {chapter_name, "an empty store is empty after a restart",
     [](contract_run& run) {
       run.reopen();
       run.equal(run.head(), position(0), "head");
       run.equal(run.stored("thing-1", expectation::no_stream(), run.events(1)).version, version(1),
                 "version");
     },
     restart},
    {chapter_name, "events are there after a restart, unchanged",
     [](contract_run& run) {
       for (int i = 0; i < 10; ++i) {
         batch some = run.events(3);
         some.all_tagged("every").with_header("h", "it's").with_metadata(run.ids().next_correlation(), {});
         run.stored(fmt::format("thing-{}", i % 3), expectation::any(), some);
       }
       auto const before = run.log();
       run.reopen();
       auto const after = run.log();
       run.equal(ids_of(after.events), ids_of(before.events), "ids");
       run.equal(texts_of(after.events), texts_of(before.events), "stored forms");
       run.equal(positions_of(after.events), positions_of(before.events), "positions");
       run.equal(versions_of(after.events), versions_of(before.events), "versions");
       run.equal(column(after.events, &seen_event::stream), column(before.events, &seen_event::stream),
                 "streams");
       run.equal(column(after.events, &seen_event::headers), column(before.events, &seen_event::headers),
                 "headers");
       run.equal(column(after.events, &seen_event::tags), column(before.events, &seen_event::tags), "tags");
       run.equal(column(after.events, &seen_event::correlation),
                 column(before.events, &seen_event::correlation), "correlations");
       run.equal(column(after.events, &seen_event::recorded_at),
                 column(before.events, &seen_event::recorded_at), "recorded_at");
       run.equal(after.reached, before.reached, "head");
     },
     restart},
    {chapter_name, "versions and positions go on after a restart",
     [](contract_run& run) {
       std::vector<std::uint64_t> positions;
       for (std::uint64_t i = 0; i < 5; ++i) {
         appended const done = run.stored("thing-1", expectation::exactly(version(2 * i)), run.events(2));
         run.equal(done.version, version(2 * i + 2), "version");
         positions.push_back(done.position.value());
         run.refused(run.append("thing-1", expectation::no_stream(), run.events(1)), errc::version_conflict,
                     "no_stream");
         run.reopen();
       }
       run.check(std::ranges::is_sorted(positions, std::less_equal()), "positions rise over restarts");
       run.equal(versions_of(run.stream("thing-1").events), numbers(1, 10), "versions");
     },
     restart},
    {chapter_name, "expectations hold after a restart",
     [](contract_run& run) {
       run.stored("thing-1", expectation::any(), run.events(2));
       run.reopen();
       run.refused(run.append("thing-1", expectation::no_stream(), run.events(1)), errc::version_conflict,
                   "no_stream");
       run.refused(run.append("thing-1", expectation::exactly(version(1)), run.events(1)),
                   errc::version_conflict, "exactly 1");
       run.refused(run.append("thing-2", expectation::stream_exists(), run.events(1)), errc::version_conflict,
                   "stream_exists");
       run.stored("thing-1", expectation::exactly(version(2)), run.events(1));
     },
     restart},
    {chapter_name, "a retry after a restart gets the first answer",
     [](contract_run& run) {
       batch const events = run.events(3);
       appended const first = run.stored("thing-1", expectation::no_stream(), events);
       run.stored("thing-1", expectation::any(), run.events(1));
       run.reopen();
       appended const again = run.stored("thing-1", expectation::no_stream(), events);
       run.equal(again.position, first.position, "position");
       run.equal(again.version, first.version, "version");
       run.equal(again.repeated, true, "repeated");
       run.refused(run.append("thing-1", expectation::exactly(version(3)), events), errc::version_conflict,
                   "another expectation");
       run.refused(run.append("thing-2", expectation::any(), events), errc::duplicate_event,
                   "another stream");
       run.unchanged(4, "retries");
     },
     restart},
    {chapter_name, "the outcome of a command is there after a restart",
     [](contract_run& run) {
       rejection const no{"thing-closed", "the thing is closed"};
       command_record const done{
           .id = run.ids().next_command(), .command = "place-thing", .fingerprint = UINT64_MAX};
       command_record const refused{
           .id = run.ids().next_command(), .command = "place-thing", .fingerprint = 8, .refused = &no};
       batch const events = run.events(2);
       stream_append const part = events.to("thing-1");
       appended const first = run.stored(append_request{.streams = {&part, 1}, .command = &done});
       run.stored(append_request{.command = &refused});
       timestamp const then = run.clock().now();
       run.reopen();
       run.clock().advance_us(1);
       batch const others = run.events(1);
       stream_append const decided_anew = others.to("thing-1");
       appended const again = run.stored(append_request{.streams = {&decided_anew, 1}, .command = &done});
       run.equal(again.position, first.position, "position of the repeat");
       run.equal(again.repeated, true, "repeated");
       auto const kept = run.outcome(done.id);
       auto const rejected = run.outcome(refused.id);
       if (!kept || !rejected) return run.fail("both outcomes are there after a restart");
       run.equal(kept->fingerprint, UINT64_MAX, "fingerprint");
       run.equal(kept->recorded_at, then, "recorded_at");
       run.check(rejected->refused == no, "the rejection came back unchanged");
       command_record other = done;
       other.fingerprint = 9;
       run.refused(run.append({.streams = {&decided_anew, 1}, .command = &other}), errc::command_id_reused,
                   "another fingerprint");
     },
     restart},
    {chapter_name, "filters and conditions know the older events after a restart",
     [](contract_run& run) {
       batch some = run.events(4);
       some.tagged({"seat:1"});
       run.stored("thing-1", expectation::any(), some);
       position const head = run.head();
       run.reopen();
       query const seat = query().item({}, {"seat:1"});
       run.equal(run.log({.filter = seat.view()}).events.size(), 1U, "events with the tag");
       run.equal(run.log({.filter = query().item({std::string(raw_name)}, {}).view()}).events.size(), 1U,
                 "events of one name");
       batch const more = run.events(1);
       stream_append const part = more.to("thing-2");
       append_condition condition{seat.view(), position(0)};
       run.refused(run.append({.streams = {&part, 1}, .condition = &condition}), errc::version_conflict,
                   "a broken condition");
       condition.after = head;
       run.stored(append_request{.streams = {&part, 1}, .condition = &condition});
     },
     restart},
};

} // namespace

chapter restart_cases() { return cases; }

} // namespace cleave::testing::detail
