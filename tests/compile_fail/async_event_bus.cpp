// SPDX-License-Identifier: BSL-1.0
// expect: cleave: an event of async_event_bus needs a default constructor and a move assignment that is noexcept
// expect: cleave: a handler of async_event_bus<E> must be callable with (E const&), for an event_set with one of its events, or with a std::span of what lies in the bus
// expect: cleave: the handler of async_event_bus<E>::partition must be callable with (E const&), for an event_set with one of its events
// expect: cleave: the key of async_event_bus<E>::partition must be callable with every event that the handler takes
#include <cleave/event/async_event_bus.hpp>

struct order_placed {
  int number = 0;
};
struct order_shipped {};

#ifdef CLEAVE_MUST_FAIL
struct copied_only {
  copied_only& operator=(copied_only const&);
};
using heard = order_shipped;
using wrong = cleave::async_event_bus<copied_only>;
#else
using heard = order_placed;
using wrong = cleave::async_event_bus<order_placed>;
#endif

void subscribe(cleave::async_event_bus<order_placed>& bus) {
  bus.subscribe([](heard const&) {});
  bus.partition(2, [](order_placed const& e) { return e.number; }, [](heard const&) {});
  bus.partition(2, [](heard const&) { return 1; }, [](order_placed const&) {});
}

void publish() { wrong{}.close(cleave::closing::drain); }
