// SPDX-License-Identifier: BSL-1.0
// expect: cleave: an inline projection in memory needs a store in memory: what a durable store could still refuse must not be in the model yet; use projections<...>
// expect: cleave: an inline stored projection needs a store with transactions; use stored_projections<...>
// expect: cleave: no part of this application has the projection that is asked for
// expect: cleave: this store keeps bytes, and one of the events has no stored form: describe it with BOOST_DESCRIBE_STRUCT, or specialise cleave::codec for it
#include <cleave/cleave.hpp>
#include <cleave/memory/event_store.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include <boost/describe.hpp>

#ifdef CLEAVE_MUST_FAIL
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define WRONG_OR_RIGHT(wrong, right) right
#endif

struct happened {
  static constexpr auto event_name = "happened.v1";
};
WRONG_OR_RIGHT(, BOOST_DESCRIBE_STRUCT(happened, (), ()))
struct command {
  int key = 0;
};
struct thing {
  using commands = cleave::command_set<command>;
  using events = cleave::event_set<happened>;
  static constexpr std::string_view category = "thing";
  static int id(command const& c) { return c.key; }
  void evolve(happened const&) {}
  cleave::decision<happened> decide(command const&) const { return happened{}; }
};
struct in_memory {
  using events = cleave::event_set<>;
  static constexpr std::string_view name = "a.v1";
};
struct stored {
  using events = cleave::event_set<>;
  static constexpr std::string_view name = "b.v1";
};

using memory_store = cleave::memory::event_store;
using file_store = cleave::sqlite::event_store;

void inline_in_memory(WRONG_OR_RIGHT(file_store, memory_store) & store) {
  cleave::application const app(store, cleave::inline_projections<in_memory>);
}
void inline_stored(WRONG_OR_RIGHT(memory_store, file_store) & store, cleave::sqlite::read_store& rows) {
  cleave::application const app(store, cleave::inline_stored_projections<stored>(rows));
}
void bytes(file_store& store) {
  cleave::application app(store, cleave::deciders<thing>);
  static_cast<void>(app.execute(command{}).has_value());
}
void unknown(memory_store& store) {
  cleave::application app(store, cleave::projections<in_memory>);
  static_cast<void>(app.projector<WRONG_OR_RIGHT(stored, in_memory)>());
}

int main() {}
