// SPDX-License-Identifier: BSL-1.0
#include <cleave/memory/event_store.hpp>
#include <cleave/testing/contract_catch.hpp>

namespace {

struct memory_fixture {
  explicit memory_fixture(cleave::clock_ref clock) : made({.clock = clock}) {}
  cleave::memory::event_store& store() { return made; }
  cleave::memory::event_store made;
};

} // namespace

CLEAVE_EVENT_STORE_CONTRACT("memory", memory_fixture);
