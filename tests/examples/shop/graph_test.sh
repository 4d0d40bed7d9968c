#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# graph_test.sh SHOP SOURCES: what the shop says about itself, and that the README shows it.
. "$(dirname "$0")/check.sh"

exit_code 0 "$shop" graph
is_empty err
has '^flowchart LR$' out
cp out graph
sed -n '/^<!-- readme: shop graph -->$/,/^```$/p' "$sources/../../README.md" | sed '1,2d;$d' >shown
[ -s shown ] || fail "README.md has lost its picture: the line <!-- readme: shop graph --> and a block of mermaid behind it"
diff -u shown graph >&2 || fail "README.md shows another graph than \`shop graph\` prints"

exit_code 0 "$shop" graph --json
has '"name":"place-order","events":\["order-placed.v1"\]' out
exit_code 2 "$shop" --db f.db graph
has 'graph takes no --db' err
exit_code 0 "$shop" graph --help
has 'usage: shop graph \[--json\]' out
[ ! -e f.db ] || fail "graph has made a file"
