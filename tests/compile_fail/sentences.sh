#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# sentences.sh TREE: every sentence "cleave: ..." that a header says to the compiler must be expected by one pair, and no
# pair may expect a sentence that no header says.
set -eu
cd "$1"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Adjacent string literals are one, and what a literal escapes is printed plainly. Between the two the escaped quotes
# stand aside as @.
find include/cleave -name '*.hpp' | sort | while read -r header; do
  tr '\n@' '  ' <"$header" | sed 's/\\"/@/g; s/" *"//g' | grep -oE '(static_assert\(|throw )[^"]*"cleave: [^"]*"' || true
done | sed 's/^[^"]*"\(.*\)"$/\1/; s/@/"/g' | sort -u >"$scratch/said"
cat tests/compile_fail/*.cpp | sed -n 's|^// expect: ||p' | sort -u >"$scratch/expected"

if ! cmp -s "$scratch/said" "$scratch/expected"; then
  comm -23 "$scratch/said" "$scratch/expected" | sed 's/^/-- no pair in tests\/compile_fail for: /'
  comm -13 "$scratch/said" "$scratch/expected" | sed 's/^/-- no header says: /'
  exit 1
fi
