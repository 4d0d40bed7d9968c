// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"

namespace cleave::testing::detail {

namespace {

constexpr std::uint64_t greatest = UINT64_MAX;

// A stream of ten events among others.
void prepare(contract_run& run) {
  for (int i = 0; i < 5; ++i) {
    run.stored("other-1", expectation::any(), run.events(1, "other"));
    run.stored("thing-1", expectation::any(), run.events(2, "thing"));
  }
}

// The versions that a range shows; whatever the range, the answer is the last version.
void shows(contract_run& run, stream_range range, std::vector<std::uint64_t> const& versions,
           contract_run::place at = contract_run::place::current()) {
  auto const seen = run.stream("thing-1", range, at);
  run.equal(versions_of(seen.events), versions, "versions", at);
  run.equal(seen.last, version(10), "the answer of read_stream", at);
}

std::vector<std::uint64_t> down(std::uint64_t first, std::uint64_t last) {
  auto all = numbers(last, first);
  return {all.rbegin(), all.rend()};
}

void stops(contract_run& run, stream_range range, std::size_t after,
           std::vector<std::uint64_t> const& versions) {
  std::vector<std::uint64_t> seen;
  auto const last = run.store().read_stream("thing-1", range, [&](recorded_event const& event) {
    seen.push_back(event.at.version.value());
    return seen.size() < after;
  });
  run.equal(seen, versions, "versions up to the one where the sink said no");
  run.equal(run.good(last, "read_stream"), version(10), "the answer of read_stream");
}

constexpr std::string_view chapter_name = "reading a stream";

constexpr contract_case cases[] = {
    {chapter_name, "a stream without events shows nothing and has version 0",
     [](contract_run& run) {
       for (stream_range range :
            {stream_range::all(), stream_range::backward(), stream_range{.from = version(7)}}) {
         auto const seen = run.stream("thing-1", range);
         run.equal(seen.events.size(), 0U, "events");
         run.equal(seen.last, version(0), "version");
       }
     }},
    {chapter_name, "a stream shows its own events alone, in order",
     [](contract_run& run) {
       batch const mine = run.events(6, "mine");
       for (std::size_t i = 0; i < 6; ++i) {
         run.stored("thing-1", expectation::any(), mine.slice(i, i + 1));
         run.stored("thing-2", expectation::any(), run.events(1, "other"));
         run.stored("thing", expectation::any(), run.events(1, "other"));
       }
       auto const seen = run.stream("thing-1");
       run.equal(ids_of(seen.events), mine.ids(), "ids");
       run.equal(texts_of(seen.events), mine.data(), "stored forms");
       run.equal(column(seen.events, &seen_event::stream), std::vector<std::string>(6, "thing-1"),
                 "stream names");
       run.equal(seen.last, version(6), "version");
     }},
    {chapter_name, "forward from 0 shows all",
     [](contract_run& run) { prepare(run), shows(run, {.from = version(0)}, numbers(1, 10)); }},
    {chapter_name, "forward from 1 shows all",
     [](contract_run& run) { prepare(run), shows(run, {.from = version(1)}, numbers(1, 10)); }},
    {chapter_name, "forward from the middle shows that version and the later ones",
     [](contract_run& run) { prepare(run), shows(run, {.from = version(5)}, numbers(5, 10)); }},
    {chapter_name, "forward from the last version shows one event",
     [](contract_run& run) { prepare(run), shows(run, {.from = version(10)}, {10}); }},
    {chapter_name, "forward from behind the last version shows nothing",
     [](contract_run& run) { prepare(run), shows(run, {.from = version(11)}, {}); }},
    {chapter_name, "forward from the greatest version shows nothing",
     [](contract_run& run) { prepare(run), shows(run, {.from = version(greatest)}, {}); }},
    {chapter_name, "forward takes a limit of 0, 1, exactly what is there, and more",
     [](contract_run& run) {
       prepare(run);
       shows(run, stream_range::all().up_to(0), {});
       shows(run, stream_range::all().up_to(1), {1});
       shows(run, stream_range::all().up_to(9), numbers(1, 9));
       shows(run, stream_range::all().up_to(10), numbers(1, 10));
       shows(run, stream_range::all().up_to(11), numbers(1, 10));
       shows(run, stream_range::all().up_to(greatest), numbers(1, 10));
       shows(run, stream_range{.from = version(4)}.up_to(3), numbers(4, 6));
       shows(run, stream_range{.from = version(9)}.up_to(2), numbers(9, 10));
       shows(run, stream_range{.from = version(9)}.up_to(3), numbers(9, 10));
     }},
    {chapter_name, "after(version) goes on behind it",
     [](contract_run& run) {
       prepare(run);
       shows(run, stream_range::after(version(0)), numbers(1, 10));
       shows(run, stream_range::after(version(3)), numbers(4, 10));
       shows(run, stream_range::after(version(10)), {});
     }},
    {chapter_name, "backward shows the newest first",
     [](contract_run& run) { prepare(run), shows(run, stream_range::backward(), down(10, 1)); }},
    {chapter_name, "backward from the last version shows all",
     [](contract_run& run) { prepare(run), shows(run, stream_range::backward(version(10)), down(10, 1)); }},
    {chapter_name, "backward from behind the last version shows all",
     [](contract_run& run) { prepare(run), shows(run, stream_range::backward(version(11)), down(10, 1)); }},
    {chapter_name, "backward from the middle shows that version and the earlier ones",
     [](contract_run& run) { prepare(run), shows(run, stream_range::backward(version(6)), down(6, 1)); }},
    {chapter_name, "backward from 1 shows one event",
     [](contract_run& run) { prepare(run), shows(run, stream_range::backward(version(1)), {1}); }},
    {chapter_name, "backward from 0 shows nothing",
     [](contract_run& run) { prepare(run), shows(run, stream_range::backward(version(0)), {}); }},
    {chapter_name, "backward takes a limit of 0, 1, exactly what is there, and more",
     [](contract_run& run) {
       prepare(run);
       shows(run, stream_range::backward().up_to(0), {});
       shows(run, stream_range::backward().up_to(1), {10});
       shows(run, stream_range::backward().up_to(9), down(10, 2));
       shows(run, stream_range::backward().up_to(10), down(10, 1));
       shows(run, stream_range::backward().up_to(11), down(10, 1));
       shows(run, stream_range::backward(version(6)).up_to(2), down(6, 5));
       shows(run, stream_range::backward(version(2)).up_to(2), down(2, 1));
       shows(run, stream_range::backward(version(2)).up_to(3), down(2, 1));
     }},
    {chapter_name, "a sink that says no gets nothing more",
     [](contract_run& run) {
       prepare(run);
       stops(run, stream_range::all(), 1, {1});
       stops(run, stream_range::all(), 4, numbers(1, 4));
       stops(run, {.from = version(5)}, 2, numbers(5, 6));
       stops(run, stream_range::backward(), 1, {10});
       stops(run, stream_range::backward(version(7)), 3, down(7, 5));
     }},
    {chapter_name, "a stream of 1,000 events reads well from both ends",
     [](contract_run& run) {
       for (int i = 0; i < 10; ++i) {
         run.stored("thing-1", expectation::any(), run.events(100));
         run.stored("other-1", expectation::any(), run.events(7));
       }
       run.equal(versions_of(run.stream("thing-1").events), numbers(1, 1000), "forward");
       run.equal(versions_of(run.stream("thing-1", stream_range::backward()).events), down(1000, 1),
                 "backward");
       run.equal(versions_of(run.stream("thing-1", stream_range{.from = version(500)}.up_to(2)).events),
                 numbers(500, 501), "from 500");
       run.equal(versions_of(run.stream("thing-1", stream_range::backward(version(257)).up_to(3)).events),
                 down(257, 255), "back from 257");
     }},
    {chapter_name, "a sink may read the store",
     [](contract_run& run) {
       prepare(run);
       std::size_t inner = 0;
       auto const last = run.store().read_stream("thing-1", stream_range::all(), [&](recorded_event const&) {
         inner += run.stream("other-1").events.size() + run.log({.limit = 3}).events.size();
         run.check(run.head() == position(15) || run.head() > position(15), "head inside a sink");
         return true;
       });
       run.equal(run.good(last, "read_stream"), version(10), "version");
       run.equal(inner, 10U * (5 + 3), "events read inside the sink");
     }},
    {chapter_name, "a sink may append, and goes on in the snapshot where it began",
     [](contract_run& run) {
       prepare(run);
       std::vector<std::uint64_t> seen;
       auto const last = run.store().read_stream(
           "thing-1", stream_range::all(), [&](recorded_event const& event) {
             seen.push_back(event.at.version.value());
             run.stored("thing-1", expectation::exactly(version(9 + seen.size())), run.events(1, "inside"));
             return seen.size() < 20; // a store that reads without a snapshot never comes to an end
           });
       run.equal(seen, numbers(1, 10), "versions");
       run.equal(run.good(last, "read_stream"), version(10), "the answer of read_stream");
       run.equal(run.stream("thing-1").last, version(20), "version afterwards");
     }},
};

} // namespace

chapter stream_read_cases() { return cases; }

} // namespace cleave::testing::detail
