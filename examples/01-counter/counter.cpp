// SPDX-License-Identifier: BSL-1.0
// 01: a counter in memory. The smallest application there is: one event, one command, one decider.
//
//   event     a fact, in the past tense; never changed once it is stored
//   command   a request to change something, in the imperative
//   decider   says what a command comes to (decide), and what follows from an event (evolve)
//
// The state is never stored. It is what the events of its stream add up to.

#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>

#include <iostream>
#include <string>

struct incremented {
  int by = 0;
};
template <> inline constexpr auto cleave::event_name<incremented> =
    "incremented.v1"; // its name in the log, for ever

struct increment {
  std::string counter;
  int by = 0;
};

struct counter {
  using commands = cleave::command_set<increment>;
  using events = cleave::event_set<incremented>;
  static constexpr std::string_view category = "counter"; // with id(): the stream is "counter-clicks"
  static std::string const& id(increment const& command) { return command.counter; }

  int value = 0; // a counter without events

  void evolve(incremented const& event) { value += event.by; }
  cleave::decision<incremented> decide(increment const& command) const { return incremented{command.by}; }
};

int main() {
  cleave::memory::event_store log;
  cleave::application app{log, cleave::deciders<counter>};

  for (int by : {1, 2, 4}) {
    auto done = app.execute(increment{"clicks", by});
    if (!done) {
      std::cerr << done.error().message() << '\n';
      return 1;
    }
    std::cout << "incremented by " << by << ": event " << done->version.value() << " of the counter\n";
  }

  // What a command handler does before it decides: fold the stream.
  auto clicks = cleave::load<counter>(log, "counter-clicks");
  if (!clicks) {
    std::cerr << clicks.error().message() << '\n';
    return 1;
  }
  std::cout << "the counter stands at " << clicks->state.value << '\n';
  return clicks->state.value == 7 ? 0 : 1;
}
