// SPDX-License-Identifier: BSL-1.0
// The query handler for answers that come from elsewhere than one projection: a plain struct with `queries` and
// `answer(query) const`. It must allow calls from several threads at once.
#pragma once

#include <cleave/query/projection.hpp>

#include <utility>

namespace cleave {

template <class H> class query_handler_runner {
  static_assert(
      requires { requires detail::is_query_set<typename H::queries>; },
      "cleave: a query handler says what it answers: add `using queries = cleave::query_set<...>`");
  template <class Queries> struct checked;
  template <class... Qs> struct checked<query_set<Qs...>> : detail::checked_answer<H, Qs>... {};
  static_assert(sizeof(checked<typename H::queries>) != 0);

public:
  using queries = typename H::queries;

  explicit query_handler_runner(H handler) : handler_(std::move(handler)) {}

  template <class Q> result<typename Q::result_type> answer(Q const& q) const {
    try {
      return handler_.answer(q);
    } catch (...) {
      return unexpected(detail::current_exception_error("answer"));
    }
  }

private:
  H handler_;
};

} // namespace cleave
