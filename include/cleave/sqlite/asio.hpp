// SPDX-License-Identifier: BSL-1.0
// Appending with Boost.Asio's completion tokens. Opt-in: nothing else of cleave includes it, and it needs Boost.Asio's headers.
//
//   result<appended> done = co_await cleave::sqlite::async_append(store, request, boost::asio::use_awaitable);
#pragma once

#include <cleave/sqlite/event_store.hpp>

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/system_executor.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace cleave::sqlite {

// event_store::async_append for any completion token, with signature void(result<appended>). The handler is posted to its associated
// executor (without one: the system executor), also for an append that was refused at once; until then that executor has work.
// The request is read when the operation starts: its views have to live until the token's function returns, with a token that
// starts later (use_awaitable, deferred) until the awaiting coroutine goes on. The store must outlive the
// operation, and the executor's context the store: its thread may still be leaving post() when the handler runs.
template <boost::asio::completion_token_for<void(result<appended>)> Token>
auto async_append(event_store& store, append_request const& request, Token&& token) {
  return boost::asio::async_initiate<Token, void(result<appended>)>(
      [&store](auto handler, append_request const& what) {
        using handler_type = decltype(handler);
        auto const executor = boost::asio::get_associated_executor(handler, boost::asio::system_executor());
        struct operation {
          handler_type handler;
          boost::asio::executor_work_guard<std::remove_const_t<decltype(executor)>> work;
        };
        // Shared, because a refused append destroys its completion.
        auto const state = std::make_shared<operation>(
            operation{std::move(handler), boost::asio::make_work_guard(executor)});
        auto const finish = [state](result<appended> outcome) {
          auto const where = state->work.get_executor();
          boost::asio::post(where, [state, outcome = std::move(outcome)]() mutable {
            handler_type last = std::move(state->handler);
            state->work.reset();
            std::move(last)(std::move(outcome));
          });
        };
        if (auto begun = store.async_append(what, finish); !begun)
          finish(unexpected(std::move(begun).error()));
      },
      token, request);
}

} // namespace cleave::sqlite
