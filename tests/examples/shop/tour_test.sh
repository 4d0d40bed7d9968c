#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# tour_test.sh SHOP SOURCES: the tour comes to its end and shows what it promises.
. "$(dirname "$0")/check.sh"

exit_code 0 sh "$sources/tour.sh" "$shop"
is_empty err
has '^total  *9398.8975$' out
has '"code":"quantity-under-one"' out
has '^{"line":1,"position":64,"version":1,"repeated":true}$' out
has ' order-cancelled.v1  cancelled: out of oil$' out
has '0 commands executed, 59 repeated' out
[ "$(ls)" = "$(printf 'err\nout')" ] || fail "the tour left something behind: $(ls)"
