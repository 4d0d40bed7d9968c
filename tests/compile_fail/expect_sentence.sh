#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# expect_sentence.sh FILE COMPILER...: the compiler must refuse FILE with CLEAVE_MUST_FAIL defined, and must say the
# text of each "// expect: " line in FILE.
file=$1
shift
grep -q '^// expect: .' "$file" || { echo "$file has no line \"// expect: \" with a sentence"; exit 1; }

said=$("$@" -fmessage-length=0 -DCLEAVE_MUST_FAIL "$file" 2>&1)
code=$?
echo "$said"
if [ "$code" -ne 1 ]; then
  echo "-- the compiler ended with $code instead of 1: the wrong form was not refused"
  exit 1
fi
sed -n 's|^// expect: ||p' "$file" | {
  while IFS= read -r sentence; do
    case $said in
      *"$sentence"*) ;;
      *) echo "-- not said: $sentence"; exit 1 ;;
    esac
  done
}
