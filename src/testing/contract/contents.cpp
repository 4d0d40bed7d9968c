// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace cleave::testing::detail {

namespace {

using namespace std::string_view_literals;

std::vector<std::string> sorted(std::vector<std::string> texts) {
  std::ranges::sort(texts);
  return texts;
}

// Texts that some layer between here and the disk could mangle.
std::vector<std::string> odd_texts() {
  std::vector<std::string> texts = {"",
                                    " ",
                                    "'",
                                    "''",
                                    "\"",
                                    "\\",
                                    "\\\\",
                                    "\\\"",
                                    "it's",
                                    "'; DROP TABLE events; --",
                                    "\" OR \"\"=\"",
                                    "%s%d%n",
                                    "{}",
                                    "{0}",
                                    "null",
                                    "line\nbreak",
                                    "carriage\r\nreturn",
                                    "tab\tstop",
                                    "\b\f\v\a",
                                    std::string("nul \0 inside", 12),
                                    std::string(1, '\0'),
                                    "\x7f",
                                    "grün, Straße, 日本語, עברית",
                                    "\xf0\x9f\x92\xb6 \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
                                    "\xf4\x8f\xbf\xbf",
                                    "\xe2\x80\xa8\xe2\x80\xa9",
                                    "\\u0041 \\n \\x00",
                                    "</script>",
                                    "trailing space ",
                                    "\xef\xbb\xbf"};
  std::string controls;
  for (char c = 0; c < 0x20; ++c) controls += c;
  texts.push_back(controls);
  texts.emplace_back(100'000, 'x');
  return texts;
}

// 16 events, each with everything on it, that read back as they were written.
void keeps_everything(contract_run& run) {
  batch some = run.events(0);
  for (int i = 0; i < 16; ++i) {
    if (i % 2 == 0) some.note(fmt::format("note {}", i));
    else some.raw("contract-raw.v1", fmt::format("[{}]", i));
    some.tagged({fmt::format("tag:{}", i), "every"});
    some.with_metadata(run.ids().next_correlation(), run.ids().next_causation());
    some.with_header("traceparent", fmt::format("00-{:032}-{:016}-01", i, i)).with_header("user", "ann");
  }
  run.stored("thing-1", expectation::any(), some);
  auto const seen = run.stream("thing-1").events;
  run.equal(texts_of(seen), some.data(), "stored forms");
  for (std::size_t i = 0; i < some.size(); ++i) {
    new_event const& given = some.events()[i];
    seen_event const& got = seen.at(i);
    run.equal(got.id, given.id, "id");
    run.equal(got.name, std::string(given.name), "name");
    run.equal(got.correlation, given.metadata.correlation, "correlation");
    run.equal(got.causation, given.metadata.causation, "causation");
    run.equal(sorted(got.tags), sorted({fmt::format("tag:{}", i), "every"}), "tags");
    run.equal(sorted(got.headers),
              sorted({fmt::format("traceparent: 00-{:032}-{:016}-01", i, i), "user: ann"}), "headers");
  }
}

constexpr std::string_view chapter_name = "contents";

constexpr contract_case cases[] = {
    {chapter_name, "ids, names, metadata, headers and tags come back unchanged", keeps_everything},
    {chapter_name, "an event without metadata and tags has none",
     [](contract_run& run) {
       batch tagged = run.events(1);
       tagged.tagged({"a"}).with_header("b", "c").with_metadata(run.ids().next_correlation(),
                                                                run.ids().next_causation());
       run.stored("thing-1", expectation::any(), tagged);
       run.stored("thing-1", expectation::any(), run.events(1));
       seen_event const seen = run.stream("thing-1").events.at(1);
       run.check(seen.correlation.nil(), "no correlation");
       run.check(seen.causation.nil(), "no causation");
       run.equal(seen.tags, std::vector<std::string>{}, "tags");
       run.equal(seen.headers, std::vector<std::string>{}, "headers");
     }},
    {chapter_name, "correlation and causation stand alone too",
     [](contract_run& run) {
       correlation_id const correlation = run.ids().next_correlation();
       causation_id const causation = run.ids().next_causation();
       batch some = run.events(1);
       some.with_metadata(correlation, {});
       some.note("second").with_metadata({}, causation);
       run.stored("thing-1", expectation::any(), some);
       auto const seen = run.stream("thing-1").events;
       run.equal(column(seen, &seen_event::correlation), std::vector{correlation, correlation_id()},
                 "correlations");
       run.equal(column(seen, &seen_event::causation), std::vector{causation_id(), causation}, "causations");
     }},
    {chapter_name, "the store keeps copies: what the caller does afterwards changes nothing",
     [](contract_run& run) {
       std::vector<std::string> data;
       {
         std::string stream = "thing-1";
         batch some = run.events(4, "short-lived");
         some.all_tagged("tag:short-lived").with_header("header", "short-lived");
         data = some.data();
         run.stored(stream, expectation::any(), some);
         stream.assign(7, '#');
       }
       run.events(40, "something else in the same memory");
       auto const seen = run.stream("thing-1").events;
       run.equal(texts_of(seen), data, "stored forms");
       for (seen_event const& event : seen) {
         run.equal(event.stream, "thing-1"sv, "stream");
         run.equal(event.tags, std::vector<std::string>{"tag:short-lived"}, "tags");
       }
       run.equal(seen.at(3).headers, std::vector<std::string>{"header: short-lived"}, "headers");
     }},
    {chapter_name, "any text in an event's field comes back unchanged",
     [](contract_run& run) {
       batch some = run.events(0);
       for (std::string const& text : odd_texts()) some.note(text);
       run.stored("thing-1", expectation::any(), some);
       run.equal(texts_of(run.stream("thing-1").events), some.data(), "stored forms");
     }},
    {chapter_name, "any stored form made elsewhere comes back byte by byte",
     [](contract_run& run) {
       batch some = run.events(0);
       for (std::string_view data :
            {"{}"sv, "[]"sv, "null"sv, "0"sv, "\"\""sv,
             R"({"a":"it's","b":"\"quoted\"","c":"\\","d":"\n\t\u0000"})"sv,
             R"({"sql":"'; DROP TABLE events; --"})"sv, "{\"emoji\":\"\xf0\x9f\x92\xb6\"}"sv,
             R"({"escaped":"\ud83d\udcb6"})"sv, "{ \"spaces\" :\n [ 1 , 2 ]\t}"sv,
             R"({"same":1,"order":2,"kept":3})"sv, R"({"n":12345678901234567890})"sv,
             R"({"n":1.10,"m":1e400,"z":-0.0})"sv}) {
         some.raw("contract-raw.v1", data);
       }
       run.stored("thing-1", expectation::any(), some);
       run.equal(texts_of(run.stream("thing-1").events), some.data(), "stored forms");
       run.equal(texts_of(run.log().events), some.data(), "stored forms in the log");
     }},
    {chapter_name, "any text in a header's value comes back unchanged",
     [](contract_run& run) {
       std::vector<std::string> wanted;
       for (std::string const& text : odd_texts()) {
         if (text.size() > limits::header_value_bytes) continue;
         batch one = run.events(1);
         one.with_header("h", text);
         run.stored("thing-1", expectation::any(), one);
         wanted.push_back("h: " + text);
       }
       std::vector<std::string> got;
       for (seen_event const& event : run.stream("thing-1").events) {
         got.push_back(event.headers.size() == 1 ? event.headers[0]
                                                 : fmt::format("{} headers", event.headers.size()));
       }
       run.equal(got, wanted, "headers");
     }},
    {chapter_name, "the smallest and greatest integers come back unchanged",
     [](contract_run& run) {
       batch some = run.events(0);
       some.count(std::numeric_limits<std::int64_t>::min())
           .count(std::numeric_limits<std::int64_t>::max())
           .count(0)
           .count(-1);
       run.stored("thing-1", expectation::any(), some);
       run.equal(texts_of(run.stream("thing-1").events), some.data(), "stored forms");
     }},
    {chapter_name, "an event of one megabyte comes back unchanged",
     [](contract_run& run) {
       std::string text;
       while (text.size() < 1'000'000) text += "0123456789 \xf0\x9f\x92\xb6 \"quoted\" ";
       batch some = run.events(0);
       some.note(text).note("small").note(text);
       run.stored("thing-1", expectation::any(), some);
       run.equal(texts_of(run.stream("thing-1").events) == some.data(), true, "stored forms are equal");
     }},
    {chapter_name, "ids of every kind come back unchanged",
     [](contract_run& run) {
       batch some = run.events(0);
       std::array<std::uint8_t, uuid::size> bytes{};
       for (std::uint8_t fill : std::initializer_list<std::uint8_t>{0x01, 0x7f, 0x80, 0xff, 0x27, 0x25}) {
         bytes.fill(fill);
         some.note("x").with_id(event_id(uuid(bytes)));
       }
       bytes.fill(0);
       bytes[15] = 1;
       some.note("x").with_id(event_id(uuid(bytes)));
       bytes[0] = 0xff;
       some.note("x").with_id(event_id(uuid(bytes)));
       run.stored("thing-1", expectation::any(), some);
       run.equal(ids_of(run.stream("thing-1").events), some.ids(), "ids");
     }},
    {chapter_name, "recorded_at is the clock's time of the append, the same for all its events",
     [](contract_run& run) {
       std::vector<timestamp> wanted;
       for (std::int64_t step : {0L, 1L, 999'999L, 86'400'000'000L}) {
         run.clock().advance_us(step);
         auto const done = run.stored("thing-1", expectation::any(), run.events(2));
         run.equal(done.recorded_at, run.clock().now(), "recorded_at of the answer");
         wanted.insert(wanted.end(), 2, run.clock().now());
       }
       run.equal(column(run.stream("thing-1").events, &seen_event::recorded_at), wanted,
                 "recorded_at in the stream");
       run.equal(column(run.log().events, &seen_event::recorded_at), wanted, "recorded_at in the log");
     }},
    {chapter_name, "positions rise although the clock goes back",
     [](contract_run& run) {
       batch const first = run.events(2);
       batch const second = run.events(2);
       run.stored("thing-1", expectation::any(), first);
       run.clock().set(timestamp(-1'000'000));
       run.stored("thing-1", expectation::any(), second);
       auto const seen = run.log().events;
       run.equal(seen.at(3).recorded_at, timestamp(-1'000'000), "recorded_at before 1970");
       run.check(seen.at(1).position < seen.at(2).position, "positions rise");
       batch all = run.events(0);
       all.add(first).add(second);
       run.equal(ids_of(seen), all.ids(), "the order of the log");
     }},
};

} // namespace

chapter content_cases() { return cases; }

} // namespace cleave::testing::detail
