// SPDX-License-Identifier: BSL-1.0
// The tables of what is state-stored: customers and products. They live in the file of the log, and only command handlers write
// them, in the transaction that appends the event.
#pragma once

#include <cleave/sqlite/database.hpp>

namespace shop {

// Makes what is missing.
inline cleave::result<void> create_tables(cleave::sqlite::database& db) {
  return db.run_script(R"sql(
    CREATE TABLE IF NOT EXISTS country(
      id   INTEGER PRIMARY KEY,
      name TEXT NOT NULL UNIQUE
    ) STRICT;
    CREATE TABLE IF NOT EXISTS customer(
      id      TEXT PRIMARY KEY,
      company TEXT NOT NULL,
      contact TEXT,
      city    TEXT,
      country INTEGER REFERENCES country
    ) STRICT;
    CREATE INDEX IF NOT EXISTS customer_by_country ON customer(country);

    CREATE TABLE IF NOT EXISTS product(
      id   INTEGER PRIMARY KEY,
      name TEXT NOT NULL
    ) STRICT;
    -- Every price that a product ever had; the highest revision is today's.
    CREATE TABLE IF NOT EXISTS price(
      product  INTEGER NOT NULL REFERENCES product,
      revision INTEGER NOT NULL,
      cents    INTEGER NOT NULL CHECK(cents >= 0),
      PRIMARY KEY(product, revision)
    ) STRICT, WITHOUT ROWID;
  )sql");
}

} // namespace shop
