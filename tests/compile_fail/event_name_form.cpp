// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a stored event name is kebab-case with a version, such as "order-placed.v1"
#include <cleave/event/event_set.hpp>

struct account_opened {
#ifdef CLEAVE_MUST_FAIL
  static constexpr auto event_name = "account_opened";
#else
  static constexpr auto event_name = "account-opened.v1";
#endif
};

int main() { return static_cast<int>(cleave::event_set<account_opened>::size); }
