#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# pkg_config.sh PREFIX SOURCE FOLDER COMPILER: builds SOURCE in FOLDER with what pkg-config says of PREFIX, and runs it.
set -eu
prefix=$1 source=$2 folder=$3 compiler=$4
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name cleave.pc)")
export PKG_CONFIG_PATH

flags=$(pkg-config --cflags --libs cleave-sqlite)
libdir=$(pkg-config --variable=libdir cleave)
mkdir -p "$folder"
cd "$folder"
set -x
"$compiler" -std=c++20 "$source" -o consumer $flags
LD_LIBRARY_PATH=$libdir ./consumer
