#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# sh cmake/install-packages.sh PACKAGE...
#
# Makes sure that what these packages (Debian's names) bring is there, and installs what is not: with apt as root or
# through sudo, without asking. Where there is no apt it names what is missing and fails. What is there already, from
# whatever source, is left alone.
set -eu

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# has_header HEADER [EXPRESSION]: the compiler finds HEADER, and the preprocessor takes EXPRESSION for true.
has_header() {
  printf '#include <%s>\n#if !(%s)\n#error\n#endif\n' "$1" "${2:-1}" >"$scratch/probe.cpp"
  g++ -std=c++20 -E "$scratch/probe.cpp" >/dev/null 2>&1
}

links() {
  echo 'int main() {}' >"$scratch/probe.cpp"
  "$@" "$scratch/probe.cpp" -o "$scratch/probe" >/dev/null 2>&1
}

is_there() {
  case $1 in
    g++) has_header version '__GNUC__ >= 12' ;;
    cmake) echo 'cmake_minimum_required(VERSION 3.25)' >"$scratch/probe.cmake" && cmake -P "$scratch/probe.cmake" >/dev/null 2>&1 ;;
    ninja-build) command -v ninja >/dev/null ;;
    clang-19) command -v clang++-19 >/dev/null ;;
    libclang-rt-19-dev) links clang++-19 -fsanitize=address && links clang++-19 -fsanitize=thread ;;
    libboost-dev) has_header boost/version.hpp 'BOOST_VERSION >= 108100' && has_header boost/describe.hpp ;;
    libfmt-dev) has_header fmt/core.h ;;
    catch2) has_header catch2/catch.hpp || has_header catch2/catch_all.hpp ;;
    libbenchmark-dev) has_header benchmark/benchmark.h ;;
    libsqlite3-dev) has_header sqlite3.h ;;
    lib*|*-dev) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

missing() {
  for package; do
    is_there "$package" || echo "$package"
  done
}

wanted=$(missing "$@")
[ -n "$wanted" ] || exit 0
wanted=$(echo $wanted) # on one line

if ! command -v apt-get >/dev/null; then
  echo "cleave: missing here, and there is no apt to install it (Debian's package names): $wanted" >&2
  [ "${wanted#*libboost-dev}" = "$wanted" ] || echo "cleave: Boost must be 1.81 or newer" >&2
  exit 1
fi
if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null; then
  as_root=sudo
else
  echo "cleave: missing: $wanted; run this as root, or as a user with sudo" >&2
  exit 1
fi

apt() { $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null; }

echo "cleave: installing $wanted"
apt update

# Debian 12 has two Boosts, and the default one is too old. Its headers exclude the others': apt replaces them.
if [ "${wanted#*libboost-dev}" != "$wanted" ]; then
  boost=
  for package in libboost-dev libboost1.83-dev libboost1.81-dev; do
    version=$(apt-cache policy "$package" | sed -n 's/^  Candidate: //p')
    if [ -z "$boost" ] && dpkg --compare-versions "${version:-0}" ge 1.81; then boost=$package; fi
  done
  if [ -z "$boost" ]; then
    echo "cleave: Boost 1.81 or newer is wanted, and apt offers none" >&2
    exit 1
  fi
  wanted=$(echo "$wanted" | sed "s/libboost-dev/$boost/")
fi

apt install --no-install-recommends $wanted

still=$(missing "$@")
if [ -n "$still" ]; then
  echo "cleave: still missing after the installation: $(echo $still)" >&2
  exit 1
fi
