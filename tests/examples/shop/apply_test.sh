#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# apply_test.sh SHOP SOURCES: commands in, answers out, line by line.
. "$(dirname "$0")/check.sh"

# Good and bad lines; the last one has no end of line.
printf '%s\n' \
  '{"command":"register-customer","customer":"TEAHO","company":"The Tea House","city":"Bergen"}' \
  '{"command":"add-product","product":1,"name":"Green tea","price_cents":450}' \
  '{"command":"place-order","order":1,"customer":"TEAHO","placed_on":"2026-03-01","lines":[{"product":1,"quantity":2,"discount_percent":10}]}' \
  '' \
  'ship it' \
  '{"command":"ship-order"}' \
  '{"command":"ship-order","order":"1"}' \
  '{"command":"ship-order","order":1,"shiped_on":"2026-03-02"}' \
  '{"command":"sell","order":1}' \
  '{"order":1}' \
  '{"command":"place-order","order":2,"customer":"TEAHO","lines":[{"product":1,"quantity":1},{"product":1,"qantity":2}]}' \
  '{"command":"place-order","order":2,"customer":"TEAHO","placed_on":"2026-02-30","lines":[]}' \
  '{"command":"ship-order","order":1,"shipped_on":"2026-03-02"} x' \
  '{"command":"ship-order","order":1,"shipped_on":"2026-03-02"}' \
  '{"command":"ship-order","order":1}' \
  '{"command":"cancel-order","order":1,"reason":"too late"}' \
  '{"command":"cancel-order","order":7}' >commands
printf '%s' '{"command":"change-price","product":1,"price_cents":480}' >>commands

exit_code 1 "$shop" --db shop.db apply commands
is_empty err
# What cleave's codec says in its own words is left out here.
sed -E 's/"text":"[^"]*(wanted|codec) .*/.../' out >answers
is answers <<'END'
{"line":1,"position":1,"version":1,"repeated":false}
{"line":2,"position":2,"version":1,"repeated":false}
{"line":3,"position":3,"version":1,"repeated":false}
{"line":5,"error":{"code":"decode_failed",...
{"line":6,"error":{"code":"decode_failed","text":"order: the field is missing"}}
{"line":7,"error":{"code":"decode_failed",...
{"line":8,"error":{"code":"decode_failed","text":"shiped_on: there is no such field"}}
{"line":9,"error":{"code":"decode_failed","text":"command: there is no command \"sell\""}}
{"line":10,"error":{"code":"decode_failed","text":"command: the field is missing"}}
{"line":11,"error":{"code":"decode_failed","text":"lines[1].quantity: the field is missing"}}
{"line":12,"error":{"code":"decode_failed",...
{"line":13,"error":{"code":"decode_failed",...
{"line":14,"position":4,"version":2,"repeated":false}
{"line":15,"rejection":{"code":"already-shipped","text":"order 1 was shipped before"}}
{"line":16,"rejection":{"code":"cancel-after-shipping","text":"order 1 was shipped, it cannot be cancelled"}}
{"line":17,"rejection":{"code":"unknown-order","text":"there is no order 7"}}
{"line":18,"position":5,"version":2,"repeated":false}
END
has '2026-02-30' out

# Every rejection has its own code.
for rejected in \
  'unknown-customer {"command":"place-order","order":9,"customer":"X","lines":[{"product":1,"quantity":1}]}' \
  'unknown-product {"command":"place-order","order":9,"customer":"TEAHO","lines":[{"product":9,"quantity":1}]}' \
  'unknown-product {"command":"change-price","product":9,"price_cents":1}' \
  'empty-order {"command":"place-order","order":9,"customer":"TEAHO","lines":[]}' \
  'quantity-under-one {"command":"place-order","order":9,"customer":"TEAHO","lines":[{"product":1,"quantity":0}]}' \
  'discount-out-of-range {"command":"place-order","order":9,"customer":"TEAHO","lines":[{"product":1,"quantity":1,"discount_percent":101}]}' \
  'product-twice {"command":"place-order","order":9,"customer":"TEAHO","lines":[{"product":1,"quantity":1},{"product":1,"quantity":1}]}' \
  'order-exists {"command":"place-order","order":1,"customer":"TEAHO","lines":[{"product":1,"quantity":1}]}' \
  'customer-exists {"command":"register-customer","customer":"TEAHO","company":"B"}' \
  'product-exists {"command":"add-product","product":1,"name":"B","price_cents":1}' \
  'negative-price {"command":"add-product","product":2,"name":"B","price_cents":-1}' \
  'empty-name {"command":"add-product","product":2,"name":"","price_cents":1}' \
  'unknown-order {"command":"ship-order","order":9}' \
  'already-shipped {"command":"ship-order","order":1}' \
  'cancel-after-shipping {"command":"cancel-order","order":1}'; do
  echo "${rejected#* }" >commands
  exit_code 1 "$shop" --db shop.db apply commands
  has "^{\"line\":1,\"rejection\":{\"code\":\"${rejected%% *}\",\"text\":\"" out
done
printf '%s\n' '{"command":"place-order","order":2,"customer":"TEAHO","lines":[{"product":1,"quantity":1}]}' \
  '{"command":"cancel-order","order":2}' '{"command":"cancel-order","order":2}' '{"command":"ship-order","order":2}' >commands
exit_code 1 "$shop" --db shop.db apply commands
has '^{"line":3,"rejection":{"code":"already-cancelled"' out
has '^{"line":4,"rejection":{"code":"ship-after-cancelling"' out

# A command with an id is executed once; the first answer is given again, a rejection too, in another process too.
printf '%s\n' '{"id":"order 3","command":"place-order","order":3,"customer":"TEAHO","lines":[{"product":1,"quantity":1}]}' \
  '{"id":"018f4e5c-7a3b-7c1d-8e2f-0123456789ab","command":"ship-order","order":3,"shipped_on":"2026-03-04"}' >good
exit_code 0 "$shop" --db shop.db apply good
is out <<'END'
{"line":1,"position":8,"version":1,"repeated":false}
{"line":2,"position":9,"version":2,"repeated":false}
END
exit_code 0 "$shop" --db shop.db apply good
is out <<'END'
{"line":1,"position":8,"version":1,"repeated":true}
{"line":2,"position":9,"version":2,"repeated":true}
END
printf '%s\n' '{"id":"ship 4","command":"ship-order","order":4}' \
  '{"command":"place-order","order":4,"customer":"TEAHO","lines":[{"product":1,"quantity":1}]}' \
  '{"id":"ship 4","command":"ship-order","order":4}' \
  '{"id":"ship 4","command":"ship-order","order":5}' >commands
exit_code 1 "$shop" --db shop.db apply commands
has '^{"line":1,"rejection":{"code":"unknown-order","text":"there is no order 4"}}$' out
has '^{"line":2,"position":10,' out
has '^{"line":3,"rejection":{"code":"unknown-order","text":"there is no order 4"}}$' out
has '^{"line":4,"error":{"code":"command_id_reused",' out

# Each answer comes before the next line is wanted, and what was answered has happened: the process is killed then.
mkfifo commands.pipe answers.pipe
"$shop" --db shop.db apply - <commands.pipe >answers.pipe &
exec 3>commands.pipe 4<answers.pipe
echo '{"command":"place-order","order":5,"customer":"TEAHO","placed_on":"2026-03-05","lines":[{"product":1,"quantity":1}]}' >&3
read -r answer <&4
[ "$answer" = '{"line":1,"position":11,"version":1,"repeated":false}' ] || fail "$answer"
echo '{"command":"ship-order","order":5,"shipped_on":"2026-03-06"}' >&3
read -r answer <&4
[ "$answer" = '{"line":2,"position":12,"version":2,"repeated":false}' ] || fail "$answer"
kill -9 $!
wait $! || true
exec 3>&- 4<&-
json orders --customer TEAHO >out
has '{"order":5,"status":"shipped","placed_on":"2026-03-05","shipped_on":"2026-03-06","lines":1,"units":1,' out

# Lines may end with CRLF; a line that is too long is refused, and the next one read.
{
  printf '{"command":"ship-order","order":4}\r\n'
  head -c 5000000 /dev/zero | tr '\0' ' '
  printf 'x\n{"command":"cancel-order","order":4}\n'
} >commands
exit_code 1 "$shop" --db shop.db apply commands
has '^{"line":1,"position":13,' out
has '^{"line":2,"error":{"code":"limit_exceeded"' out
has '^{"line":3,"rejection":{"code":"cancel-after-shipping"' out

# Whose commands they are.
echo '{"command":"change-price","product":1,"price_cents":1}' >mine
exit_code 1 "$shop" --db shop.db apply mine --as warehouse
has '"code":"not-allowed","text":"warehouse may not change-price"' out
echo '{"command":"set-email","customer":"TEAHO","email":"tea@house.example"}' >mine
exit_code 1 "$shop" --db shop.db apply mine --as customer:OTHER
has 'not-allowed' out
exit_code 0 "$shop" --db shop.db apply mine --as customer:TEAHO
exit_code 2 "$shop" --db shop.db revenue --as warehouse
has 'revenue takes no --as' err
