// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"
#include "queries.hpp"

#include <deque>

namespace cleave::testing::detail {

namespace {

std::string json_text(std::size_t bytes) { return "\"" + std::string(bytes - 2, 'x') + "\""; }

constexpr std::string_view chapter_name = "limits";

constexpr contract_case cases[] = {
    {chapter_name, "as many events as one append may have are stored, one more is refused",
     [](contract_run& run) {
       batch const most = run.events(limits::events_per_append);
       appended const done = run.stored("thing-1", expectation::no_stream(), most);
       run.equal(done.version, version(limits::events_per_append), "version");
       run.equal(ids_of(run.stream("thing-1").events) == most.ids(), true, "the events are in order");
       run.refused(run.append("thing-2", expectation::any(), run.events(limits::events_per_append + 1)),
                   errc::limit_exceeded, "one event too many", {"10000"});
       batch const half = run.events(limits::events_per_append / 2);
       batch const rest = run.events(limits::events_per_append / 2 + 1);
       stream_append const parts[] = {half.to("thing-2"), rest.to("thing-3")};
       run.refused(run.append({.streams = parts}), errc::limit_exceeded, "one event too many in two streams");
       run.equal(run.head(), done.position, "head after refused appends");
     }},
    {chapter_name, "as many streams as one append may have are stored, one more is refused",
     [](contract_run& run) {
       batch const events = run.events(limits::streams_per_append + 1);
       std::deque<std::string> names;
       std::deque<batch> batches;
       std::vector<stream_append> parts;
       for (std::size_t i = 0; i < limits::streams_per_append + 1; ++i) {
         batch const& one = batches.emplace_back(events.slice(i, i + 1));
         parts.push_back(one.to(names.emplace_back(fmt::format("thing-{}", i)), expectation::no_stream()));
       }
       run.refused(run.append({.streams = parts}), errc::limit_exceeded, "one stream too many",
                   {"1001", "1000"});
       run.unchanged(0, "a refused append");
       parts.pop_back();
       appended const done = run.stored(append_request{.streams = parts});
       run.equal(done.version, version(1), "version");
       run.unchanged(limits::streams_per_append, "the append");
     }},
    {chapter_name, "the largest event is stored, one byte more is refused",
     [](contract_run& run) {
       std::string const most = json_text(limits::event_data_bytes);
       batch largest = run.events(0);
       largest.raw(raw_name, most);
       run.stored("thing-1", expectation::any(), largest);
       auto const seen = run.stream("thing-1").events;
       run.equal(seen.at(0).data == most, true, "the event came back unchanged");
       batch larger = run.events(0);
       larger.raw(raw_name, json_text(limits::event_data_bytes + 1));
       run.refused(run.append("thing-1", expectation::any(), larger), errc::limit_exceeded,
                   "one byte too many", {std::string(raw_name)});
       run.equal(run.stream("thing-1").last, version(1), "version");
     }},
    {chapter_name, "more data than one append may have are refused",
     [](contract_run& run) {
       // The events of the request show one text, so that it stays small.
       std::string const text = json_text(limits::event_data_bytes);
       std::vector<new_event> events;
       for (std::size_t i = 0; i <= limits::append_data_bytes / limits::event_data_bytes; ++i) {
         events.push_back({.id = run.ids().next_event(), .name = raw_name, .data = text});
       }
       stream_append const part{"thing-1", expectation::any(), events};
       run.refused(run.append({.streams = {&part, 1}}), errc::limit_exceeded, "64 MiB and more");
       run.unchanged(0, "a refused append");
     }},
    {chapter_name, "as many tags as an event may have are stored, one more is refused",
     [](contract_run& run) {
       batch one = run.events(1);
       for (std::size_t i = 0; i < limits::tags_per_event; ++i) {
         std::string tag = fmt::format("{:02}", i);
         tag.resize(limits::tag_bytes, 'x');
         one.tagged({tag});
       }
       run.stored("thing-1", expectation::any(), one);
       run.equal(run.stream("thing-1").events.at(0).tags.size(), limits::tags_per_event, "tags");
       std::vector<std::string_view> const all(one.events()[0].tags.begin(), one.events()[0].tags.end());
       run.equal(run.log({.filter = query().item({}, all).view()}).events.size(), 1U,
                 "events with all of them");
       batch more = run.events(0);
       more.add(one).with_id(run.ids().next_event()).tagged({"one more"});
       run.refused(run.append("thing-1", expectation::any(), more), errc::limit_exceeded, "one tag too many");
       run.unchanged(1, "a refused append");
     }},
    {chapter_name, "as many headers as an event may have are stored, one more is refused",
     [](contract_run& run) {
       batch one = run.events(1);
       std::string const value(limits::header_value_bytes, 'v');
       for (std::size_t i = 0; i < limits::headers_per_event; ++i)
         one.with_header(fmt::format("header {}", i), value);
       run.stored("thing-1", expectation::any(), one);
       run.equal(run.stream("thing-1").events.at(0).headers.size(), limits::headers_per_event, "headers");
       batch more = run.events(0);
       more.add(one).with_id(run.ids().next_event()).with_header("one more", "v");
       run.refused(run.append("thing-1", expectation::any(), more), errc::limit_exceeded,
                   "one header too many");
       batch longer = run.events(1);
       longer.with_header("h", value + "v");
       run.refused(run.append("thing-1", expectation::any(), longer), errc::limit_exceeded,
                   "a value one byte too long");
       run.unchanged(1, "refused appends");
     }},
    {chapter_name, "a query at its limits works, and one beyond is refused",
     [](contract_run& run) {
       batch one = run.events(0);
       one.raw("name-255.v1", "{}").tagged({"tag-0"});
       run.stored("thing-1", expectation::any(), one);
       std::deque<std::string> texts;
       std::vector<std::string_view> names;
       names.reserve(limits::names_per_query_item + 1);
       std::vector<std::string_view> tags;
       tags.reserve(limits::tags_per_event + 1);
       for (std::size_t i = 0; i < limits::names_per_query_item; ++i)
         names.push_back(texts.emplace_back(fmt::format("name-{}.v1", i)));
       for (std::size_t i = 0; i < limits::tags_per_event; ++i)
         tags.push_back(texts.emplace_back(fmt::format("tag-{}", i)));
       auto const read = [&](query const& filter) {
         return run.store().read_all({.filter = filter.view()}, [](recorded_event const&) { return true; });
       };
       run.equal(run.log({.filter = query().item(names, {"tag-0"}).view()}).events.size(), 1U,
                 "events of 256 names with a tag");
       run.equal(run.log({.filter = query().item(names, tags).view()}).events.size(), 0U,
                 "events of 256 names with 32 tags");
       names.emplace_back("one more");
       run.refused(read(query().item(names, {})), errc::limit_exceeded, "one name too many");
       tags.emplace_back("one more");
       run.refused(read(query().item({}, tags)), errc::limit_exceeded, "one tag too many");
     }},
};

} // namespace

chapter limit_cases() { return cases; }

} // namespace cleave::testing::detail
