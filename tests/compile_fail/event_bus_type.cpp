// SPDX-License-Identifier: BSL-1.0
// expect: cleave: subscribe<E> wants the plain event type, without const or &
#include <cleave/event/event_bus.hpp>

struct order_placed {};

void subscribe(cleave::event_bus& bus) {
#ifdef CLEAVE_MUST_FAIL
  auto const sub = bus.subscribe<order_placed const>([](order_placed const&) {});
#else
  auto const sub = bus.subscribe<order_placed>([](order_placed const&) {});
#endif
}
