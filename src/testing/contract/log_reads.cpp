// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"
#include "queries.hpp"

#include <array>

namespace cleave::testing::detail {

namespace {

using enum contract_case::need;

// Twelve events of three names with tags: event i (from 1) is tagged n:i, and even or odd, and three when 3 divides it.
std::vector<seen_event> prepare(contract_run& run) {
  constexpr std::array<std::string_view, 3> names = {"contract-a.v1", "contract-b.v1", "contract-c.v1"};
  for (std::size_t i = 1; i <= 12; ++i) {
    batch one = run.events(0);
    one.raw(names.at(i % 3), fmt::format("{{\"number\":{}}}", i));
    one.tagged({fmt::format("n:{}", i), i % 2 == 0 ? "even" : "odd"});
    if (i % 3 == 0) one.tagged({"three"});
    run.stored(i % 2 == 0 ? "thing-1" : "thing-2", expectation::any(), one);
  }
  return run.log().events;
}

// The numbers (1 to 12) of the events that a filter shows.
void shows(contract_run& run, query const& filter, std::vector<std::uint64_t> const& wanted,
           contract_run::place at = contract_run::place::current()) {
  auto const all = prepare(run);
  std::vector<std::uint64_t> positions;
  positions.reserve(wanted.size());
  for (std::uint64_t number : wanted) positions.push_back(all.at(number - 1).position);
  auto const seen = run.log({.filter = filter.view()}, at);
  run.equal(positions_of(seen.events), positions, "positions", at);
  run.equal(seen.reached, run.head(), "the answer of read_all", at);
}

constexpr std::string_view chapter_name = "reading the log";

constexpr contract_case cases[] = {
    {chapter_name, "an empty log shows nothing and has head 0",
     [](contract_run& run) {
       auto const seen = run.log();
       run.equal(seen.events.size(), 0U, "events");
       run.equal(seen.reached, position(0), "the answer of read_all");
       run.equal(run.head(), position(0), "head");
     }},
    {chapter_name, "the log shows all streams in the order of their appends",
     [](contract_run& run) {
       std::vector<event_id> ids;
       for (int i = 0; i < 6; ++i) {
         batch const some = run.events(static_cast<std::size_t>(1 + i % 3));
         run.stored(i % 2 == 0 ? "thing-1" : "thing-2", expectation::any(), some);
         for (event_id id : some.ids()) ids.push_back(id);
       }
       auto const seen = run.log();
       run.equal(ids_of(seen.events), ids, "ids");
       auto const positions = positions_of(seen.events);
       for (std::size_t i = 1; i < positions.size(); ++i) {
         run.check(positions[i - 1] < positions[i],
                   fmt::format("position {} before position {}", positions[i - 1], positions[i]));
       }
       run.equal(seen.reached, position(positions.at(positions.size() - 1)), "the answer of read_all");
     }},
    {chapter_name, "positions begin at 1 and have no gaps",
     [](contract_run& run) {
       prepare(run);
       run.equal(positions_of(run.log().events), numbers(1, 12), "positions");
     },
     no_position_gaps},
    {chapter_name, "an append answers with the position of its last event, and the head moves there",
     [](contract_run& run) {
       for (std::size_t count : {1U, 3U, 2U}) {
         appended const done = run.stored("thing-1", expectation::any(), run.events(count));
         run.equal(done.position, position(run.log().events.at(run.log().events.size() - 1).position),
                   "position");
         run.equal(run.head(), done.position, "head");
       }
     }},
    {chapter_name, "reading begins behind the position given",
     [](contract_run& run) {
       auto const all = prepare(run);
       auto const positions = positions_of(all);
       for (std::size_t i : {0U, 1U, 5U, 10U, 11U}) {
         auto const seen = run.log({.after = position(positions.at(i))});
         run.equal(positions_of(seen.events),
                   std::vector(positions.begin() + static_cast<std::ptrdiff_t>(i) + 1, positions.end()),
                   fmt::format("positions behind event {}", i + 1));
         run.equal(seen.reached, run.head(), "the answer of read_all");
       }
     }},
    {chapter_name, "reading from behind the head shows nothing and answers with the head",
     [](contract_run& run) {
       prepare(run);
       position const head = run.head();
       for (std::uint64_t after :
            {head.value(), head.value() + 1, head.value() + 1000, limits::position_max}) {
         auto const seen = run.log({.after = position(after)});
         run.equal(seen.events.size(), 0U, fmt::format("events behind {}", after));
         run.equal(seen.reached, head, fmt::format("the answer of read_all behind {}", after));
       }
     }},
    {chapter_name, "a limit of 0 shows nothing and goes nowhere",
     [](contract_run& run) {
       prepare(run);
       auto const seen = run.log({.after = position(3), .limit = 0});
       run.equal(seen.events.size(), 0U, "events");
       run.equal(seen.reached, position(3), "the answer of read_all");
     }},
    {chapter_name, "a limit ends the read at the last event handed out",
     [](contract_run& run) {
       auto const all = prepare(run);
       for (std::size_t limit : {1U, 2U, 11U, 12U}) {
         auto const seen = run.log({.limit = limit});
         run.equal(seen.events.size(), limit, "events");
         run.equal(seen.reached, position(all.at(limit - 1).position),
                   fmt::format("the answer with limit {}", limit));
       }
       auto const more = run.log({.limit = 13});
       run.equal(more.events.size(), 12U, "events with limit 13");
       run.equal(more.reached, run.head(), "the answer with limit 13");
     }},
    {chapter_name, "a sink that says no gets nothing more, and the answer is its last event",
     [](contract_run& run) {
       auto const all = prepare(run);
       for (std::size_t stop : {1U, 4U, 12U}) {
         std::size_t seen = 0;
         auto const reached = run.store().read_all({}, [&](recorded_event const&) { return ++seen < stop; });
         run.equal(seen, stop, "events handed out");
         run.equal(run.good(reached, "read_all"), position(all.at(stop - 1).position),
                   "the answer of read_all");
       }
     }},
    {chapter_name, "pages by limit show every event once",
     [](contract_run& run) {
       auto const all = prepare(run);
       std::vector<std::uint64_t> positions;
       position at;
       for (int page = 0; page < 10; ++page) {
         auto const seen = run.log({.after = at, .limit = 5});
         for (std::uint64_t p : positions_of(seen.events)) positions.push_back(p);
         at = seen.reached;
         if (seen.events.empty()) break;
       }
       run.equal(positions, positions_of(all), "positions over all pages");
     }},
    {chapter_name, "a filter by one name shows the events of that name",
     [](contract_run& run) { shows(run, query().item({"contract-b.v1"}, {}), {1, 4, 7, 10}); }},
    {chapter_name, "a filter by several names shows the events of each",
     [](contract_run& run) {
       shows(run, query().item({"contract-a.v1", "contract-c.v1"}, {}), {2, 3, 5, 6, 8, 9, 11, 12});
     }},
    {chapter_name, "a filter by all names shows everything",
     [](contract_run& run) {
       shows(run, query().item({"contract-a.v1", "contract-b.v1", "contract-c.v1", "contract-d.v1"}, {}),
             numbers(1, 12));
     }},
    {chapter_name, "a filter by a name that no event has shows nothing",
     [](contract_run& run) { shows(run, query().item({"contract-d.v1"}, {}), {}); }},
    {chapter_name, "a filter by one tag shows the events that carry it",
     [](contract_run& run) { shows(run, query().item({}, {"even"}), {2, 4, 6, 8, 10, 12}); }},
    {chapter_name, "a filter by several tags shows the events that carry all of them",
     [](contract_run& run) { shows(run, query().item({}, {"even", "three"}), {6, 12}); }},
    {chapter_name, "a filter by tags of which one is on no event shows nothing",
     [](contract_run& run) { shows(run, query().item({}, {"even", "never"}), {}); }},
    {chapter_name, "a filter by name and tag shows the events with both",
     [](contract_run& run) {
       shows(run, query().item({"contract-b.v1", "contract-c.v1"}, {"odd"}), {1, 5, 7, 11});
     }},
    {chapter_name, "a filter of several items shows what any of them shows, each event once",
     [](contract_run& run) {
       shows(run,
             query()
                 .item({"contract-a.v1"}, {"even"})
                 .item({}, {"three", "odd"})
                 .item({}, {"n:9"})
                 .item({}, {"n:7"}),
             {3, 6, 7, 9, 12});
     }},
    {chapter_name, "a filter of an item by name and an item by tag shows what either shows",
     [](contract_run& run) {
       shows(run, query().item({"contract-b.v1"}, {}).item({}, {"three"}), {1, 3, 4, 6, 7, 9, 10, 12});
     }},
    {chapter_name, "an item without names and tags shows everything",
     [](contract_run& run) {
       shows(run, query().item({}, {}).item({"contract-a.v1"}, {"odd"}), numbers(1, 12));
     }},
    {chapter_name, "tags and names are compared whole, with case, and without patterns",
     [](contract_run& run) {
       shows(run,
             query()
                 .item({}, {"Even"})
                 .item({}, {"eve"})
                 .item({}, {"even "})
                 .item({}, {"n:_"})
                 .item({}, {"%"})
                 .item({}, {"*"})
                 .item({"contract-A.v1"}, {})
                 .item({"contract-%.v1"}, {})
                 .item({"contract-_.v1"}, {})
                 .item({"contract-a.v"}, {}),
             {});
     }},
    {chapter_name, "a tag that begins like another is another",
     [](contract_run& run) { shows(run, query().item({}, {"n:1"}), {1}); }},
    {chapter_name, "a filter works behind a position and with a limit",
     [](contract_run& run) {
       auto const all = prepare(run);
       query const even = query().item({}, {"even"});
       query const names = query().item({"contract-b.v1"}, {}); // 1, 4, 7, 10
       auto const at = [&](std::size_t number) { return all.at(number - 1).position; };
       using places = std::vector<std::uint64_t>;
       auto const tagged = run.log({.after = position(at(5)), .limit = 2, .filter = even.view()});
       run.equal(positions_of(tagged.events), places{at(6), at(8)}, "even events behind 5, two of them");
       run.equal(tagged.reached, position(at(8)), "the answer at the limit");
       auto const rest = run.log({.after = tagged.reached, .limit = 3, .filter = even.view()});
       run.equal(positions_of(rest.events), places{at(10), at(12)}, "the rest of them");
       run.equal(rest.reached, run.head(), "the answer behind the last match");
       auto const named = run.log({.after = position(at(1)), .limit = 2, .filter = names.view()});
       run.equal(positions_of(named.events), places{at(4), at(7)}, "b events behind 1, two of them");
       run.equal(named.reached, position(at(7)), "the answer at the limit");
       auto const last = run.log({.after = position(at(10)), .filter = names.view()});
       run.equal(last.events.size(), 0U, "b events behind 10");
       run.equal(last.reached, run.head(), "the answer where nothing matched");
       auto const behind = run.log({.after = run.head(), .filter = even.view()});
       run.equal(behind.events.size(), 0U, "even events behind the head");
       run.equal(behind.reached, run.head(), "the answer behind the head");
     }},
    {chapter_name, "a sink that says no ends a filtered read at its event",
     [](contract_run& run) {
       auto const all = prepare(run);
       for (query const& filter :
            {query().item({}, {"odd"}), query().item({"contract-b.v1", "contract-c.v1"}, {"odd"})}) {
         std::size_t seen = 0;
         auto const reached = run.store().read_all({.filter = filter.view()},
                                                   [&](recorded_event const&) { return ++seen < 2; });
         run.equal(seen, 2U, "events handed out");
         run.equal(run.good(reached, "read_all"),
                   position(all.at(filter.view().items[0].names.empty() ? 2 : 4).position),
                   "the answer of read_all");
       }
     }},
    {chapter_name, "a filter that breaks a limit or names something impossible is refused",
     [](contract_run& run) {
       prepare(run);
       auto const read = [&](query const& filter) {
         return run.store().read_all({.filter = filter.view()}, [](recorded_event const&) { return true; });
       };
       run.refused(read(query().item({""}, {})), errc::invalid_argument, "an empty name");
       run.refused(read(query().item({}, {""})), errc::invalid_argument, "an empty tag");
       run.refused(read(query().item({}, {std::string_view("a\0b", 3)})), errc::invalid_argument,
                   "a tag with NUL");
       run.refused(read(query().item({}, {"\xff"})), errc::invalid_argument, "a tag that is not UTF-8");
       query many;
       for (std::size_t i = 0; i < limits::query_items; ++i) many.item({"contract-b.v1"}, {});
       run.good(read(many), "as many items as allowed");
       run.refused(read(many.item({}, {"odd"})), errc::limit_exceeded, "one item too many");
     }},
    {chapter_name, "a sink may append, and the read ends at the snapshot where it began",
     [](contract_run& run) {
       prepare(run);
       position const head = run.head();
       query const odd = query().item({}, {"odd"});
       for (event_query filter : {event_query{}, odd.view()}) {
         std::size_t seen = 0;
         auto const reached = run.store().read_all(
             {.after = position(0), .limit = 100, .filter = filter}, [&](recorded_event const& event) {
               run.check(event.at.position <= run.head(), "an event is not behind the head");
               batch one = run.events(1, "inside");
               one.all_tagged("odd");
               run.stored("thing-3", expectation::any(), one);
               ++seen;
               return seen < 50;
             });
         run.good(reached, "read_all");
         run.check(seen < 50, "a read that appends comes to an end");
       }
       run.check(run.head() > head, "the head has moved");
     }},
    {chapter_name, "a sink may read the log inside",
     [](contract_run& run) {
       prepare(run);
       query const even = query().item({}, {"even"});
       std::size_t inner = 0;
       run.good(run.store().read_all({.limit = 3},
                                     [&](recorded_event const&) {
                                       inner += run.log({.filter = even.view()}).events.size();
                                       return true;
                                     }),
                "read_all");
       run.equal(inner, 18U, "events read inside");
     }},
    {chapter_name, "events of both forms stand in the log as they were appended",
     [](contract_run& run) {
       batch mixed = run.events(0);
       mixed.note("an object")
           .raw("contract-noted.v1", R"({"text":"a stored form"})")
           .count(-5)
           .raw("contract-raw.v1", "{}");
       run.stored("thing-1", expectation::any(), mixed);
       auto const seen = run.log().events;
       run.equal(texts_of(seen), mixed.data(), "stored forms");
       run.equal(column(seen, &seen_event::name),
                 std::vector<std::string>{"contract-noted.v1", "contract-noted.v1", "contract-counted.v1",
                                          "contract-raw.v1"},
                 "names");
       query const noted_ones = query().item({"contract-noted.v1"}, {});
       run.equal(run.log({.filter = noted_ones.view()}).events.size(), 2U,
                 "events of one name in both forms");
     }},
    {chapter_name, "1,000 events in many names read in order with and without a filter",
     [](contract_run& run) {
       for (int i = 0; i < 10; ++i) {
         batch many = run.events(0);
         for (int k = 0; k < 100; ++k) {
           many.raw(fmt::format("contract-many-{}.v1", (i * 100 + k) % 300), "{}")
               .tagged({fmt::format("k:{}", k)});
         }
         run.stored(fmt::format("thing-{}", i), expectation::any(), many);
       }
       run.equal(run.log().events.size(), 1000U, "events");
       run.equal(run.log({.filter = query().item({"contract-many-299.v1"}, {}).view()}).events.size(), 3U,
                 "events of one name");
       run.equal(run.log({.filter = query().item({}, {"k:17"}).view()}).events.size(), 10U,
                 "events with one tag");
       run.equal(run.log({.filter = query().item({"contract-many-17.v1"}, {"k:17"}).view()}).events.size(),
                 4U, "events with both");
     }},
};

} // namespace

chapter log_read_cases() { return cases; }

} // namespace cleave::testing::detail
