// SPDX-License-Identifier: BSL-1.0
// Appends with completion tokens.
#include <cleave/sqlite/asio.hpp>

#include "small_store.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <thread>

using namespace cleave;
using namespace cleave::test;
namespace asio = boost::asio;

namespace {

// One append and the texts that it needs.
struct one_event {
  new_event event = happened();
  stream_append part{"thing-1", expectation::any(), {&event, 1}};
  append_request request{.streams = {&part, 1}};
};

} // namespace

TEST_CASE("a handler runs on its executor, after the commit") {
  scratch_folder const folder;
  asio::io_context context; // outlives the store, whose thread posts to it
  auto store = open_store(folder.file("log.db"));
  one_event const one;
  bool called = false;
  sqlite::async_append(store, one.request,
                       asio::bind_executor(context.get_executor(),
                                           [&, self = std::this_thread::get_id()](result<appended> done) {
                                             CHECK(std::this_thread::get_id() == self);
                                             CHECK(must(done).position == position(1));
                                             called = true;
                                           }));
  CHECK_FALSE(called);
  context.run(); // has work until the append is answered
  CHECK(called);
}

TEST_CASE("a coroutine awaits its appends, and a refusal comes as a result") {
  scratch_folder const folder;
  asio::io_context context; // outlives the store, whose thread posts to it
  auto store = open_store(folder.file("log.db"));
  std::vector<std::uint64_t> positions;
  errc refused{};
  auto const work = [&]() -> asio::awaitable<void> {
    for (int n = 0; n < 20; ++n) {
      one_event const one;
      result<appended> const done = co_await sqlite::async_append(store, one.request, asio::use_awaitable);
      positions.push_back(must(done).position.value());
    }
    one_event wrong;
    wrong.part.stream = "";
    result<appended> const done = co_await sqlite::async_append(store, wrong.request, asio::use_awaitable);
    refused = failure_of(done).code();
  };
  asio::co_spawn(context, work(), asio::detached);
  context.run();
  REQUIRE(positions.size() == 20);
  CHECK(positions.back() == 20);
  CHECK(refused == errc::invalid_argument);
}

TEST_CASE("a future waits for an append") {
  scratch_folder const folder;
  auto store = open_store(folder.file("log.db"));
  one_event const one;
  auto future = sqlite::async_append(store, one.request, asio::use_future);
  CHECK(must(future.get()).version == version(1));
}
