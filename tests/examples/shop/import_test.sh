#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# import_test.sh SHOP SOURCES: the bundled orders, imported once and twice, and files with bad rows. The totals were computed
# apart from the shop, in decimal arithmetic, from the same files.
. "$(dirname "$0")/check.sh"

exit_code 0 "$shop" --db shop.db import "$sources/data"
is_empty err
is out <<'END'
6 customers, 10 products, 24 orders: 59 commands executed, 0 repeated, 0 already there, 0 bad rows
END
figures() {
  json revenue
  json best-sellers
  json open-orders
  json orders --customer CAFEP
}
figures >first
has '^{"orders":24,"before_discount":10384.90,"total":9398.8975,"best_customer":{"customer":"CAFEP","company":"Café Périgord","orders":[0-9]*,"before_discount":[0-9.]*,"total":2374.3950},' first
has '"months":\[{"month":"2026-01","orders":[0-9]*,"before_discount":[0-9.]*,"total":1806.2825},{"month":"2026-02","orders":[0-9]*,"before_discount":[0-9.]*,"total":3084.0475},' first
has '^\[{"product":9,"name":"Chocolate 85 %","units":262,' first
has '"company":"Oliva, Pan y Más"' first
has '"company":"The \\"Green\\" Grocer"' first
[ "$(json open-orders | grep -o '"order":' | wc -l)" = 5 ] || fail "not 5 open orders"

# Again: nothing changes.
exit_code 0 "$shop" --db shop.db import "$sources/data" --json
is out <<'END'
{"executed":0,"repeated":59,"already_there":0,"bad_rows":0}
END
figures | is first

# Other files that say the same: what is there stays.
cp -r "$sources/data" other
sed -i '2s/4.50/9.99/' other/products.csv
exit_code 0 "$shop" --db shop.db import other --json
is out <<'END'
{"executed":0,"repeated":0,"already_there":59,"bad_rows":0}
END
figures | is first

# Bad rows are named, the rest is imported, and once the files are mended so are they.
mkdir mended
cat >mended/customers.csv <<'END'
customerID,companyName,contactName,address,city,country
A,Company A,NULL,x,Bergen,Norway
END
cat >mended/products.csv <<'END'
productID,productName,unitPrice
1,Tea,4.50
END
cat >mended/orders.csv <<'END'
orderID,customerID,orderDate,shippedDate,shipAddress
1,A,2026-01-05,NULL,x
2,A,2026-01-05,NULL,x
3,A,2026-01-05,2026-01-06,x
END
cat >mended/order-details.csv <<'END'
orderID,productID,unitPrice,quantity,discount
1,1,4.50,1,0
2,1,4.50,1,0
3,1,4.50,1,0.5
END
cp -r mended bad
sed -i '4s/A/NOBODY/' bad/orders.csv
sed -i '3s/,1,0$/,0,0/' bad/order-details.csv
printf '4,1\n' >>bad/order-details.csv
exit_code 1 "$shop" --db bad.db import bad
is out <<'END'
1 customers, 1 products, 3 orders: 3 commands executed, 0 repeated, 0 already there, 3 bad rows
END
is err <<'END'
order-details.csv:5: 2 fields, there are 5 columns
orders.csv:3: rejected: quantity-under-one: 0 of product 1 were ordered
orders.csv:4: rejected: unknown-customer: there is no customer NOBODY
END
exit_code 0 "$shop" --db bad.db import mended
is out <<'END'
1 customers, 1 products, 3 orders: 3 commands executed, 0 repeated, 3 already there, 0 bad rows
END
exit_code 0 "$shop" --db bad.db revenue --json
has '^{"orders":3,"before_discount":13.50,"total":11.2500,' out

# The same with a byte order mark and the line ends of Windows.
mkdir windows
for file in customers products orders order-details; do
  { printf '\357\273\277'; sed 's/$/\r/' "$sources/data/$file.csv"; } >windows/$file.csv
done
exit_code 0 "$shop" --db windows.db import windows
mv windows.db shop.db
rm -f shop.db-*
figures | is first

# The tables for people.
exit_code 0 "$shop" --db shop.db revenue --top 1
is out <<'END'
orders           24
before discount  10384.90
total            9398.8975

customer  company        orders      total
CAFEP     Café Périgord       6  2374.3950
and 5 others; --top N shows more

month    orders      total
2026-01       8  1806.2825
2026-02       6  3084.0475
2026-03       5  1695.8725
2026-04       5  2812.6950
END
exit_code 0 "$shop" --db shop.db open-orders
is out <<'END'
order  customer  placed on   lines  units     total
 1008  MUELL     2026-01-30      1      3    9.5625
 1016  MUELL     2026-03-13      3     71  352.2250
 1021  CAFEP     2026-04-11      4    118  713.0000
 1023  MUELL     2026-04-22      4     99  869.7375
 1024  MUELL     2026-04-24      4     99  645.5725
5 open orders
END
exit_code 0 "$shop" --db shop.db best-sellers --top 2
is out <<'END'
product  name            units      total
      9  Chocolate 85 %    262   898.0325
      6  Olive oil         236  2640.0150
END
exit_code 0 "$shop" --db shop.db orders --customer KIOSK
is out <<'END'
KIOSK  Kiosk am Ufer

order  status   placed on   shipped on  lines  units     total
 1020  shipped  2026-04-03  2026-04-09      2     30  246.3000
END
exit_code 0 "$shop" --db shop.db history 1001
has '^      1  *[0-9]*  20[0-9T:.-]*Z  order-placed.v1   placed by GREEN on 2026-01-05: 16 units in 1 line, 60.00 before, 51.0000 after discounts$' out
has '^      2  *[0-9]*  20[0-9T:.-]*Z  order-shipped.v1  shipped on 2026-01-08$' out
exit_code 0 "$shop" --db shop.db history 1001 --json
has '^\[{"version":1,"position":[0-9]*,"name":"order-placed.v1","recorded_at":"20[0-9T:.-]*Z","data":{"order":1001,"customer":"GREEN",' out
