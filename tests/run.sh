#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# sh tests/run.sh [--only LABEL] [--long]
#
# Installs what is missing (Debian, Ubuntu), builds, and runs every test: with GCC; with Clang, AddressSanitizer and
# UBSan; and with Clang and ThreadSanitizer. Without --only also clang-format, and clang-tidy on the library.
#   --only LABEL   only the tests with this label, and only what they need built:
#                  unit, contract, compile-fail, package, examples, attack, engines
#   --long         the attacks last ten times longer
# Ends with ctest's summary of each preset, and fails when anything failed. Everything built is under build/.
set -u

root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd) || exit 1
cd "$root" || exit 1

usage() { sed -n 's/^# \{0,1\}//; 3,10p' "$root/tests/run.sh"; }

only=
while [ $# -gt 0 ]; do
  case $1 in
    --only)
      only=${2-}
      case $only in
        unit|contract|compile-fail|package|examples|attack|engines) shift ;;
        *) echo "tests/run.sh: --only wants one of unit, contract, compile-fail, package, examples, attack, engines; got \"$only\"" >&2; exit 2 ;;
      esac ;;
    --long) export CLEAVE_ATTACK_FACTOR=10 ;;
    -h|--help) usage; exit 0 ;;
    *) echo "tests/run.sh: unknown argument \"$1\"" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

# Which presets a label runs in, and what must be built for it.
case $only in
  '') presets='dev asan tsan' targets= ;;
  compile-fail) presets='dev asan' targets=none ;;
  package) presets=dev targets=src/all ;;
  examples) presets=dev targets='examples tests-examples' ;;
  *) presets='dev asan tsan' targets=tests-$only ;;
esac

say() { printf '\n== %s\n' "$*"; }
untracked() { git ls-files --others --exclude-standard 2>/dev/null; }

results=$root/build/run
rm -rf "$results"
mkdir -p "$results"
untracked >"$results/untracked-before"
failed=

# attempt NAME COMMAND...: runs it, says how long it took, and remembers a failure without stopping.
attempt() {
  name=$1
  shift
  say "$name: $*"
  start=$(date +%s)
  "$@" </dev/null
  code=$?
  echo "-- $name: $(($(date +%s) - start)) s"
  [ $code -eq 0 ] || failed="$failed
  $name"
  return $code
}

say "packages"
packages='g++ clang-19 libclang-rt-19-dev cmake ninja-build ccache pkg-config libboost-dev libfmt-dev catch2
  libsqlite3-dev sqlite3 prometheus-cpp-dev'
[ -n "$only" ] || packages="$packages clang-tidy-19 clang-format-19"
sh cmake/install-packages.sh $packages || exit 1

build() {
  case $targets in
    none) ;;
    '') cmake --build --preset "$1" ;;
    *) cmake --build --preset "$1" --target $targets ;;
  esac
}

run_ctest() {
  if [ -n "$only" ]; then set -- "$1" -L "^$only\$"; fi
  # No engine (a database server, a broker) has an adapter so far: that label may be empty, and ctest says so.
  if [ "$only" = engines ]; then set -- "$@" --no-tests=ignore; fi
  { ctest --preset "$@"; echo $? >"$results/code"; } 2>&1 | tee "$results/$1.log"
  return "$(cat "$results/code")"
}

check_format() {
  find include src tests examples bench '(' -name '*.hpp' -o -name '*.cpp' ')' -exec clang-format-19 --dry-run --Werror {} +
}

# Every source of the library, and one file that includes every header.
run_tidy() {
  { find src -name '*.cpp'; echo build/asan/tests/all_headers_a.cpp; } |
    xargs -P 2 -n 1 clang-tidy-19 -p build/asan --quiet
}

if [ -z "$only" ]; then attempt "format" check_format; fi
for preset in $presets; do
  attempt "$preset configure" cmake --preset "$preset" &&
    attempt "$preset build" build "$preset" &&
    attempt "$preset test" run_ctest "$preset"
  if [ "$preset" = asan ] && [ -z "$only" ]; then attempt "clang-tidy" run_tidy; fi
done

untracked >"$results/untracked-after"
if ! cmp -s "$results/untracked-before" "$results/untracked-after"; then
  say "the run left files in the source tree"
  diff "$results/untracked-before" "$results/untracked-after"
  failed="$failed
  clean tree"
fi

for preset in $presets; do
  say "summary: $preset"
  if [ ! -f "$results/$preset.log" ]; then
    echo "not tested"
  elif ! sed -n '/% tests passed/,$p' "$results/$preset.log" | grep .; then
    echo "no test has the label $only"
  fi
done
if [ -n "$failed" ]; then
  say "FAILED:$failed"
  exit 1
fi
say "all passed"
