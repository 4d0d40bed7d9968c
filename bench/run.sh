#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# sh bench/run.sh [FILTER] [--json FILE] [--html FILE] [--repetitions N] [--readme]
#
# Builds the release preset, runs the benchmarks whose name contains FILTER (all without one), each measurement interleaved
# with the raw way of doing the same work, counts instructions with callgrind, and prints one table of medians. --json writes one
# object a line, --html a page; --readme writes the objects to bench/last-run.jsonl and their table into README.md.
# CLEAVE_BENCH_EVENTS=N draws the curves of growth up to N events, 1000000 without it.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
caller=$(pwd)
in_callers_folder() { case $1 in /*) echo "$1" ;; *) echo "$caller/$1" ;; esac; }

filter= json= html= readme= repetitions=5
while [ $# -gt 0 ]; do
  case $1 in
    --json | --html | --repetitions)
      [ $# -ge 2 ] || { echo "bench/run.sh: $1 wants a value" >&2; exit 2; }
      case $1 in
        --json) json=$(in_callers_folder "$2") ;;
        --html) html=$(in_callers_folder "$2") ;;
        *) repetitions=$2 ;;
      esac
      shift ;;
    --readme) readme=$here/README.md json=${json:-$here/bench/last-run.jsonl} ;;
    -h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    -*) echo "bench/run.sh: unknown option $1 (see --help)" >&2; exit 2 ;;
    *) filter=$1 ;;
  esac
  shift
done

echo "bench: installing what is missing" >&2
sh "$here/cmake/install-packages.sh" g++ clang-19 cmake ninja-build libboost-dev libfmt-dev libsqlite3-dev libbenchmark-dev libconcurrentqueue-dev \
  libsigc++-2.0-dev rapidjson-dev nlohmann-json3-dev pkg-config valgrind python3 >&2

echo "bench: building the release preset" >&2
cd "$here"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{ cmake --preset release -DCLEAVE_BUILD_BENCH=ON -DCLEAVE_BUILD_TESTS=OFF && cmake --build --preset release --target bench; } >"$log" 2>&1 ||
  { cat "$log" >&2; exit 1; }

exec python3 -B "$here/bench/report.py" --programs "$here/build/release/bench" --goals "$here/bench/goals.txt" \
  --filter "$filter" --repetitions "$repetitions" ${json:+--json "$json"} ${html:+--html "$html"} ${readme:+--readme "$readme"}
