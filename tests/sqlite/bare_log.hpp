// SPDX-License-Identifier: BSL-1.0
// A log with its writer, whose transactions the test begins and ends.
#pragma once

#include "small_store.hpp"
#include "sqlite/log_writer.hpp"
#include "sqlite/schema.hpp"

#include <string>
#include <string_view>

namespace cleave::test {

struct bare_log {
  explicit bare_log(std::string const& path) : db(must(sqlite::database::open({.path = path}))) {
    must(db.run_script("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF"));
    must(sqlite::bring_up_to_date(db, sqlite::event_store_schema));
  }
  void begin() {
    must(db.run_script("BEGIN IMMEDIATE"));
    must(writer.begin());
  }
  void add(std::string_view stream) {
    new_event const event = happened();
    stream_append const part{stream, expectation::any(), {&event, 1}};
    append_request const request{.streams = {&part, 1}};
    sqlite::encoded_append encoded;
    must(encoded.encode(request));
    must(writer.append(request, encoded, timestamp(1)));
    must(writer.write_rows());
  }
  void end(bool committed) {
    must(db.run_script(committed ? "COMMIT" : "ROLLBACK"));
    writer.end(committed);
  }

  sqlite::database db;
  sqlite::recent_tables recent;
  sqlite::recent_heads& heads = recent.heads;
  sqlite::recent_names& names = recent.names;
  sqlite::log_writer writer{db, recent};
};

} // namespace cleave::test
