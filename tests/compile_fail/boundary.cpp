// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a boundary is default-constructible and movable: it begins as the state before the first event
// expect: cleave: a boundary says what it takes: add `using commands = cleave::command_set<...>`
// expect: cleave: a boundary says what it is made of: add `using events = cleave::event_set<...>`
// expect: cleave: the boundary lists an event that it cannot evolve: add `void evolve(Event const&)`, or with a second parameter `cleave::envelope const&`
// expect: cleave: the boundary does not say what a command depends on: add `static cleave::boundary_query boundary(Command const&)`, or `static auto streams(Command const&)` that returns a range of texts
// expect: cleave: the boundary has two ways to say what a command depends on: a query and streams; keep one
// expect: cleave: a boundary by a query says which stream its events enter: add `static constexpr std::string_view category` and `static auto id(Command const&)` that returns a text or an integer
// expect: cleave: the boundary lists a command that it cannot decide: add `cleave::decision<Events...> decide(Command const&) const`
// expect: cleave: a decision holds an event that is not in the boundary's event_set
// expect: cleave: a boundary by streams says where a decided event goes: add `static auto stream(Command const&, Event const&)` that returns the name of one of its streams
// expect: cleave: events_with<...> names the events that a decision depends on: give it at least one
#include <cleave/command/boundary.hpp>

#include <array>

#ifdef CLEAVE_MUST_FAIL
#define ONLY_WRONG(...) __VA_ARGS__
#define ONLY_RIGHT(...)
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define ONLY_WRONG(...)
#define ONLY_RIGHT(...) __VA_ARGS__
#define WRONG_OR_RIGHT(wrong, right) right
#endif

struct happened {
  static constexpr auto event_name = "happened.v1";
};
struct other {
  static constexpr auto event_name = "other.v1";
};
struct command {
  int key = 0;
};

struct no_default {
  ONLY_RIGHT(no_default() = default;)
  explicit no_default(int) {}
  using commands = cleave::command_set<>;
  using events = cleave::event_set<>;
};
struct no_commands {
  ONLY_RIGHT(using commands = cleave::command_set<>;)
  using events = cleave::event_set<>;
};
struct no_events {
  using commands = cleave::command_set<>;
  ONLY_RIGHT(using events = cleave::event_set<>;)
};

// What is right about every one below.
struct by_query {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  static constexpr std::string_view category = "a";
  static int id(command const& c) { return c.key; }
  static cleave::boundary_query boundary(command const&) {
    return cleave::events_with<WRONG_OR_RIGHT(, happened)>("tag");
  }
  void evolve(happened const&) {}
  cleave::decision<happened> decide(command const&) const { return happened{}; }
};
struct no_evolve {
  using commands = cleave::command_set<>;
  using events = cleave::event_set<happened>;
  ONLY_RIGHT(void evolve(happened const&, cleave::envelope const&){})
};
struct no_boundary {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  static constexpr std::string_view category = "a";
  static int id(command const& c) { return c.key; }
  ONLY_RIGHT(static cleave::boundary_query boundary(command const&) {
    return cleave::events_with<happened>("tag");
  })
  void evolve(happened const&) {}
  cleave::decision<happened> decide(command const&) const { return happened{}; }
};
struct two_ways : by_query {
  ONLY_WRONG(static std::array<std::string, 1> streams(command const&) { return {"a-1"}; })
};
struct no_category {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  ONLY_RIGHT(static constexpr std::string_view category = "a";)
  static int id(command const& c) { return c.key; }
  static cleave::boundary_query boundary(command const&) { return cleave::events_with<happened>("tag"); }
  void evolve(happened const&) {}
  cleave::decision<happened> decide(command const&) const { return happened{}; }
};
struct by_streams {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  static std::array<std::string, 1> streams(command const&) { return {"a-1"}; }
  ONLY_RIGHT(static std::string stream(command const&, happened const&) { return "a-1"; })
  void evolve(happened const&) {}
  cleave::decision<happened> decide(command const&) const { return happened{}; }
};
struct no_decide {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  static std::array<std::string, 1> streams(command const&) { return {"a-1"}; }
  static std::string stream(command const&, happened const&) { return "a-1"; }
  void evolve(happened const&) {}
  ONLY_RIGHT(cleave::decision<happened> decide(command const&) const { return happened{}; })
};
struct wrong_event {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  static std::array<std::string, 1> streams(command const&) { return {"a-1"}; }
  static std::string stream(command const&, auto const&) { return "a-1"; }
  void evolve(happened const&) {}
  cleave::decision<WRONG_OR_RIGHT(other, happened)> decide(command const&) const {
    return cleave::nothing_happened{};
  }
};

template <class B> constexpr bool checked = cleave::detail::checked_boundary<B>::value;

int main() {
  static_cast<void>(by_query::boundary(command{}));
  return static_cast<int>(checked<no_default>) + checked<no_commands> + checked<no_events> +
         checked<no_evolve> + checked<no_boundary> + checked<two_ways> + checked<no_category> +
         checked<by_streams> + checked<no_decide> + checked<wrong_event>;
}
