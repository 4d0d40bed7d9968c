// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a command stands twice in one command_set
// expect: cleave: two handlers list one command: each command has exactly one
// expect: cleave: no handler lists this command: add it to the command_set of a decider or a command handler
// expect: cleave: a query stands twice in one query_set
// expect: cleave: a query names the type of its answer: add `using result_type = ...`
// expect: cleave: two answerers list one query: each query has exactly one
// expect: cleave: nobody lists this query: add it to the query_set of a projection or a query handler
#include <cleave/command/command_bus.hpp>
#include <cleave/query/query_bus.hpp>

#ifdef CLEAVE_MUST_FAIL
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define WRONG_OR_RIGHT(wrong, right) right
#endif

struct first {};
struct second {};
struct third {};
template <class C> struct handler {
  using commands = cleave::command_set<C>;
  cleave::command_result execute(C const&, cleave::command_context const&) { return cleave::committed{}; }
};

struct question {
  using result_type = int;
};
struct other_question {
  using result_type = int;
};
struct no_question {
  WRONG_OR_RIGHT(, using result_type = int;)
};
template <class Q> struct answerer {
  using queries = cleave::query_set<Q>;
  cleave::result<int> answer(Q const&) const { return 1; }
};

int main() {
  static_cast<void>(cleave::command_set<first, WRONG_OR_RIGHT(first, second)>::size);
  cleave::command_bus<handler<first>, handler<WRONG_OR_RIGHT(first, second)>> twice{{}, {}};
  static_cast<void>(twice);
  cleave::command_bus<handler<first>> commands{{}};
  static_cast<void>(commands.execute(WRONG_OR_RIGHT(third, first){}).has_value());

  static_cast<void>(cleave::query_set<question, WRONG_OR_RIGHT(question, other_question)>::size);
  static_cast<void>(cleave::query_set<no_question>::size);
  answerer<question> a;
  answerer<WRONG_OR_RIGHT(question, other_question)> b;
  cleave::query_bus queries_twice(a, b);
  static_cast<void>(queries_twice);
  cleave::query_bus queries(a);
  static_cast<void>(queries.ask(WRONG_OR_RIGHT(other_question, question){}).has_value());
}
