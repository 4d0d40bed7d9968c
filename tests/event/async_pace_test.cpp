// SPDX-License-Identifier: BSL-1.0
#include <cleave/event/detail/async_pace.hpp>

#include <catch2/catch.hpp>

#include <cstddef>

namespace {

using cleave::detail::async_pace;

unsigned longest_after(async_pace& pace, std::size_t handled) {
  unsigned wait = 0;
  for (int i = 0; i < 20; ++i) wait = pace.after(handled);
  return wait;
}

} // namespace

TEST_CASE("a consumer that gets a stream of events in small batches waits longer, up to a limit") {
  async_pace pace;
  unsigned const first = pace.after(2);
  unsigned const second = pace.after(20);
  CHECK(first > async_pace::least);
  CHECK(second > first);
  CHECK(longest_after(pace, async_pace::small_batch) == async_pace::most);
}

TEST_CASE("a consumer that gets one event at a time waits the least, also after a stream") {
  async_pace pace;
  CHECK(longest_after(pace, 1) == async_pace::least);
  CHECK(longest_after(pace, 40) == async_pace::most);
  CHECK(longest_after(pace, 1) <= 2 * async_pace::least);
}

TEST_CASE("a consumer does not wait after a large batch, nor when there is nothing to read") {
  async_pace pace;
  CHECK(pace.after(async_pace::small_batch + 1) == 0);
  CHECK(longest_after(pace, async_pace::small_batch) == async_pace::most);
  CHECK(pace.after(0) == 0);
  CHECK(pace.after(1) == async_pace::least); // the wait begins anew
}
