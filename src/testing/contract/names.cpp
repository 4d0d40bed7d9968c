// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"
#include "queries.hpp"

#include <array>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::testing::detail {

namespace {

using namespace std::string_view_literals;

// Names that are allowed and that a store could stumble over.
constexpr std::string_view odd_texts[] = {"a",
                                          "-",
                                          "--",
                                          " ",
                                          "  ",
                                          "'",
                                          "\"",
                                          "`",
                                          "\\",
                                          "/",
                                          ".",
                                          "..",
                                          "0",
                                          "-1",
                                          "null",
                                          "NULL",
                                          "true",
                                          "[]",
                                          "{}",
                                          "it's",
                                          "say \"when\"",
                                          "back\\slash",
                                          "50%",
                                          "%",
                                          "%%",
                                          "_",
                                          "*",
                                          "?",
                                          "a_b",
                                          "a%b",
                                          "$1",
                                          ":name",
                                          "@x",
                                          "?1",
                                          "'; DROP TABLE events; --",
                                          "\" OR 1=1 --",
                                          "x' || 'y",
                                          "/* no */",
                                          "a;b",
                                          "a,b",
                                          "a|b",
                                          "a:b",
                                          "a=b",
                                          "a\xc2\xa0\x62",
                                          "grün",
                                          "straße",
                                          "Straße",
                                          "日本語",
                                          "Ελλάδα",
                                          "עברית",
                                          "e\xcc\x81",
                                          "\xc3\xa9",
                                          "emoji \xf0\x9f\x92\xb6",
                                          "\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
                                          "\xef\xbb\xbf bom",
                                          "\xf4\x8f\xbf\xbf",
                                          "\xed\x9f\xbf",
                                          "\xee\x80\x80",
                                          "upper",
                                          "Upper",
                                          "UPPER",
                                          "trailing ",
                                          " leading",
                                          "{\"json\":\"name\"}",
                                          "<b>&amp;</b>",
                                          "\\u0000",
                                          "%00",
                                          "..%2f",
                                          "a-b-c",
                                          "order-10248"};
std::vector<std::string> odd_names(std::size_t longest) {
  std::vector<std::string> names(std::begin(odd_texts), std::end(odd_texts));
  names.emplace_back(longest, 'x');
  names.emplace_back(longest - 1, 'x');
  std::string wide;
  while (wide.size() + 4 <= longest) wide += "\xf0\x9f\x92\xb6";
  names.push_back(wide + std::string(longest - wide.size(), 'y'));
  return names;
}

struct bad_name {
  std::string text;
  errc code;
  std::string what;
};
std::vector<bad_name> bad_names(std::size_t longest) {
  std::vector<bad_name> names = {
      {"", errc::invalid_argument, "an empty name"},
      {std::string("a\0b", 3), errc::invalid_argument, "a NUL inside"},
      {std::string(1, '\0'), errc::invalid_argument, "a NUL alone"},
      {std::string("ab\0", 3), errc::invalid_argument, "a NUL at the end"},
      {"a\x7f", errc::invalid_argument, "a DEL"},
      {"\xff", errc::invalid_argument, "a byte that never stands in UTF-8"},
      {"abc\x80", errc::invalid_argument, "a continuation byte alone"},
      {"\xc0\xaf", errc::invalid_argument, "an overlong slash"},
      {"\xe0\x80\xaf", errc::invalid_argument, "an overlong slash of three bytes"},
      {"\xf0\x80\x80\xaf", errc::invalid_argument, "an overlong slash of four bytes"},
      {"\xed\xa0\x80", errc::invalid_argument, "a surrogate"},
      {"\xf4\x90\x80\x80", errc::invalid_argument, "a code point beyond U+10FFFF"},
      {"ab\xf0\x9f\x92", errc::invalid_argument, "a character cut off"},
      {"\xe2\x28\xa1", errc::invalid_argument, "a broken character"},
      {std::string(longest + 1, 'x'), errc::limit_exceeded, "one byte too long"},
      {std::string(longest + 45, 'x'), errc::limit_exceeded, "45 bytes too long"},
      {std::string(100'000, 'x'), errc::limit_exceeded, "100,000 bytes"},
  };
  for (char c = 1; c < 0x20; ++c) {
    names.push_back(
        {std::string("a") + c + "b", errc::invalid_argument, fmt::format("control character {}", int{c})});
  }
  return names;
}

// Appends one event that differs from a good one in one thing; it must be refused, and nothing may be stored.
template <class Spoil> void refuses_all(contract_run& run, std::size_t longest, std::string_view thing,
                                        Spoil spoil) {
  run.stored("thing-1", expectation::any(), run.events(1));
  for (bad_name const& bad : bad_names(longest)) {
    batch one = run.events(0);
    spoil(one, bad.text);
    run.refused(run.append("thing-1", expectation::any(), one), bad.code,
                fmt::format("{}: {}", thing, bad.what));
  }
  run.unchanged(1, "refused appends");
}

constexpr std::string_view chapter_name = "names";

constexpr contract_case cases[] = {
    {chapter_name, "every allowed stream name comes back unchanged and is a stream of its own",
     [](contract_run& run) {
       auto const names = odd_names(limits::stream_name_bytes);
       std::vector<event_id> ids;
       for (std::string const& name : names) {
         batch const one = run.events(1, name);
         run.stored(name, expectation::no_stream(), one);
         ids.push_back(one.ids()[0]);
       }
       run.equal(column(run.log().events, &seen_event::stream), names, "stream names in the log");
       for (std::size_t i = 0; i < names.size(); ++i) {
         auto const seen = run.stream(names[i]);
         run.equal(ids_of(seen.events), std::vector{ids[i]},
                   fmt::format("events of stream \"{}\"", names[i]));
       }
     }},
    {chapter_name, "every allowed event name comes back unchanged and can be a filter",
     [](contract_run& run) {
       auto const names = odd_names(limits::event_name_bytes);
       for (std::string const& name : names) {
         batch one = run.events(0);
         one.raw(name, "{}");
         run.stored("thing-1", expectation::any(), one);
       }
       run.equal(column(run.stream("thing-1").events, &seen_event::name), names, "event names");
       for (std::string const& name : names) {
         query const wanted = query().item({name}, {});
         run.equal(column(run.log({.filter = wanted.view()}).events, &seen_event::name), std::vector{name},
                   fmt::format("filter by \"{}\"", name));
       }
     }},
    {chapter_name, "every allowed tag comes back unchanged and can be a filter",
     [](contract_run& run) {
       auto const names = odd_names(limits::tag_bytes);
       for (std::string const& name : names) {
         batch one = run.events(1);
         one.tagged({name});
         run.stored("thing-1", expectation::any(), one);
       }
       auto const seen = run.stream("thing-1").events;
       for (std::size_t i = 0; i < names.size(); ++i) {
         run.equal(seen.at(i).tags, std::vector{names[i]}, "tags");
         query const wanted = query().item({}, {names[i]});
         run.equal(positions_of(run.log({.filter = wanted.view()}).events), std::vector{seen[i].position},
                   fmt::format("filter by tag \"{}\"", names[i]));
       }
     }},
    {chapter_name, "every allowed header name comes back unchanged",
     [](contract_run& run) {
       auto const names = odd_names(limits::header_name_bytes);
       for (std::string const& name : names) {
         batch one = run.events(1);
         one.with_header(name, "value");
         run.stored("thing-1", expectation::any(), one);
       }
       auto const seen = run.stream("thing-1").events;
       for (std::size_t i = 0; i < names.size(); ++i) {
         run.equal(seen.at(i).headers, std::vector{names[i] + ": value"}, "headers");
       }
     }},
    {chapter_name, "an impossible stream name is refused by append, and nothing is stored",
     [](contract_run& run) {
       for (bad_name const& bad : bad_names(limits::stream_name_bytes)) {
         run.refused(run.append(bad.text, expectation::any(), run.events(1)), bad.code, bad.what);
         run.refused(run.append(bad.text, expectation::any(), run.events(0)), bad.code,
                     bad.what + ", no events");
       }
       run.unchanged(0, "refused appends");
     }},
    {chapter_name, "one impossible stream name among good ones stores nothing",
     [](contract_run& run) {
       batch const a = run.events(1);
       batch const b = run.events(1);
       stream_append const parts[] = {a.to("thing-1"), b.to("thing\n2")};
       run.refused(run.append({.streams = parts}), errc::invalid_argument, "a name with a line break");
       run.unchanged(0, "a refused append");
     }},
    {chapter_name, "an impossible stream name is refused by read_stream",
     [](contract_run& run) {
       for (bad_name const& bad : bad_names(limits::stream_name_bytes)) {
         auto const got = run.store().read_stream(bad.text, stream_range::all(),
                                                  [](recorded_event const&) { return true; });
         run.refused(got, bad.code, bad.what);
       }
     }},
    {chapter_name, "an impossible event name is refused",
     [](contract_run& run) {
       refuses_all(run, limits::event_name_bytes, "event name",
                   [](batch& one, std::string const& name) { one.raw(name, "{}"); });
     }},
    {chapter_name, "an impossible tag is refused",
     [](contract_run& run) {
       refuses_all(run, limits::tag_bytes, "tag",
                   [](batch& one, std::string const& tag) { one.note("x").tagged({"good", tag}); });
     }},
    {chapter_name, "an impossible header name is refused",
     [](contract_run& run) {
       refuses_all(run, limits::header_name_bytes, "header name",
                   [](batch& one, std::string const& name) { one.note("x").with_header(name, "value"); });
     }},
    {chapter_name, "a header value that is not UTF-8 is refused",
     [](contract_run& run) {
       for (std::string_view value : {"\xff"sv, "abc\xc3"sv, "\xed\xa0\x80"sv}) {
         batch one = run.events(1);
         one.with_header("name", value);
         run.refused(run.append("thing-1", expectation::any(), one), errc::invalid_argument, "header value");
       }
       run.unchanged(0, "refused appends");
     }},
    {chapter_name, "the same tag or header name twice on one event is refused",
     [](contract_run& run) {
       batch tags = run.events(1);
       tags.tagged({"a", "b", "a"});
       run.refused(run.append("thing-1", expectation::any(), tags), errc::invalid_argument, "a tag twice",
                   {"\"a\""});
       batch headers = run.events(1);
       headers.with_header("a", "1").with_header("a", "2");
       run.refused(run.append("thing-1", expectation::any(), headers), errc::invalid_argument,
                   "a header twice", {"\"a\""});
       run.unchanged(0, "refused appends");
     }},
    {chapter_name, "an event without an id is refused",
     [](contract_run& run) {
       batch some = run.events(2);
       some.with_id(event_id());
       run.refused(run.append("thing-1", expectation::any(), some), errc::invalid_argument, "a nil id");
       run.unchanged(0, "a refused append");
     }},
    {chapter_name, "an id twice in one batch is refused",
     [](contract_run& run) {
       batch some = run.events(3);
       some.with_id(some.ids()[0]);
       run.refused(run.append("thing-1", expectation::any(), some), errc::duplicate_event, "an id twice",
                   {to_string(some.ids()[0])});
       run.unchanged(0, "a refused append");
     }},
};

} // namespace

chapter name_cases() { return cases; }

} // namespace cleave::testing::detail
