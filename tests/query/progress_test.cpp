// SPDX-License-Identifier: BSL-1.0
#include <cleave/query/progress.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

using Catch::Contains;
using cleave::at_least;
using cleave::errc;
using cleave::position;
using namespace std::chrono_literals;

TEST_CASE("a timeout is any duration, cut to between nothing and a day") {
  REQUIRE(at_least().position == position());
  REQUIRE(at_least(position(3)).timeout_us == 1'000'000);
  REQUIRE(at_least(position(3), 250ms).timeout_us == 250'000);
  REQUIRE(at_least(position(3), 3us).timeout_us == 3);
  REQUIRE(at_least(position(3), 900ns).timeout_us == 0);
  REQUIRE(at_least(position(3), -5s).timeout_us == 0);
  REQUIRE(at_least(position(3), 24h).timeout_us == at_least::longest_timeout_us);
  REQUIRE(at_least(position(3), std::chrono::hours::max()).timeout_us == at_least::longest_timeout_us);
  REQUIRE(at_least(position(3), std::chrono::duration<double>(0.5)).timeout_us == 500'000);
}

TEST_CASE("a position that is reached is not waited for") {
  cleave::projection_progress at("p.v1");
  REQUIRE(at.wait(at_least()));
  at.advance(position(4));
  at.advance(position(2)); // never backwards
  REQUIRE(at.reached() == position(4));
  REQUIRE(at.wait(at_least(position(4), 0s)));
  auto const early = at.wait(at_least(position(5), 0s));
  REQUIRE(early.error().code() == errc::stale);
  REQUIRE(early.error().text() == "projection p.v1 is at position 4, 5 was asked for (waited 0 ms)");
}

TEST_CASE("a wait ends after its timeout") {
  cleave::projection_progress at("p.v1");
  auto const begin = std::chrono::steady_clock::now();
  auto const stale = at.wait(at_least(position(1), 20ms));
  REQUIRE(std::chrono::steady_clock::now() - begin >= 20ms);
  REQUIRE_THAT(stale.error().text(), Contains("(waited 20 ms)"));
}

TEST_CASE("a wait ends when the position is reached") {
  cleave::projection_progress at("p.v1");
  std::thread other([&] {
    for (std::uint64_t p = 1; p <= 5; ++p) at.advance(position(p));
  });
  REQUIRE(at.wait(at_least(position(5), 1min)));
  REQUIRE(at.reached() == position(5));
  other.join();
}

TEST_CASE("a failure ends a wait at once, the first one stays, and what is reached stays reached") {
  cleave::projection_progress at("p.v1");
  at.advance(position(2));
  std::thread other(
      [&] { at.fail(cleave::error(errc::handler_failed, "first", cleave::error(errc::busy, "cause"))); });
  auto const stopped = at.wait(at_least(position(3), 1min));
  other.join();
  REQUIRE(stopped.error().code() == errc::stale);
  REQUIRE(stopped.error().message() ==
          "stale: projection p.v1 stopped at position 2, 3 was asked for: first: cause");
  at.fail(cleave::error(errc::handler_failed, "second"));
  REQUIRE(at.failed());
  REQUIRE_THAT(at.status().failure, Contains("first") && !Contains("second"));
  REQUIRE(at.wait(at_least(position(2))));
}

TEST_CASE("closing ends all waits and returns when they have left") {
  for (int round = 0; round < 50; ++round) {
    auto at = std::make_unique<cleave::projection_progress>("p.v1");
    std::atomic<int> stale = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([&, raw = at.get()] {
        auto const ended = raw->wait(at_least(position(1), 1h));
        if (!ended &&
            ended.error().text() == "projection p.v1 is shutting down at position 0, 1 was asked for")
          ++stale;
      });
    }
    while (at->status().waiting < 3) std::this_thread::yield();
    at->close();
    at.reset(); // nobody touches it any more
    for (auto& thread : threads) thread.join();
    REQUIRE(stale == 3);
  }
}
