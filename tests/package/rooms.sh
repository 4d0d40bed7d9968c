#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# rooms.sh TREE: which room may include which, and what no core header may pull in. Sources follow their room.
set -u
cd "$1" || exit 1
failed=0

# forbid ROOM PATTERN REASON: no file of ROOM has an #include that matches PATTERN.
forbid() {
  for folder in "include/cleave/$1" "src/$1"; do
    [ -d "$folder" ] || continue
    if grep -rnE "^ *# *include *[<\"]($2)" "$folder"; then
      echo "-- $3"
      failed=1
    fi
  done
}

adapters='memory|sqlite|prometheus|testing'
forbid base "cleave/(event|command|query|process|middleware|$adapters)/" "base knows no other room"
forbid event "cleave/(command|query|process|middleware|$adapters)/" "event knows base only"
forbid command "cleave/(query|process|middleware|$adapters)/" "command knows event and base only"
forbid query "cleave/(command|process|middleware|$adapters)/" "query knows event and base only"
forbid process "cleave/(query|$adapters)/" "process knows command, event and base only"
forbid middleware "cleave/(query|process|$adapters)/" "middleware knows command, event and base only"
forbid memory "cleave/(sqlite|prometheus|testing|application)" "an adapter knows no other adapter and no application"
forbid sqlite "cleave/(prometheus|testing|application)" "an adapter knows no other adapter and no application"
forbid prometheus "cleave/(memory|sqlite|testing|application)" "an adapter knows no other adapter and no application"

if grep -rnE '# *include *<catch2/' include/cleave src | grep -v '^include/cleave/testing/[a-z_]*_catch\.hpp:'; then
  echo "-- the testing component works without Catch2: only testing/*_catch.hpp may include it"
  failed=1
fi

if grep -rnE '^ *# *include *<(iostream|sqlite3\.h|fmt/|boost/json)' include/cleave | grep -vE '^include/cleave/(sqlite|testing)/'; then
  echo "-- a core header is for everyone: no streams, no SQLite, no JSON library, no fmt"
  failed=1
fi
exit $failed
