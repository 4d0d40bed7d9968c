// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a command handler says what it takes: add `using commands = cleave::command_set<...>`
// expect: cleave: a command handler names its streams: add `static constexpr std::string_view category`
// expect: cleave: the command handler does not say which stream a command is for: add `static auto id(Command const&)` that returns a text or an integer
// expect: cleave: the command handler lists a command that it cannot handle on this store: add `cleave::decision<Events...> handle(Command const&)`, or with a second parameter `Store::transaction&` where the store has one
// expect: cleave: the command handler has two ways to handle one command: with and without a transaction; keep one
#include <cleave/command/command_handler.hpp>

#ifdef CLEAVE_MUST_FAIL
#define ONLY_RIGHT(...)
#define ONLY_WRONG(...) __VA_ARGS__
#else
#define ONLY_RIGHT(...) __VA_ARGS__
#define ONLY_WRONG(...)
#endif

struct happened {
  static constexpr auto event_name = "happened.v1";
};
struct command {
  int key = 0;
};
struct store {
  struct transaction {};
};

struct no_commands {
  ONLY_RIGHT(using commands = cleave::command_set<>;)
  static constexpr std::string_view category = "a";
};
struct no_category {
  using commands = cleave::command_set<>;
  ONLY_RIGHT(static constexpr std::string_view category = "a";)
};
struct no_id {
  using commands = cleave::command_set<command>;
  static constexpr std::string_view category = "a";
  ONLY_RIGHT(static int id(command const& c) { return c.key; })
  cleave::decision<happened> handle(command const&) { return happened{}; }
};
struct no_handle {
  using commands = cleave::command_set<command>;
  static constexpr std::string_view category = "a";
  static int id(command const& c) { return c.key; }
  ONLY_RIGHT(cleave::decision<happened> handle(command const&) { return happened{}; })
};
struct two_ways {
  using commands = cleave::command_set<command>;
  static constexpr std::string_view category = "a";
  static int id(command const& c) { return c.key; }
  cleave::decision<happened> handle(command const&, store::transaction&) { return happened{}; }
  ONLY_WRONG(cleave::decision<happened> handle(command const&) { return happened{}; })
};

template <class H> constexpr bool checked = cleave::detail::checked_handler<H, store>::value;

int main() {
  return static_cast<int>(checked<no_commands>) + checked<no_category> + checked<no_id> + checked<no_handle> +
         checked<two_ways>;
}
