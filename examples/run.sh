#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# sh examples/run.sh [ARGS]
#
# Installs what is missing, builds the shop in the release preset and runs it with ARGS, in the caller's folder;
# without ARGS a short tour. Only the shop writes to standard output.
set -eu

root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd)
build=$root/build/release
log=$build/run.log
mkdir -p "$build"

prepare() {
  if [ ! -f "$build/build.ninja" ]; then
    sh "$root/cmake/install-packages.sh" g++ cmake ninja-build libboost-dev libfmt-dev libsqlite3-dev &&
      cmake -S "$root" --preset release || return 1
  fi
  cmake --build "$build" --target shop
}

# Two of these at once must not build in one folder.
exec 9>"$build/run.lock"
if command -v flock >/dev/null; then flock 9; fi
[ -f "$build/build.ninja" ] || echo "cleave: installing what is missing and building the shop, see $log" >&2
if ! prepare >"$log" 2>&1 </dev/null 9>&-; then
  cat "$log" >&2
  echo "cleave: the shop could not be built" >&2
  exit 1
fi
exec 9>&-

shop=$build/examples/shop/shop
if [ $# -gt 0 ]; then
  exec "$shop" "$@"
fi
exec sh "$root/examples/shop/tour.sh" "$shop"
