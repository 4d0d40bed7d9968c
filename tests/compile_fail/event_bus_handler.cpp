// SPDX-License-Identifier: BSL-1.0
// expect: cleave: the handler of subscribe<E> must be callable with (E const&) or (E const&, envelope const&)
#include <cleave/event/event_bus.hpp>

struct order_placed {};
struct order_shipped {};

void subscribe(cleave::event_bus& bus) {
#ifdef CLEAVE_MUST_FAIL
  auto const sub = bus.subscribe<order_placed>([](order_shipped const&) {});
#else
  auto const sub = bus.subscribe<order_placed>([](order_placed const&) {});
#endif
}
