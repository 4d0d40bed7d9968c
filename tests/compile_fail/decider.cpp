// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a decider is default-constructible: that is the state before the first event
// expect: cleave: a decider is a copyable value
// expect: cleave: a decider says what it takes: add `using commands = cleave::command_set<...>`
// expect: cleave: a decider says what it is made of: add `using events = cleave::event_set<...>`
// expect: cleave: a decider names its streams: add `static constexpr std::string_view category`
// expect: cleave: the decider lists an event that it cannot evolve: add `void evolve(Event const&)`
// expect: cleave: the decider does not say which stream a command is for: add `static auto id(Command const&)` that returns a text or an integer
// expect: cleave: the decider lists a command that it cannot decide: add `cleave::decision<Events...> decide(Command const&) const`
// expect: cleave: a decision holds an event that is not in the decider's event_set
#include <cleave/command/decider.hpp>

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
  static constexpr std::string_view category = "a";
};
struct not_copyable {
  not_copyable() = default;
  ONLY_RIGHT(not_copyable(not_copyable const&) = default;
             not_copyable & operator=(not_copyable const&) = default;)
  not_copyable(not_copyable&&) = default;
  not_copyable& operator=(not_copyable&&) = default;
  using commands = cleave::command_set<>;
  using events = cleave::event_set<>;
  static constexpr std::string_view category = "a";
};
struct no_commands {
  ONLY_RIGHT(using commands = cleave::command_set<>;)
  using events = cleave::event_set<>;
  static constexpr std::string_view category = "a";
};
struct no_events {
  using commands = cleave::command_set<>;
  ONLY_RIGHT(using events = cleave::event_set<>;)
  static constexpr std::string_view category = "a";
};
struct no_category {
  using commands = cleave::command_set<>;
  using events = cleave::event_set<>;
  ONLY_RIGHT(static constexpr std::string_view category = "a";)
};
struct no_evolve {
  using commands = cleave::command_set<>;
  using events = cleave::event_set<happened>;
  static constexpr std::string_view category = "a";
  ONLY_RIGHT(void evolve(happened const&){})
};
struct no_id {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  static constexpr std::string_view category = "a";
  void evolve(happened const&) {}
  ONLY_RIGHT(static int id(command const& c) { return c.key; })
  cleave::decision<happened> decide(command const&) const { return happened{}; }
};
struct no_decide {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  static constexpr std::string_view category = "a";
  void evolve(happened const&) {}
  static int id(command const& c) { return c.key; }
  ONLY_RIGHT(cleave::decision<happened> decide(command const&) const { return happened{}; })
};
struct wrong_event {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  static constexpr std::string_view category = "a";
  static int id(command const& c) { return c.key; }
  void evolve(happened const&) {}
  cleave::decision<WRONG_OR_RIGHT(other, happened)> decide(command const&) const {
    return cleave::nothing_happened{};
  }
};

template <class D> constexpr bool checked = cleave::detail::checked_decider<D>::value;

int main() {
  return static_cast<int>(checked<no_default>) + checked<not_copyable> + checked<no_commands> +
         checked<no_events> + checked<no_category> + checked<no_evolve> + checked<no_id> +
         checked<no_decide> + checked<wrong_event>;
}
