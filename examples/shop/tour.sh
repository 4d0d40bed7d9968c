#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# sh examples/shop/tour.sh SHOP: a tour of the shop on the bundled orders. SHOP is the built program. Leaves nothing behind.
set -eu

program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
data=$(cd "$(dirname "$0")/data" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

say() { printf '\n== %s\n' "$*"; }
# shop WORDS...: shows the command, runs it on the tour's file. A rejection is no reason to stop.
shop() {
  printf '\n$ shop --db shop.db %s\n' "$*"
  "$program" --db shop.db "$@" || echo "(exit code $?)"
}
# apply LINE...: shows the commands and executes them in one process.
apply() {
  printf '\n$ shop --db shop.db apply - <<END\n'
  printf '%s\n' "$@" 'END'
  printf '%s\n' "$@" | "$program" --db shop.db apply - || echo "(exit code $?)"
}

say "A shop is one SQLite file. It begins with an import: customers and products are state-stored, orders are event-sourced."
shop import "$data"

say "Read models follow the log and answer questions."
shop revenue --top 3
shop best-sellers --top 3
shop open-orders

say "Commands, one JSON object a line, are answered one by one: position in the log, version in the stream."
apply \
  '{"command":"register-customer","customer":"LIGHT","company":"Lighthouse Canteen","city":"Cuxhaven"}' \
  '{"command":"add-product","product":11,"name":"Ship biscuit","price_cents":320}' \
  '{"command":"place-order","order":2001,"customer":"LIGHT","placed_on":"2026-05-01","lines":[{"product":11,"quantity":40,"discount_percent":10},{"product":1,"quantity":5}]}'

say "The domain says no with a code and a text, and a line that makes no sense does not stop the next one."
apply \
  '{"command":"place-order","order":2002,"customer":"NOBODY","lines":[{"product":1,"quantity":1}]}' \
  '{"command":"place-order","order":2002,"customer":"LIGHT","lines":[{"product":11,"quantity":0}]}' \
  '{"command":"cancel-order","order":1001}' \
  'please ship 2001' \
  '{"command":"ship-order","order":2001,"shipped_on":"2026-05-02"}' \
  '{"command":"ship-order","order":2001}'

say "A sender who got no answer sends again. The command's id makes that safe, in another process too: the first answer comes back."
order='{"id":"web form 4711","command":"place-order","order":2003,"customer":"LIGHT","placed_on":"2026-05-03","lines":[{"product":6,"quantity":2}]}'
apply "$order"
apply "$order"

say "What was answered is stored: this process is killed with kill -9 as soon as it has answered."
mkfifo commands answers
"$program" --db shop.db apply - <commands >answers &
killed=$!
exec 3>commands 4<answers
cancel='{"command":"cancel-order","order":2003,"reason":"out of oil"}'
printf '\n$ shop --db shop.db apply - &\n%s\n' "$cancel"
echo "$cancel" >&3
read -r answer <&4
echo "$answer"
echo '$ kill -9 $!'
kill -9 "$killed"
wait "$killed" 2>/dev/null || true
exec 3>&- 4<&-

say "The next process finds it: cancelled, and out of the revenue."
shop orders --customer LIGHT
shop history 2003

say "The file is for people too."
if command -v sqlite3 >/dev/null; then
  query='SELECT position, stream, version, name, data FROM events ORDER BY position DESC LIMIT 5'
  printf '\n$ sqlite3 shop.db "%s"\n' "$query"
  sqlite3 shop.db "$query"
  query='SELECT product.name, price.cents FROM product JOIN price ON price.product = product.id WHERE product.id > 9'
  printf '\n$ sqlite3 shop.db "%s"\n' "$query"
  sqlite3 shop.db "$query"
else
  echo "(sqlite3 is not installed: with it, the views events and commands show the log as JSON.)"
fi

say "No two customers have one e-mail address: a rule over all of them. Who may do what is another: the warehouse sells nothing."
apply \
  '{"command":"set-email","customer":"LIGHT","email":"canteen@lighthouse.example"}' \
  '{"command":"register-customer","customer":"BEACON","company":"Beacon Canteen"}' \
  '{"command":"set-email","customer":"BEACON","email":"Canteen@Lighthouse.example"}'
printf '\n$ shop --db shop.db apply - --as warehouse <<END\n%s\nEND\n' '{"command":"change-price","product":11,"price_cents":1}'
echo '{"command":"change-price","product":11,"price_cents":1}' | "$program" --db shop.db apply - --as warehouse || echo "(exit code $?)"

say "Importing again changes nothing."
shop import "$data"
