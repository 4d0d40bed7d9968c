// SPDX-License-Identifier: BSL-1.0
// expect: cleave: this event has no stored name: specialise cleave::event_name for it
#include <cleave/event/event_set.hpp>

struct account_opened {};
#ifndef CLEAVE_MUST_FAIL
template <> inline constexpr auto cleave::event_name<account_opened> = "account-opened.v1";
#endif

int main() { return static_cast<int>(cleave::event_set<account_opened>::size); }
