// SPDX-License-Identifier: BSL-1.0
// expect: cleave: given<...> needs a decider or a boundary (a struct with `commands` and `events`) or a projection (`events` and `name`)
// expect: cleave: given an event that the boundary does not list, and that none of its events supersedes
// expect: cleave: the boundary does not list this command
// expect: cleave: given an event that the decider does not list, and that none of its events supersedes
// expect: cleave: the decider does not list this command
// expect: cleave: then() without an event says nothing: write then_nothing()
// expect: cleave: the sentence expects an event that is not in the decider's event_set
// expect: cleave: events are compared through operator== or their stored form, and this one has neither
// expect: cleave: given an event that the projection does not follow, and that none of its events supersedes
// expect: cleave: the projection does not list this query
// expect: cleave: answers are compared through operator== or their stored form, and this one has neither
#include <cleave/testing/given_when_then.hpp>

#include <array>
#include <string>

#ifdef CLEAVE_MUST_FAIL
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define WRONG_OR_RIGHT(wrong, right) right
#endif

struct happened {
  static constexpr auto event_name = "happened.v1";
  friend bool operator==(happened const&, happened const&) = default;
};
struct incomparable {
  static constexpr auto event_name = "incomparable.v1";
  WRONG_OR_RIGHT(, friend bool operator==(incomparable const&, incomparable const&) = default;)
};
struct stranger {
  static constexpr auto event_name = "stranger.v1";
  friend bool operator==(stranger const&, stranger const&) = default;
};
struct command {
  int key = 0;
};
struct other_command {
  int key = 0;
};
struct thing {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened, incomparable>;
  static constexpr std::string_view category = "thing";
  static int id(command const& c) { return c.key; }
  void evolve(happened const&) {}
  void evolve(incomparable const&) {}
  cleave::decision<happened, incomparable> decide(command const&) const { return happened{}; }
};

struct span {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  static std::array<std::string, 1> streams(command const&) { return {"a-1"}; }
  static std::string stream(command const&, happened const&) { return "a-1"; }
  void evolve(happened const&) {}
  cleave::decision<happened> decide(auto const&) const { return happened{}; }
};

struct answer_type {
  WRONG_OR_RIGHT(, friend bool operator==(answer_type const&, answer_type const&) = default;)
};
struct question {
  using result_type = int;
};
struct strange_question {
  using result_type = int;
};
struct big_question {
  using result_type = answer_type;
};
struct view {
  using events = cleave::event_set<happened>;
  using queries = cleave::query_set<question, big_question>;
  static constexpr std::string_view name = "view.v1";
  void on(happened const&) {}
  int answer(question const&) const { return 1; }
  answer_type answer(big_question const&) const { return {}; }
};

int main() {
  using cleave::testing::given;
  static_cast<void>(given<span>(WRONG_OR_RIGHT(stranger, happened){}));
  static_cast<void>(given<span>().when(WRONG_OR_RIGHT(other_command, command){}));
  static_cast<void>(given<WRONG_OR_RIGHT(int, thing)>());
  static_cast<void>(given<thing>(WRONG_OR_RIGHT(stranger, happened){}));
  static_cast<void>(given<thing>().when(WRONG_OR_RIGHT(other_command, command){}));
  static_cast<void>(given<thing>().when(command{}).then(WRONG_OR_RIGHT(, happened{})));
  static_cast<void>(given<thing>().when(command{}).then(WRONG_OR_RIGHT(stranger, happened){}));
  static_cast<void>(given<thing>().when(command{}).then(incomparable{}));
  static_cast<void>(given<view>(WRONG_OR_RIGHT(stranger, happened){}));
  static_cast<void>(given<view>().when(WRONG_OR_RIGHT(strange_question, question){}));
  static_cast<void>(given<view>().when(big_question{}).then(answer_type{}));
}
