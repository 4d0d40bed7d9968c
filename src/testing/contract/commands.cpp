// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"
#include "queries.hpp"

namespace cleave::testing::detail {

namespace {

command_record command(contract_run& run, std::uint64_t fingerprint = 42) {
  return {.id = run.ids().next_command(), .command = "place-thing", .fingerprint = fingerprint};
}

result<appended> append_for(contract_run& run, command_record const& record, batch const& events,
                            expectation expected = expectation::any(), stream_name stream = "thing-1") {
  stream_append const part = events.to(stream, expected);
  return run.append({.streams = {&part, 1}, .command = &record});
}

void has_outcome(contract_run& run, command_record const& record, appended const& done, timestamp at,
                 contract_run::place where = contract_run::place::current()) {
  auto const found = run.outcome(record.id, where);
  if (!found) return run.fail("the command's outcome is stored: it is not there", where);
  run.equal(found->command, record.command, "command", where);
  run.equal(found->fingerprint, record.fingerprint, "fingerprint", where);
  run.equal(found->position, record.refused != nullptr ? position(0) : done.position, "position", where);
  if (record.refused == nullptr) run.equal(found->version, done.version, "version", where);
  run.equal(found->recorded_at, at, "recorded_at", where);
  run.equal(found->refused.has_value(), record.refused != nullptr, "is a rejection", where);
  if (record.refused != nullptr && found->refused) {
    run.equal(found->refused->code, record.refused->code, "code of the rejection", where);
    run.equal(found->refused->text, record.refused->text, "text of the rejection", where);
  }
}

void has_no_outcome(contract_run& run, command_record const& record,
                    contract_run::place where = contract_run::place::current()) {
  run.check(!run.outcome(record.id, where).has_value(), "the command has no outcome", where);
}

constexpr std::string_view chapter_name = "commands";

constexpr contract_case cases[] = {
    {chapter_name, "an unknown command has no outcome",
     [](contract_run& run) {
       has_no_outcome(run, command(run));
       run.stored("thing-1", expectation::any(), run.events(1));
       has_no_outcome(run, command(run));
     }},
    {chapter_name, "the outcome of a command is stored with its events",
     [](contract_run& run) {
       run.stored("other-1", expectation::any(), run.events(3));
       command_record const record = command(run);
       run.clock().advance_us(5);
       timestamp const then = run.clock().now();
       appended const done = run.good(append_for(run, record, run.events(2)), "append");
       run.equal(done.repeated, false, "repeated");
       run.equal(done.version, version(2), "version");
       run.clock().advance_us(5);
       has_outcome(run, record, done, then);
     }},
    {chapter_name, "a repeated command stores nothing and gets the first answer",
     [](contract_run& run) {
       command_record const record = command(run);
       timestamp const then = run.clock().now();
       appended const done = run.good(append_for(run, record, run.events(2)), "append");
       run.stored("thing-1", expectation::any(), run.events(3, "later"));
       run.clock().advance_us(5);
       // Decided anew, so with other events, and for another stream and version.
       for (expectation expected :
            {expectation::any(), expectation::exactly(version(5)), expectation::no_stream()}) {
         for (std::string_view stream : {"thing-1", "thing-2"}) {
           appended const again = run.good(append_for(run, record, run.events(1, "again"), expected, stream),
                                           "repeat");
           run.equal(again.position, done.position, "position");
           run.equal(again.version, done.version, "version");
           run.equal(again.repeated, true, "repeated");
         }
       }
       run.unchanged(5, "repeated commands");
       has_outcome(run, record, done, then);
     }},
    {chapter_name, "a rejection is an outcome, and a repeat gets it",
     [](contract_run& run) {
       run.stored("thing-1", expectation::any(), run.events(1));
       rejection const no{"thing-closed", "the thing \"1\" is closed, it's \xf0\x9f\x92\xb6"};
       command_record record = command(run);
       record.refused = &no;
       timestamp const then = run.clock().now();
       appended const done = run.good(run.append({.command = &record}), "rejection");
       run.equal(done.position, run.head(), "position of the first answer");
       run.equal(done.repeated, false, "repeated of the first answer");
       has_outcome(run, record, done, then);
       run.clock().advance_us(5);
       command_record retried = record;
       retried.refused = nullptr;
       appended const again = run.good(append_for(run, retried, run.events(1)), "repeat");
       run.equal(again.position, position(0), "position of the repeat: that of the outcome");
       run.equal(again.repeated, true, "repeated");
       has_outcome(run, record, done, then);
       run.unchanged(1, "a rejection");
     }},
    {chapter_name, "a rejection checks the expectations under which it was decided",
     [](contract_run& run) {
       run.stored("thing-1", expectation::any(), run.events(2));
       rejection const no{"thing-closed", "closed"};
       command_record record = command(run);
       record.refused = &no;
       batch const none = run.events(0);
       run.refused(append_for(run, record, none, expectation::exactly(version(1))), errc::version_conflict,
                   "decided on version 1");
       has_no_outcome(run, record);
       run.good(append_for(run, record, none, expectation::exactly(version(2))), "decided on version 2");
       run.check(run.outcome(record.id).has_value(), "the rejection is stored");
     }},
    {chapter_name, "a command that changes nothing has an outcome too",
     [](contract_run& run) {
       appended const before = run.stored("thing-1", expectation::any(), run.events(2));
       command_record const record = command(run);
       batch const none = run.events(0);
       appended const done = run.good(append_for(run, record, none, expectation::exactly(version(2))),
                                      "append");
       run.equal(done.position, before.position, "position: the head");
       run.equal(done.version, version(2), "version");
       has_outcome(run, record, done, run.clock().now());
       run.stored("thing-1", expectation::any(), run.events(1, "later"));
       appended const again = run.good(append_for(run, record, run.events(1)), "repeat");
       run.equal(again.position, done.position, "position of the repeat");
       run.equal(again.repeated, true, "repeated");
       run.unchanged(3, "a command that changes nothing");
     }},
    {chapter_name, "a command id under another name is refused",
     [](contract_run& run) {
       command_record record = command(run);
       run.good(append_for(run, record, run.events(1)), "append");
       record.command = "cancel-thing";
       run.refused(append_for(run, record, run.events(1)), errc::command_id_reused, "another name",
                   {to_string(record.id), "cancel-thing", "place-thing"});
       run.unchanged(1, "a refused command");
     }},
    {chapter_name, "a command id with another fingerprint is refused",
     [](contract_run& run) {
       command_record record = command(run, UINT64_MAX);
       run.good(append_for(run, record, run.events(1)), "append");
       record.fingerprint = UINT64_MAX - 1;
       run.refused(append_for(run, record, run.events(1)), errc::command_id_reused, "another fingerprint",
                   {to_string(record.id)});
       record.fingerprint = UINT64_MAX;
       run.equal(run.good(append_for(run, record, run.events(1)), "the same fingerprint").repeated, true,
                 "repeated");
       run.unchanged(1, "refused commands");
     }},
    {chapter_name, "a command whose expectation fails has no outcome and can be tried again",
     [](contract_run& run) {
       run.stored("thing-1", expectation::any(), run.events(1));
       command_record const record = command(run);
       run.refused(append_for(run, record, run.events(1), expectation::no_stream()), errc::version_conflict,
                   "append");
       has_no_outcome(run, record);
       appended const done = run.good(
           append_for(run, record, run.events(1), expectation::exactly(version(1))), "second try");
       run.equal(done.repeated, false, "repeated");
       has_outcome(run, record, done, run.clock().now());
     }},
    {chapter_name, "a command whose condition is broken has no outcome",
     [](contract_run& run) {
       batch tagged = run.events(1);
       tagged.tagged({"a"});
       run.stored("thing-1", expectation::any(), tagged);
       command_record const record = command(run);
       batch const some = run.events(1);
       stream_append const part = some.to("thing-2");
       query const wanted = query().item({}, {"a"});
       append_condition condition{wanted.view(), position(0)};
       append_request const request{.streams = {&part, 1}, .condition = &condition, .command = &record};
       run.refused(run.append(request), errc::version_conflict, "append");
       has_no_outcome(run, record);
       condition.after = run.head();
       appended const done = run.good(run.append(request), "append behind the head");
       has_outcome(run, record, done, run.clock().now());
       // Its own outcome comes before the condition.
       condition.after = position(0);
       run.equal(run.good(run.append(request), "repeat").repeated, true, "repeated");
     }},
    {chapter_name, "a command whose events are refused has no outcome",
     [](contract_run& run) {
       batch const old = run.events(1);
       run.stored("thing-1", expectation::any(), old);
       command_record const record = command(run);
       run.refused(append_for(run, record, old, expectation::any(), "thing-2"), errc::duplicate_event,
                   "an old event");
       has_no_outcome(run, record);
       batch bad = run.events(1);
       bad.tagged({""});
       run.refused(append_for(run, record, bad), errc::invalid_argument, "an empty tag");
       has_no_outcome(run, record);
       run.unchanged(1, "refused commands");
     }},
    {chapter_name, "a command's outcome covers several streams",
     [](contract_run& run) {
       command_record const record = command(run);
       batch const a = run.events(2);
       batch const b = run.events(3);
       stream_append const parts[] = {a.to("thing-1"), b.to("thing-2")};
       appended const done = run.stored(append_request{.streams = parts, .command = &record});
       run.equal(done.version, version(3), "version: that of the last stream");
       has_outcome(run, record, done, run.clock().now());
       run.equal(run.stored(append_request{.streams = parts, .command = &record}).repeated, true, "repeated");
       run.unchanged(5, "a repeat");
     }},
    {chapter_name, "commands do not hide one another",
     [](contract_run& run) {
       std::vector<command_record> records;
       std::vector<appended> done;
       for (std::uint64_t i = 0; i < 50; ++i) {
         records.push_back({.id = command_id(uuid::from_name(uuid(), fmt::format("command {}", i))),
                            .command = i % 2 == 0 ? "place-thing" : "cancel-thing",
                            .fingerprint = i});
         done.push_back(run.good(append_for(run, records.back(), run.events(1)), "append"));
       }
       for (std::size_t i = 0; i < records.size(); ++i)
         has_outcome(run, records[i], done[i], run.clock().now());
       run.unchanged(50, "fifty commands");
     }},
    {chapter_name, "an impossible command record is refused",
     [](contract_run& run) {
       rejection const no{"thing-closed", "closed"};
       rejection const nameless{"", "closed"};
       rejection const long_code{std::string(limits::rejection_code_bytes + 1, 'x'), "closed"};
       rejection const long_text{"thing-closed", std::string(limits::rejection_text_bytes + 1, 'x')};
       rejection const bad_text{"thing-closed", "\xff"};
       std::string const long_name(limits::command_name_bytes + 1, 'x');
       batch const none = run.events(0);
       auto const attempt = [&](command_record const& record, std::size_t events = 0) {
         return append_for(run, record, run.events(events));
       };
       command_record const good = command(run);
       command_record record = good;
       record.id = command_id();
       run.refused(attempt(record, 1), errc::invalid_argument, "a nil id");
       record = good;
       record.command = "";
       run.refused(attempt(record, 1), errc::invalid_argument, "an empty name");
       record.command = "a\nb";
       run.refused(attempt(record, 1), errc::invalid_argument, "a name with a line break");
       record.command = long_name;
       run.refused(attempt(record, 1), errc::limit_exceeded, "a name too long");
       record = good;
       record.refused = &no;
       run.refused(attempt(record, 1), errc::invalid_argument, "a rejection with events");
       record.refused = &nameless;
       run.refused(attempt(record), errc::invalid_argument, "a rejection without a code");
       record.refused = &long_code;
       run.refused(attempt(record), errc::limit_exceeded, "a code too long");
       record.refused = &long_text;
       run.refused(attempt(record), errc::limit_exceeded, "a text too long");
       record.refused = &bad_text;
       run.refused(attempt(record), errc::invalid_argument, "a text that is not UTF-8");
       has_no_outcome(run, good);
       run.unchanged(0, "refused commands");
     }},
    {chapter_name, "names, codes and texts at their limits come back unchanged",
     [](contract_run& run) {
       std::string const name(limits::command_name_bytes, 'n');
       rejection const no{std::string(limits::rejection_code_bytes, 'c'),
                          std::string(limits::rejection_text_bytes, 't')};
       rejection const bare{"c", ""};
       for (rejection const* refused : {&no, &bare}) {
         command_record record = command(run);
         record.command = name;
         record.refused = refused;
         appended const done = run.good(run.append({.command = &record}), "rejection");
         has_outcome(run, record, done, run.clock().now());
       }
     }},
};

} // namespace

chapter command_cases() { return cases; }

} // namespace cleave::testing::detail
