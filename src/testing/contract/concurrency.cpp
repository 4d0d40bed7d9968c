// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"
#include "queries.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>
#include <thread>

namespace cleave::testing::detail {

namespace {

constexpr std::size_t thread_count = 8;

// Runs work(0) to work(7), each on a thread of its own, all let go at the same moment.
void on_eight_threads(std::function<void(std::size_t)> const& work) {
  std::atomic<std::size_t> ready = 0;
  std::vector<std::thread> threads;
  threads.reserve(thread_count);
  for (std::size_t i = 0; i < thread_count; ++i) {
    threads.emplace_back([&, i] {
      ready.fetch_add(1);
      while (ready.load() < thread_count) std::this_thread::yield();
      until_over([&] { work(i); });
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Takes a page of the log behind `at` again and again until `done` holds and nothing is left.
std::vector<seen_event> follow(contract_run& run, std::atomic<bool> const& done, log_range range = {}) {
  std::vector<seen_event> all;
  for (;;) {
    bool const last_round = done.load();
    seen_log page = run.log(range);
    bool const empty = page.events.empty();
    bool const back = page.reached < range.after ||
                      (!empty && page.events.at(0).position <= range.after.value());
    if (back) {
      run.fail(fmt::format("a read behind position {} went back", range.after.value()));
      return all;
    }
    range.after = page.reached;
    std::ranges::move(page.events, std::back_inserter(all));
    if (last_round && empty) return all;
    if (empty) std::this_thread::yield();
  }
}

constexpr std::string_view chapter_name = "concurrency";

constexpr contract_case cases[] = {
    {chapter_name, "eight threads on one stream with exactly lose no update",
     [](contract_run& run) {
       constexpr std::uint64_t each = 12;
       std::atomic<std::uint64_t> conflicts = 0;
       on_eight_threads([&](std::size_t) {
         for (std::uint64_t i = 0; i < each; ++i) {
           batch const one = run.events(1);
           // Some other thread wins in each round that this one loses, so the number of rounds is bounded.
           for (std::uint64_t round = 0;; ++round) {
             version const seen = run.stream("thing-1", stream_range::backward().up_to(1)).last;
             auto const done = run.append("thing-1", expectation::exactly(seen), one);
             if (done) {
               run.equal(done->version, seen.next(), "version of an append that won");
               run.equal(done->repeated, false, "repeated");
               break;
             }
             ++conflicts;
             if (done.error().code() != errc::version_conflict || round > thread_count * each) {
               run.fail(fmt::format("an append that loses is a conflict, and loses at most {} times: {}",
                                    thread_count * each, done.error().message()));
               return;
             }
           }
         }
       });
       auto const seen = run.stream("thing-1").events;
       run.equal(versions_of(seen), numbers(1, thread_count * each), "versions");
       std::set<event_id> ids;
       for (event_id id : ids_of(seen)) ids.insert(id);
       run.equal(ids.size(), thread_count * each, "different events");
     }},
    {chapter_name, "of eight threads with no_stream one wins",
     [](contract_run& run) {
       for (int round = 0; round < 8; ++round) {
         std::atomic<int> won = 0;
         std::atomic<int> lost = 0;
         std::string const stream = fmt::format("thing-{}", round);
         on_eight_threads([&](std::size_t) {
           auto const done = run.append(stream, expectation::no_stream(), run.events(2));
           if (done) ++won;
           else if (done.error().code() == errc::version_conflict) ++lost;
           else run.fail(done.error().message());
         });
         run.equal(won.load(), 1, "appends that won");
         run.equal(lost.load(), 7, "appends that lost");
         run.equal(run.stream(stream).last, version(2), "version");
       }
     }},
    {chapter_name, "eight threads with any on one stream are all stored, each batch together",
     [](contract_run& run) {
       constexpr std::size_t each = 10;
       on_eight_threads([&](std::size_t thread) {
         for (std::size_t i = 0; i < each; ++i) {
           run.stored("thing-1", expectation::any(), run.events(3, fmt::format("{} {}", thread, i)));
         }
       });
       auto const seen = run.stream("thing-1").events;
       run.equal(versions_of(seen), numbers(1, thread_count * each * 3), "versions");
       for (std::size_t i = 0; i + 2 < seen.size(); i += 3) {
         // {"text":"7 4 1"} {"raw":"7 4 2"} {"number":3}
         run.check(seen[i].name == event_type_of<noted>.name && seen[i + 1].name == raw_name &&
                       seen[i + 2].name == event_type_of<counted>.name &&
                       seen[i].data.substr(9, 3) == seen[i + 1].data.substr(8, 3),
                   fmt::format("the batch at version {} stands together: {}, {}, {}", i + 1, seen[i].data,
                               seen[i + 1].data, seen[i + 2].data));
       }
     }},
    {chapter_name, "eight threads on streams of their own do not disturb one another",
     [](contract_run& run) {
       constexpr std::uint64_t each = 15;
       on_eight_threads([&](std::size_t thread) {
         std::string const stream = fmt::format("thing-{}", thread);
         for (std::uint64_t i = 0; i < each; ++i)
           run.stored(stream, expectation::exactly(version(i)), run.events(1));
       });
       for (std::size_t thread = 0; thread < thread_count; ++thread) {
         run.equal(versions_of(run.stream(fmt::format("thing-{}", thread)).events), numbers(1, each),
                   "versions");
       }
       run.unchanged(thread_count * each, "all appends");
     }},
    {chapter_name, "positions have no gaps after eight threads with conflicts",
     [](contract_run& run) {
       on_eight_threads([&](std::size_t thread) {
         for (int i = 0; i < 10; ++i) {
           run.stored(fmt::format("thing-{}", thread), expectation::any(), run.events(2));
           run.refused(run.append("thing-0", expectation::exactly(version(1000)), run.events(3)),
                       errc::version_conflict, "append");
         }
       });
       run.equal(positions_of(run.log().events), numbers(1, thread_count * 20), "positions");
     },
     contract_case::need::no_position_gaps},
    {chapter_name, "a reader never meets a new event at or below a position that it has passed",
     [](contract_run& run) {
       std::atomic<bool> done = false;
       std::vector<std::vector<seen_event>> seen(3);
       query const tag = query().item({}, {"every"});
       std::vector<std::thread> readers;
       readers.reserve(seen.size());
       for (std::size_t i = 0; i < seen.size(); ++i) {
         readers.emplace_back([&, i] {
           until_over([&] {
             if (i == 0) seen[i] = follow(run, done);
             else if (i == 1) seen[i] = follow(run, done, {.limit = 7});
             else seen[i] = follow(run, done, {.filter = tag.view()});
           });
         });
       }
       on_eight_threads([&](std::size_t thread) {
         for (int i = 0; i < 15; ++i) {
           batch some = run.events(static_cast<std::size_t>(1 + i % 3));
           some.all_tagged("every");
           run.stored(fmt::format("thing-{}", thread % 3), expectation::any(), some);
         }
       });
       done = true;
       for (std::thread& reader : readers) reader.join();
       auto const all = positions_of(run.log().events);
       run.equal(all.size(), thread_count * 30, "events in the log");
       for (auto const& events : seen)
         run.equal(positions_of(events) == all, true, "a follower saw each event once, in order");
     }},
    {chapter_name, "an append to two streams is seen as a whole",
     [](contract_run& run) {
       std::atomic<bool> done = false;
       std::thread reader([&] {
         until_over([&] {
           while (!done.load()) {
             version const left = run.stream("left-1", stream_range::all().up_to(0)).last;
             version const right = run.stream("right-1", stream_range::all().up_to(0)).last;
             if (right < left)
               run.fail(fmt::format("left-1 showed version {}, then right-1 version {}", left.value(),
                                    right.value()));
             std::size_t lefts = 0;
             std::size_t rights = 0;
             run.good(run.store().read_all({},
                                           [&](recorded_event const& event) {
                                             ++(event.at.stream.category() == "left" ? lefts : rights);
                                             return true;
                                           }),
                      "read_all");
             if (lefts != rights)
               run.fail(fmt::format("a snapshot shows {} events of left-1 and {} of right-1", lefts, rights));
             std::this_thread::yield();
           }
         });
       });
       on_eight_threads([&](std::size_t) {
         for (int i = 0; i < 10; ++i) {
           batch const left = run.events(1);
           batch const right = run.events(1);
           stream_append const parts[] = {left.to("left-1"), right.to("right-1")};
           run.stored(append_request{.streams = parts});
         }
       });
       done = true;
       reader.join();
       run.equal(run.stream("right-1").last, version(thread_count * 10), "version");
     }},
    {chapter_name, "one batch retried by eight threads at once is stored once",
     [](contract_run& run) {
       for (int round = 0; round < 8; ++round) {
         std::string const stream = fmt::format("thing-{}", round);
         batch const events = run.events(3);
         std::atomic<int> first = 0;
         std::vector<position> positions(thread_count);
         on_eight_threads([&](std::size_t thread) {
           appended const done = run.stored(stream, expectation::no_stream(), events);
           if (!done.repeated) ++first;
           positions[thread] = done.position;
           run.equal(done.version, version(3), "version");
         });
         run.equal(first.load(), 1, "appends that stored it");
         run.equal(positions, std::vector(thread_count, run.head()), "positions");
         run.equal(run.stream(stream).last, version(3), "version");
       }
     }},
    {chapter_name, "one command from eight threads at once is executed once",
     [](contract_run& run) {
       for (int round = 0; round < 8; ++round) {
         command_record const record{
             .id = run.ids().next_command(), .command = "place-thing", .fingerprint = 7};
         std::atomic<int> first = 0;
         std::vector<position> positions(thread_count);
         on_eight_threads([&](std::size_t thread) {
           // Each decides by itself, so that the events differ.
           batch const events = run.events(2);
           std::string const stream = fmt::format("thing-{}", thread);
           stream_append const part = events.to(stream);
           appended const done = run.stored(append_request{.streams = {&part, 1}, .command = &record});
           if (!done.repeated) ++first;
           positions[thread] = done.position;
           auto const outcome = run.outcome(record.id);
           run.check(outcome.has_value() && outcome->position == done.position,
                     "the outcome is there when the append returns");
         });
         run.equal(first.load(), 1, "executions");
         run.equal(positions, std::vector(thread_count, run.head()), "positions");
       }
       run.unchanged(16, "eight commands of two events");
     }},
    {chapter_name, "of eight threads that claim one name under a condition one wins",
     [](contract_run& run) {
       for (int round = 0; round < 8; ++round) {
         std::string const tag = fmt::format("name:{}", round);
         query const taken = query().item({"name-taken.v1"}, {tag});
         std::atomic<int> won = 0;
         on_eight_threads([&](std::size_t thread) {
           batch claim = run.events(0);
           claim.raw("name-taken.v1", "{}").tagged({tag});
           std::string const stream = fmt::format("user-{}-{}", round, thread);
           stream_append const part = claim.to(stream, expectation::no_stream());
           append_condition const condition{taken.view(), position(0)};
           auto const done = run.append({.streams = {&part, 1}, .condition = &condition});
           if (done) ++won;
           else run.refused(done, errc::version_conflict, "a claim that lost");
         });
         run.equal(won.load(), 1, "claims that won");
         run.equal(run.log({.filter = taken.view()}).events.size(), 1U, "claims stored");
       }
     }},
    {chapter_name, "eight threads that decide on a query never exceed its limit",
     [](contract_run& run) {
       constexpr std::size_t seats = 20;
       query const course = query().item({"student-enrolled.v1"}, {"course:c1"});
       on_eight_threads([&](std::size_t) {
         for (int i = 0; i < 8; ++i) {
           batch seat = run.events(0);
           seat.raw("student-enrolled.v1", "{}").tagged({"course:c1"});
           stream_append const part = seat.to("course-c1");
           for (std::size_t round = 0; round <= thread_count * 8; ++round) {
             auto const enrolled = run.log({.filter = course.view()});
             if (enrolled.events.size() >= seats) return;
             append_condition const condition{course.view(), enrolled.reached};
             auto const done = run.append({.streams = {&part, 1}, .condition = &condition});
             if (done) break;
             run.refused(done, errc::version_conflict, "an enrolment that lost");
           }
         }
       });
       run.equal(run.log({.filter = course.view()}).events.size(), seats, "seats taken");
     }},
    {chapter_name, "a read under way blocks no writer",
     [](contract_run& run) {
       run.stored("thing-1", expectation::any(), run.events(3));
       std::size_t appends = 0;
       auto const append_elsewhere = [&] {
         std::thread writer(
             [&] { until_over([&] { run.stored("thing-1", expectation::any(), run.events(1)); }); });
         writer.join(); // comes to an end only if the read that calls this does not hold it up
         return ++appends < 10;
       };
       run.good(run.store().read_all({}, [&](recorded_event const&) { return append_elsewhere(); }),
                "read_all");
       run.good(run.store().read_stream("thing-1", stream_range::backward(version(2)),
                                        [&](recorded_event const&) { return append_elsewhere(); }),
                "read_stream");
       run.equal(run.stream("thing-1").last, version(8), "version");
     }},
};

} // namespace

chapter concurrency_cases() { return cases; }

} // namespace cleave::testing::detail
