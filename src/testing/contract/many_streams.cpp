// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"

namespace cleave::testing::detail {

namespace {

constexpr std::string_view chapter_name = "several streams";

constexpr contract_case cases[] = {
    {chapter_name, "one append stores events in several streams, in the order of the request",
     [](contract_run& run) {
       run.stored("b-1", expectation::any(), run.events(1, "old"));
       batch const a = run.events(2, "a");
       batch const b = run.events(3, "b");
       batch const c = run.events(1, "c");
       stream_append const parts[] = {a.to("a-1", expectation::no_stream()),
                                      b.to("b-1", expectation::exactly(version(1))), c.to("c-1")};
       appended const done = run.stored(append_request{.streams = parts});
       run.equal(ids_of(run.stream("a-1").events), a.ids(), "events of a-1");
       run.equal(ids_of(run.stream("b-1", stream_range::after(version(1))).events), b.ids(), "events of b-1");
       run.equal(ids_of(run.stream("c-1").events), c.ids(), "events of c-1");
       batch all = run.events(0);
       all.add(a).add(b).add(c);
       auto const log = run.log({.after = position(run.stream("b-1").events.at(0).position)}).events;
       run.equal(ids_of(log), all.ids(), "the log");
       run.equal(done.position, position(log.at(log.size() - 1).position), "position of the answer");
       run.equal(done.version, version(1), "version of the answer: that of the last stream");
     }},
    {chapter_name, "one failed expectation stores nothing in any stream",
     [](contract_run& run) {
       run.stored("b-1", expectation::any(), run.events(2, "old"));
       for (std::size_t wrong : {0U, 1U, 2U}) {
         batch const fresh[] = {run.events(1), run.events(2), run.events(1)};
         stream_append const parts[] = {
             fresh[0].to("a-1", wrong == 0 ? expectation::stream_exists() : expectation::no_stream()),
             fresh[1].to("b-1",
                         wrong == 1 ? expectation::exactly(version(1)) : expectation::exactly(version(2))),
             fresh[2].to("c-1", wrong == 2 ? expectation::exactly(version(1)) : expectation::any()),
         };
         run.refused(run.append({.streams = parts}), errc::version_conflict,
                     fmt::format("stream {} wrong", wrong + 1),
                     {wrong == 0   ? "a-1"
                      : wrong == 1 ? "b-1"
                                   : "c-1"});
         run.equal(run.stream("a-1").last, version(0), "version of a-1");
         run.equal(run.stream("b-1").last, version(2), "version of b-1");
         run.equal(run.stream("c-1").last, version(0), "version of c-1");
         run.unchanged(2, "a conflict");
       }
     }},
    {chapter_name, "the same stream twice in one append is refused",
     [](contract_run& run) {
       batch const a = run.events(1);
       batch const b = run.events(1);
       batch const c = run.events(1);
       stream_append const parts[] = {a.to("a-1"), b.to("b-1"), c.to("a-1")};
       run.refused(run.append({.streams = parts}), errc::invalid_argument, "a-1 twice", {"a-1"});
       run.unchanged(0, "a refused append");
     }},
    {chapter_name, "a stream without new events is only checked",
     [](contract_run& run) {
       run.stored("b-1", expectation::any(), run.events(2, "old"));
       batch const none = run.events(0);
       batch const a = run.events(1);
       stream_append const wrong[] = {a.to("a-1"), none.to("b-1", expectation::exactly(version(1)))};
       run.refused(run.append({.streams = wrong}), errc::version_conflict, "b-1 at another version", {"b-1"});
       run.unchanged(2, "a conflict");
       stream_append const right[] = {a.to("a-1"), none.to("b-1", expectation::exactly(version(2)))};
       appended const done = run.stored(append_request{.streams = right});
       run.equal(done.version, version(2), "version: that of the last stream, which got no event");
       run.equal(run.stream("b-1").last, version(2), "version of b-1");
       run.unchanged(3, "the append");
       stream_append const again[] = {none.to("c-1", expectation::no_stream()),
                                      none.to("b-1", expectation::stream_exists())};
       run.equal(run.stored(append_request{.streams = again}).position, run.head(),
                 "position without any event");
     }},
    {chapter_name, "a retry over several streams gets the first answer",
     [](contract_run& run) {
       run.stored("b-1", expectation::any(), run.events(1, "old"));
       batch const a = run.events(2);
       batch const b = run.events(2);
       stream_append const parts[] = {a.to("a-1", expectation::no_stream()),
                                      b.to("b-1", expectation::exactly(version(1)))};
       appended const first = run.stored(append_request{.streams = parts});
       run.stored("b-1", expectation::any(), run.events(1, "later"));
       appended const again = run.stored(append_request{.streams = parts});
       run.equal(again.position, first.position, "position");
       run.equal(again.version, first.version, "version");
       run.equal(again.repeated, true, "repeated");
       run.unchanged(6, "a retry");
     }},
    {chapter_name, "a retry over several streams checks each expectation",
     [](contract_run& run) {
       batch const a = run.events(2);
       batch const b = run.events(2);
       stream_append const parts[] = {a.to("a-1", expectation::no_stream()),
                                      b.to("b-1", expectation::no_stream())};
       run.stored(append_request{.streams = parts});
       stream_append const wrong[] = {a.to("a-1", expectation::no_stream()),
                                      b.to("b-1", expectation::exactly(version(2)))};
       run.refused(run.append({.streams = wrong}), errc::version_conflict, "a retry with another expectation",
                   {"b-1"});
       run.unchanged(4, "a retry");
     }},
    {chapter_name, "a retry judges a stream without new events as it was then",
     [](contract_run& run) {
       run.stored("b-1", expectation::any(), run.events(2, "old"));
       batch const none = run.events(0);
       batch const a = run.events(1);
       stream_append const parts[] = {none.to("b-1", expectation::exactly(version(2))),
                                      a.to("a-1", expectation::no_stream())};
       appended const first = run.stored(append_request{.streams = parts});
       run.stored("b-1", expectation::any(), run.events(1, "later"));
       appended const again = run.stored(append_request{.streams = parts});
       run.equal(again.position, first.position, "position");
       run.equal(again.repeated, true, "repeated");
       stream_append const wrong[] = {none.to("b-1", expectation::exactly(version(3))),
                                      a.to("a-1", expectation::no_stream())};
       run.refused(run.append({.streams = wrong}), errc::version_conflict,
                   "the version of now instead of then");
       run.unchanged(4, "retries");
     }},
    {chapter_name, "a retry with a further stream of new events is refused",
     [](contract_run& run) {
       batch const a = run.events(1);
       batch const b = run.events(1);
       run.stored("a-1", expectation::no_stream(), a);
       stream_append const parts[] = {a.to("a-1", expectation::no_stream()),
                                      b.to("b-1", expectation::no_stream())};
       run.refused(run.append({.streams = parts}), errc::duplicate_event, "one old and one new event");
       run.equal(run.stream("b-1").last, version(0), "version of b-1");
       run.unchanged(1, "an overlapping append");
     }},
    {chapter_name, "events that change streams on a retry are refused",
     [](contract_run& run) {
       batch const a = run.events(1);
       batch const b = run.events(1);
       stream_append const parts[] = {a.to("a-1"), b.to("b-1")};
       run.stored(append_request{.streams = parts});
       stream_append const swapped[] = {b.to("a-1"), a.to("b-1")};
       run.refused(run.append({.streams = swapped}), errc::duplicate_event, "events swapped");
       run.unchanged(2, "a refused append");
     }},
    {chapter_name, "one id in two streams of an append is refused",
     [](contract_run& run) {
       batch const a = run.events(2);
       stream_append const parts[] = {a.to("a-1"), a.to("b-1")};
       run.refused(run.append({.streams = parts}), errc::duplicate_event, "the same events twice");
       run.unchanged(0, "a refused append");
     }},
};

} // namespace

chapter many_stream_cases() { return cases; }

} // namespace cleave::testing::detail
