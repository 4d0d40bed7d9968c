// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a projection says what it follows: add `using events = cleave::event_set<...>`
// expect: cleave: a projection has a name with a version: add `static constexpr std::string_view name = "...v1"`
// expect: cleave: a projection's `queries` is a cleave::query_set<...>
// expect: cleave: a query handler says what it answers: add `using queries = cleave::query_set<...>`
// expect: cleave: the projection follows an event that it cannot apply: add `void on(Event const&, cleave::envelope const&)`
// expect: cleave: the projection lists a query that it does not answer: add `Query::result_type answer(Query const&) const`
// expect: cleave: the stored projection follows an event that it cannot apply: add `void on(Event const&, cleave::envelope const&, Session&)` with the session of its read store
// expect: cleave: the stored projection lists a query that it does not answer: add `Query::result_type answer(Query const&, Session&) const` with the session of its read store
#include <cleave/query/projection.hpp>
#include <cleave/query/query_handler.hpp>

#ifdef CLEAVE_MUST_FAIL
#define ONLY_RIGHT(...)
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define ONLY_RIGHT(...) __VA_ARGS__
#define WRONG_OR_RIGHT(wrong, right) right
#endif

struct happened {
  static constexpr auto event_name = "happened.v1";
};
struct question {
  using result_type = int;
};
struct session {};

struct no_events {
  ONLY_RIGHT(using events = cleave::event_set<>;)
  static constexpr std::string_view name = "a.v1";
};
struct no_name {
  using events = cleave::event_set<>;
  ONLY_RIGHT(static constexpr std::string_view name = "a.v1";)
};
struct wrong_queries {
  using events = cleave::event_set<>;
  using queries = WRONG_OR_RIGHT(int, cleave::query_set<>);
  static constexpr std::string_view name = "a.v1";
};
struct in_memory {
  using events = cleave::event_set<happened>;
  using queries = cleave::query_set<question>;
  static constexpr std::string_view name = "a.v1";
  ONLY_RIGHT(void on(happened const&, cleave::envelope const&){})
  ONLY_RIGHT(int answer(question const&) const { return 1; })
};
struct stored {
  using events = cleave::event_set<happened>;
  using queries = cleave::query_set<question>;
  static constexpr std::string_view name = "a.v1";
  ONLY_RIGHT(void on(happened const&, cleave::envelope const&, session&){})
  ONLY_RIGHT(int answer(question const&, session&) const { return 1; })
};
struct handler {
  ONLY_RIGHT(using queries = cleave::query_set<question>;)
  int answer(question const&) const { return 1; }
};

int main() {
  static_cast<void>(cleave::detail::checked_projection<no_events>::value);
  static_cast<void>(cleave::detail::checked_projection<no_name>::value);
  static_cast<void>(cleave::detail::checked_projection<wrong_queries>::value);
  static_cast<void>(cleave::detail::checked_memory_projection<in_memory>);
  static_cast<void>(cleave::detail::checked_stored_projection<stored, session>);
  static_cast<void>(sizeof(cleave::query_handler_runner<handler>));
}
