// SPDX-License-Identifier: BSL-1.0
// expect: cleave: visit_event needs an event_set
// expect: cleave: read_events needs an event_set
// expect: cleave: an event and one that it supersedes have the same stored name
// expect: cleave: an event must be copy-constructible: it is a fact that several readers keep
// expect: cleave: upcasting does not end: do two events upcast to one another?
#include <cleave/event/any_event_store.hpp>
#include <cleave/event/read_events.hpp>

#ifdef CLEAVE_MUST_FAIL
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define WRONG_OR_RIGHT(wrong, right) right
#endif

struct plain {
  static constexpr auto event_name = "plain.v1";
};

struct renamed;
struct old_name {
  static constexpr auto event_name = WRONG_OR_RIGHT("name.v2", "name.v1");
  renamed upcast() const;
};
struct renamed {
  using supersedes = cleave::event_set<old_name>;
  static constexpr auto event_name = "name.v2";
};
renamed old_name::upcast() const { return {}; }

struct unique {
  static constexpr auto event_name = "unique.v1";
  unique() = default;
  unique(unique const&) = WRONG_OR_RIGHT(delete, default);
};

struct pong;
struct ping {
  using supersedes = cleave::event_set<pong>;
  static constexpr auto event_name = "ping.v1";
  WRONG_OR_RIGHT(pong upcast() const;, )
};
struct pong {
  using supersedes = cleave::event_set<ping>;
  static constexpr auto event_name = "pong.v1";
  ping upcast() const { return {}; }
};
WRONG_OR_RIGHT(pong ping::upcast() const { return {}; }, )

template <class Set> void visited(cleave::recorded_event const& recorded) {
  static_cast<void>(
      cleave::visit_event<Set>(recorded, [](auto const&, cleave::envelope const&) {}).has_value());
}

template <class Set> void read(cleave::any_event_store& log) {
  static_cast<void>(cleave::read_events<Set>(log, {}, [](auto const&) {}).has_value());
}

int main() {
  cleave::recorded_event const recorded{};
  static_cast<void>(&read<WRONG_OR_RIGHT(boost::mp11::mp_list<plain>, cleave::event_set<plain>)>);
  visited<WRONG_OR_RIGHT(boost::mp11::mp_list<plain>, cleave::event_set<plain>)>(recorded);
  static_cast<void>(cleave::stored_names<cleave::event_set<renamed>>.size());
  static_cast<void>(cleave::event_type_of<unique>.size);
  visited<cleave::event_set<pong>>(recorded); // the last: a compiler gives up after so many errors
}
