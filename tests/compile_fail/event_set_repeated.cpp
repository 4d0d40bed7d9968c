// SPDX-License-Identifier: BSL-1.0
// expect: cleave: an event stands twice in one event_set
#include <cleave/event/event_set.hpp>

struct account_opened {
  static constexpr auto event_name = "account-opened.v1";
};
struct account_closed {
  static constexpr auto event_name = "account-closed.v1";
};

#ifdef CLEAVE_MUST_FAIL
using events = cleave::event_set<account_opened, account_closed, account_opened>;
#else
using events = cleave::event_set<account_opened, account_closed>;
#endif

int main() { return static_cast<int>(events::size); }
