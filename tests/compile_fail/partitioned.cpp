// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a query to a partitioned projection is about one key, or its answers are merged: add `std::string_view key() const` to the query, or `static Query::result_type merge(Query const&, Query::result_type, Query::result_type)` to the projection
#include <cleave/query/partitioned_projector.hpp>

struct question {
  using result_type = int;
};
struct answerer {
  using events = cleave::event_set<>;
  using queries = cleave::query_set<question>;
  static constexpr std::string_view name = "a.v1";
  static int answer(question const&) { return 1; }
#ifndef CLEAVE_MUST_FAIL
  static int merge(question const&, int a, int b) { return a + b; }
#endif
};

int main() { static_cast<void>(cleave::detail::checked_partitioned<answerer, answerer::queries>::value); }
