// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/step_thread.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>

using cleave::commit_signal;
using cleave::position;
using cleave::step;
using cleave::step_thread;

namespace {

constexpr std::int64_t long_us = 20'000'000; // a test that needs as much has failed

// Follows a source one position at a step, and signals what it has done.
struct follower {
  commit_signal& source;
  std::atomic<bool> looks = true;   // false: it passes over what the source shows
  std::atomic<bool> failed = false; // as if
  std::atomic<std::uint64_t> at = 0;
  std::atomic<std::uint64_t> steps = 0;
  commit_signal followed{};
  commit_signal stepped{};

  explicit follower(commit_signal& of) : source(of) {}
  position reached() const noexcept { return position(at.load()); }
  cleave::step step() noexcept {
    stepped.publish(position(++steps));
    if (failed.load()) return step::failed;
    if (!looks.load() || source.last() <= reached()) return step::idle;
    followed.publish(position(++at));
    return step::worked;
  }
};

struct restless {
  commit_signal stepped{};
  std::uint64_t steps = 0;
  position reached() const noexcept { return {}; }
  cleave::step step() noexcept {
    stepped.publish(position(++steps));
    return step::worked;
  }
};

} // namespace

TEST_CASE("a thread steps while there is work, and again as soon as its source grows") {
  commit_signal source;
  source.publish(position(3));
  follower machine(source);
  step_thread const thread(machine, source, 10 * long_us);
  REQUIRE(machine.followed.wait_for(position(3), long_us));
  for (std::uint64_t head = 4; head < 50; ++head) {
    source.publish(position(head));
    REQUIRE(machine.followed.wait_for(position(head), long_us));
  }
}

TEST_CASE("a thread looks again after its poll time although nobody signalled") {
  commit_signal source;
  source.publish(position(1));
  follower machine(source);
  machine.looks = false;
  step_thread const thread(machine, source, 100);
  REQUIRE(machine.stepped.wait_for(position(20), long_us));
  machine.looks = true;
  REQUIRE(machine.followed.wait_for(position(1), long_us));
}

TEST_CASE("a machine that has failed rests until its thread ends") {
  commit_signal source;
  follower broken(source);
  broken.failed = true;
  follower clock(source); // shows that time passes
  step_thread const rests(broken, source, 1);
  step_thread const ticks(clock, source, 1);
  REQUIRE(broken.stepped.wait_for(position(1), long_us));
  source.publish(position(5));
  REQUIRE(clock.followed.wait_for(position(5), long_us));
  REQUIRE(clock.stepped.wait_for(position(clock.steps + 50), long_us));
  REQUIRE(broken.steps == 1);
}

TEST_CASE("a thread ends at once, whether its machine works, is idle or has failed") {
  auto const begin = std::chrono::steady_clock::now();
  for (int round = 0; round < 20; ++round) {
    commit_signal source;
    follower idle(source);
    follower broken(source);
    broken.failed = true;
    restless busy;
    step_thread const one(idle, source, 10 * long_us);
    step_thread const two(broken, source, 10 * long_us);
    step_thread const three(busy, source, 10 * long_us);
    REQUIRE(idle.stepped.wait_for(position(1), long_us));
    REQUIRE(broken.stepped.wait_for(position(1), long_us));
    REQUIRE(busy.stepped.wait_for(position(10), long_us));
  }
  REQUIRE(std::chrono::steady_clock::now() - begin < std::chrono::microseconds(long_us));
}
