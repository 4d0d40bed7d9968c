// SPDX-License-Identifier: BSL-1.0
// expect: cleave: two events of one event_set have the same stored name
#include <cleave/event/event_set.hpp>

struct account_opened {
  static constexpr auto event_name = "account-opened.v1";
};
struct account_closed {
#ifdef CLEAVE_MUST_FAIL
  static constexpr auto event_name = "account-opened.v1";
#else
  static constexpr auto event_name = "account-closed.v1";
#endif
};

int main() { return static_cast<int>(cleave::event_set<account_opened, account_closed>::size); }
