// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"
#include "queries.hpp"

namespace cleave::testing::detail {

namespace {

result<appended> append_if(contract_run& run, query const& wanted, position after, batch const& events,
                           expectation expected = expectation::any(), stream_name stream = "thing-1") {
  append_condition const condition{wanted.view(), after};
  stream_append const part = events.to(stream, expected);
  return run.append({.streams = {&part, 1}, .condition = &condition});
}

// Three events: 1 is a course, 2 a student, 3 an enrolment of both.
std::vector<seen_event> prepare(contract_run& run) {
  batch some = run.events(0);
  some.raw("course-added.v1", "{}").tagged({"course:c1"});
  some.raw("student-added.v1", "{}").tagged({"student:s1"});
  some.raw("student-enrolled.v1", "{}").tagged({"course:c1", "student:s1"});
  run.stored("school-1", expectation::any(), some);
  return run.log().events;
}

void holds(contract_run& run, query const& wanted, std::size_t after_event) {
  auto const all = prepare(run);
  position const after = after_event == 0 ? position(0) : position(all.at(after_event - 1).position);
  appended const done = run.good(append_if(run, wanted, after, run.events(2)),
                                 "an append whose condition holds");
  run.equal(done.version, version(2), "version");
  run.equal(done.position, run.head(), "position");
  run.unchanged(5, "an append whose condition holds");
}

// Broken by the event with this number.
void broken(contract_run& run, query const& wanted, std::size_t after_event,
            std::vector<std::string> const& words = {}) {
  auto const all = prepare(run);
  position const after = after_event == 0 ? position(0) : position(all.at(after_event - 1).position);
  run.refused(append_if(run, wanted, after, run.events(2)), errc::version_conflict,
              "an append whose condition is broken", words);
  run.equal(run.stream("thing-1").last, version(0), "version after a broken condition");
  run.unchanged(3, "a broken condition");
}

constexpr std::string_view chapter_name = "conditions";

constexpr contract_case cases[] = {
    {chapter_name, "a condition holds in an empty log",
     [](contract_run& run) {
       run.good(append_if(run, query().item({"course-added.v1"}, {"course:c1"}), position(0), run.events(1)),
                "append");
       run.unchanged(1, "an append");
     }},
    {chapter_name, "a condition on a tag holds behind the last event that carries it",
     [](contract_run& run) { holds(run, query().item({}, {"course:c1"}), 3); }},
    {chapter_name, "a condition on a tag is broken by an event behind its position",
     [](contract_run& run) { broken(run, query().item({}, {"course:c1"}), 2, {"student-enrolled.v1"}); }},
    {chapter_name, "a condition on a tag that no event carries holds",
     [](contract_run& run) { holds(run, query().item({}, {"course:c2"}), 0); }},
    {chapter_name, "a condition on a name holds behind the last event of that name",
     [](contract_run& run) { holds(run, query().item({"student-added.v1"}, {}), 2); }},
    {chapter_name, "a condition on a name is broken by an event behind its position",
     [](contract_run& run) { broken(run, query().item({"student-added.v1"}, {}), 1, {"student-added.v1"}); }},
    {chapter_name, "a condition on a name that no event has holds",
     [](contract_run& run) { holds(run, query().item({"course-closed.v1"}, {}), 0); }},
    {chapter_name, "a condition on several names is broken by any of them",
     [](contract_run& run) {
       broken(run, query().item({"course-closed.v1", "student-enrolled.v1"}, {}), 2);
     }},
    {chapter_name, "a condition on several tags needs all of them on one event",
     [](contract_run& run) { holds(run, query().item({}, {"course:c1", "student:s1"}), 3); }},
    {chapter_name, "a condition on several tags is broken by an event that carries all",
     [](contract_run& run) {
       broken(run, query().item({}, {"course:c1", "student:s1"}), 0, {"student-enrolled.v1"});
     }},
    {chapter_name, "a condition on a name and a tag needs both on one event",
     [](contract_run& run) { holds(run, query().item({"course-added.v1"}, {"student:s1"}), 0); }},
    {chapter_name, "a condition on a name and a tag is broken by an event with both",
     [](contract_run& run) { broken(run, query().item({"student-enrolled.v1"}, {"student:s1"}), 0); }},
    {chapter_name, "a condition of several items holds when none matches",
     [](contract_run& run) {
       holds(run, query().item({"course-added.v1"}, {"course:c2"}).item({}, {"student:s2"}), 0);
     }},
    {chapter_name, "a condition of several items is broken by one of them",
     [](contract_run& run) {
       broken(run, query().item({}, {"course:c2"}).item({"student-added.v1"}, {}), 0);
     }},
    {chapter_name, "a condition without items is broken by any event behind its position",
     [](contract_run& run) { broken(run, query(), 2); }},
    {chapter_name, "a condition without items holds at the head",
     [](contract_run& run) { holds(run, query(), 3); }},
    {chapter_name, "a condition behind the head holds",
     [](contract_run& run) {
       prepare(run);
       run.good(append_if(run, query(), position(run.head().value() + 100), run.events(1)), "append");
       run.good(append_if(run, query(), position(limits::position_max), run.events(1)),
                "append behind the greatest position");
     }},
    {chapter_name, "the events of the append itself do not break its condition",
     [](contract_run& run) {
       batch some = run.events(0);
       some.raw("name-taken.v1", "{}").tagged({"name:ann"}).raw("name-taken.v1", "{}").tagged({"name:ann"});
       run.good(append_if(run, query().item({"name-taken.v1"}, {"name:ann"}), position(0), some), "append");
       run.unchanged(2, "an append");
     }},
    {chapter_name, "a retry gets the first answer although its own events break its condition now",
     [](contract_run& run) {
       batch some = run.events(0);
       some.raw("name-taken.v1", "{}").tagged({"name:ann"});
       query const taken = query().item({}, {"name:ann"});
       appended const first = run.good(append_if(run, taken, position(0), some), "append");
       run.stored("other-1", expectation::any(), run.events(1));
       appended const again = run.good(append_if(run, taken, position(0), some), "retry");
       run.equal(again.position, first.position, "position of the retry");
       run.equal(again.repeated, true, "repeated");
       run.unchanged(2, "a retry");
       run.refused(append_if(run, taken, position(0), run.events(1)), errc::version_conflict, "the next one");
     }},
    {chapter_name, "the same events go through behind the event that broke the condition",
     [](contract_run& run) {
       auto const all = prepare(run);
       batch const some = run.events(2);
       query const course = query().item({}, {"course:c1"});
       run.refused(append_if(run, course, position(all.at(0).position), some), errc::version_conflict,
                   "append");
       run.equal(run.good(append_if(run, course, run.head(), some), "append behind the head").repeated, false,
                 "repeated");
       run.unchanged(5, "the second append");
     }},
    {chapter_name, "a condition that holds does not save a failed expectation",
     [](contract_run& run) {
       prepare(run);
       run.refused(append_if(run, query().item({}, {"course:c2"}), position(0), run.events(1),
                             expectation::stream_exists()),
                   errc::version_conflict, "append", {"thing-1"});
       run.unchanged(3, "a conflict");
     }},
    {chapter_name, "an expectation that holds does not save a broken condition",
     [](contract_run& run) {
       prepare(run);
       run.refused(append_if(run, query().item({}, {"course:c1"}), position(0), run.events(1),
                             expectation::exactly(version(3)), "school-1"),
                   errc::version_conflict, "append");
       run.unchanged(3, "a conflict");
     }},
    {chapter_name, "a broken condition stores nothing in any of several streams",
     [](contract_run& run) {
       prepare(run);
       batch const a = run.events(1);
       batch const b = run.events(1);
       stream_append const parts[] = {a.to("thing-1"), b.to("thing-2")};
       query const course = query().item({}, {"course:c1"});
       append_condition const condition{course.view(), position(0)};
       run.refused(run.append({.streams = parts, .condition = &condition}), errc::version_conflict, "append");
       run.unchanged(3, "a broken condition");
     }},
    {chapter_name, "a condition that breaks a limit or names something impossible is refused",
     [](contract_run& run) {
       run.refused(append_if(run, query().item({}, {""}), position(0), run.events(1)), errc::invalid_argument,
                   "an empty tag");
       run.refused(append_if(run, query().item({"a\nb"}, {}), position(0), run.events(1)),
                   errc::invalid_argument, "a name with a line break");
       query many;
       for (std::size_t i = 0; i <= limits::query_items; ++i) many.item({}, {"odd"});
       run.refused(append_if(run, many, position(0), run.events(1)), errc::limit_exceeded, "too many items");
       run.unchanged(0, "impossible conditions");
     }},
    {chapter_name, "a condition sees an event among a thousand that carry its tag",
     [](contract_run& run) {
       for (int i = 0; i < 10; ++i) {
         batch many = run.events(0);
         for (int k = 0; k < 100; ++k)
           many.raw("thing-counted.v1", "{}").tagged({"all", fmt::format("k:{}", i * 100 + k)});
         run.stored("school-1", expectation::any(), many);
       }
       auto const all = run.log().events;
       query const both = query().item({"thing-counted.v1"}, {"all", "k:500"});
       run.refused(append_if(run, both, position(all.at(499).position), run.events(1)),
                   errc::version_conflict, "a condition behind the event before");
       run.good(append_if(run, both, position(all.at(500).position), run.events(1)),
                "a condition behind the event");
     }},
};

} // namespace

chapter condition_cases() { return cases; }

} // namespace cleave::testing::detail
