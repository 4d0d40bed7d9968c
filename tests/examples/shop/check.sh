# SPDX-License-Identifier: BSL-1.0
# Read by the tests of the shop's command line: sh NAME_test.sh SHOP SOURCES, in a folder of its own.
set -eu

shop=$1
sources=$2
rm -rf -- ./*

fail() {
  echo "FAILED: $*" >&2
  exit 1
}
# exit_code CODE COMMAND...: runs it, output in the files out and err.
exit_code() {
  wanted=$1
  shift
  code=0
  "$@" >out 2>err </dev/null || code=$?
  [ "$code" = "$wanted" ] || { cat out err >&2; fail "exit code $code, not $wanted: $*"; }
}
has() { grep -q -e "$1" "$2" || { cat "$2" >&2; fail "$2 does not have: $1"; }; }
is_empty() { [ ! -s "$1" ] || { cat "$1" >&2; fail "$1 is not empty"; }; }
# is FILE: its contents are those of standard input.
is() { diff -u - "$1" >&2 || fail "$1 is not what it should be"; }
# json WORDS...: the answer of the shop's file, on standard output.
json() { "$shop" --db shop.db "$@" --json; }
