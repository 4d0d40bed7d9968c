// SPDX-License-Identifier: BSL-1.0
#include "chapters.hpp"
#include "contract_run.hpp"

#include <atomic>
#include <thread>

namespace cleave::testing::detail {

namespace {

constexpr std::string_view chapter_name = "signals";

constexpr contract_case cases[] = {
    {chapter_name, "an append is signalled by the time it returns",
     [](contract_run& run) {
       for (int i = 0; i < 5; ++i) {
         position const at = run.stored("thing-1", expectation::any(), run.events(2)).position;
         run.check(run.store().commits().last() >= at, "the signal has reached the append's position");
       }
     }},
    {chapter_name, "a listener hears of every growth of the log",
     [](contract_run& run) {
       commit_signal heard; // tells this thread what the listener heard
       auto const subscription = run.store().commits().on_commit(
           &heard, [](void* context, position head) noexcept {
             static_cast<commit_signal*>(context)->publish(head);
           });
       for (int i = 0; i < 3; ++i) {
         position const at = run.stored("thing-1", expectation::any(), run.events(2)).position;
         if (!heard.wait_for(at, run.patience_us()))
           return run.fail("the listener hears of the append: it does not");
         run.equal(heard.last(), at, "the head that the listener heard");
       }
     }},
    {chapter_name, "a waiting thread is woken by an append",
     [](contract_run& run) {
       position const before = run.stored("thing-1", expectation::any(), run.events(1)).position;
       commit_signal& signal = run.store().commits();
       std::atomic<bool> woken = false;
       std::thread waiting([&] { woken = signal.wait_for(before.next(), run.patience_us()); });
       run.append("thing-1", expectation::any(), run.events(1)).value_or(appended{});
       waiting.join();
       run.check(woken, "the waiting thread saw the append");
     }},
    {chapter_name, "a failed append is not signalled",
     [](contract_run& run) {
       position const head = run.stored("thing-1", expectation::any(), run.events(1)).position;
       run.refused(run.append("thing-1", expectation::no_stream(), run.events(2)), errc::version_conflict,
                   "append");
       run.refused(run.append("", expectation::any(), run.events(2)), errc::invalid_argument, "append");
       run.check(run.store().commits().last() <= head, "the signal is not ahead of the head");
     }},
    {chapter_name, "a store that opens an older log signals it when it shows it",
     [](contract_run& run) {
       position const at = run.stored("thing-1", expectation::any(), run.events(3)).position;
       run.reopen();
       run.equal(run.head(), at, "head");
       run.check(run.store().commits().wait_for(at, run.patience_us()), "the signal has reached the head");
     },
     contract_case::need::restart},
};

} // namespace

chapter signal_cases() { return cases; }

} // namespace cleave::testing::detail
