#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# kill_test.sh SHOP SOURCES: an import that is killed again and again, at any moment, ends with the same figures.
. "$(dirname "$0")/check.sh"

orders=600
mkdir many
cp "$sources/data/customers.csv" "$sources/data/products.csv" many
awk -v orders=$orders 'BEGIN {
  split("TEAHO CAFEP MUELL OLIVA GREEN KIOSK", customer, " ")
  print "orderID,customerID,orderDate,shippedDate,shipAddress" >"many/orders.csv"
  print "orderID,productID,unitPrice,quantity,discount" >"many/order-details.csv"
  for (i = 1; i <= orders; ++i) {
    shipped = i % 5 ? sprintf("2026-%02d-28", i % 12 + 1) : "NULL"
    printf "%d,%s,2026-%02d-%02d,%s,x\n", i, customer[i % 6 + 1], i % 12 + 1, i % 28 + 1, shipped >"many/orders.csv"
    for (line = 0; line <= i % 3; ++line)
      printf "%d,%d,%d.%02d,%d,0.%02d\n", i, (i + line) % 10 + 1, i % 20, i % 100, i % 50 + 1, i % 30 >"many/order-details.csv"
  }
}'
figures() {
  json revenue
  json best-sellers
  json open-orders
  for customer in TEAHO CAFEP MUELL OLIVA GREEN KIOSK; do json orders --customer $customer; done
}

exit_code 0 "$shop" --db shop.db import many
figures >wanted
rm -f shop.db*

# Each round lives 15 ms longer than the last and goes on with what it finds, until one lives to the end.
in_the_middle=0
round=0
code=137
while [ $code = 137 ]; do
  round=$((round + 1))
  [ $round -le 500 ] || fail "the import does not come to an end"
  code=0
  timeout -s KILL "$(awk -v round=$round 'BEGIN { print round * 0.015 }')" "$shop" --db shop.db import many >out 2>err || code=$?
  if [ $code = 137 ] && [ -e shop.db ]; then
    placed=$(json revenue | sed 's/^{"orders":\([0-9]*\),.*/\1/')
    if [ "$placed" -gt 0 ] && [ "$placed" -lt $orders ]; then in_the_middle=$((in_the_middle + 1)); fi
  fi
done
[ $code = 0 ] || { cat err >&2; fail "exit code $code"; }
[ $in_the_middle -gt 0 ] || fail "no round was killed in the middle of the import"
figures | is wanted
echo "killed $((round - 1)) times, $in_the_middle times in the middle of the orders"
