#!/bin/sh
# SPDX-License-Identifier: BSL-1.0
# cli_test.sh SHOP SOURCES: help, wrong usage, exit codes.
. "$(dirname "$0")/check.sh"

# expect CODE WORDS... : the exit code, and nothing on the wrong stream.
exit_code 0 "$shop" --help
has 'usage\|shop --db FILE import DIR' out
for command in import apply revenue best-sellers open-orders orders history rebuild; do
  exit_code 0 "$shop" $command --help
  has "usage: shop --db FILE $command" out
  has 'FILE' out
  is_empty err
  exit_code 0 "$shop" --help
  has "  shop --db FILE $command" out
done
exit_code 0 "$shop" -h

wrong_usage() {
  text=$1
  shift
  exit_code 2 "$shop" "$@"
  is_empty out
  has "$text" err
}
wrong_usage 'a command is missing'
wrong_usage 'there is no command "sell"' --db f.db sell
wrong_usage 'there is no option --jason' --db f.db revenue --jason
wrong_usage 'there is no option -x' --db f.db revenue -x
wrong_usage '\-\-db FILE is missing' revenue
wrong_usage '\-\-db wants a value' revenue --db
wrong_usage '\-\-db stands there twice' --db a --db b revenue
wrong_usage 'import wants DIR' --db f.db import
wrong_usage 'history wants ORDER' --db f.db history
wrong_usage 'rebuild wants STEP' --db f.db rebuild
wrong_usage 'orders wants --customer ID' --db f.db orders
wrong_usage 'revenue takes no --customer' --db f.db revenue --customer X
wrong_usage 'open-orders takes no --top' --db f.db open-orders --top 3
wrong_usage 'apply takes no --json' --db f.db apply - --json
wrong_usage '\-\-top wants a number from 1 upwards, not "0"' --db f.db revenue --top 0
wrong_usage '\-\-top wants a number from 1 upwards, not "ten"' --db f.db revenue --top ten
wrong_usage 'revenue does not take "now"' --db f.db revenue now
wrong_usage 'history does not take "2"' --db f.db history 1 2
[ ! -e f.db ] || fail "wrong usage made a file"

failure() {
  text=$1
  shift
  exit_code 1 "$shop" "$@"
  is_empty out
  has "$text" err
}
failure 'not_found: there is no file none.db' --db none.db revenue
[ ! -e none.db ] || fail "a question made a file"
failure 'not_found: .*no-such-folder/customers.csv' --db new.db import no-such-folder
failure 'not_found: no-such-file' --db new.db apply no-such-file
failure 'not_found' --db no-such-folder/new.db import "$sources/data"
echo 'a text, and no database, of more than a hundred bytes ..............................................' >other.db
failure 'not_a_store' --db other.db revenue

exit_code 0 "$shop" --db shop.db import "$sources/data"
failure 'not_found: there is no customer NOBODY' --db shop.db orders --customer NOBODY
failure 'not_found: there is no order 99' --db shop.db history 99
