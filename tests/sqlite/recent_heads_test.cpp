// SPDX-License-Identifier: BSL-1.0
// The ends of streams between memory and table, step by step.
#include "small_store.hpp"
#include "sqlite/log_writer.hpp"
#include "sqlite/schema.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

// A log with its writer, whose transactions the test begins and ends.
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
  }
  void end(bool committed) {
    must(db.run_script(committed ? "COMMIT" : "ROLLBACK"));
    writer.end(committed);
  }

  sqlite::database db;
  sqlite::recent_heads heads;
  sqlite::log_writer writer{db, heads};
};

std::uint64_t rows(sqlite::database& db) {
  return must(db.value<std::uint64_t>("SELECT count(*) FROM cleave_heads")).value_or(0);
}

} // namespace

TEST_CASE("rows of heads that were rolled back are written again") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  log.begin();
  log.add("one");
  log.add("two");
  log.end(true);
  for (bool const committed : {false, true}) {
    log.begin();
    must(log.writer.write_heads(sqlite::log_writer::amount::all));
    CHECK(rows(log.db) == 2);
    log.end(committed);
  }
  CHECK(rows(log.db) == 2);
  CHECK(log.heads.streams() == 0);
  CHECK(log.heads.events() == 0);
}

TEST_CASE("the watermark leaves out what came after the rows were chosen") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  log.begin();
  log.add("one");
  log.end(true);
  log.begin();
  log.add("one");
  log.add("two");
  must(log.writer.write_heads(sqlite::log_writer::amount::all));
  log.end(true);
  CHECK(log.heads.streams() == 2);
  CHECK(log.heads.events() == 2);
  sqlite::recent_heads fresh;
  for (std::int64_t const stream : {1, 2}) {
    auto const found = must(fresh.find(log.db, stream));
    REQUIRE(found);
    CHECK(found->last.position == static_cast<std::uint64_t>(stream + 1));
    CHECK(found->last.version == static_cast<std::uint64_t>(3 - stream));
  }
}

TEST_CASE("a snapshot from before the rows were written is refused, not answered from an old table") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  bare_log log(path);
  log.begin();
  log.add("one");
  log.end(true);
  auto reader = must(sqlite::database::open({.path = path, .read_only = true}));
  must(reader.run_script("BEGIN"));
  REQUIRE(must(log.heads.find(reader, 1)));

  log.begin();
  must(log.writer.write_heads(sqlite::log_writer::amount::all));
  log.end(true);
  CHECK_FALSE(must(log.heads.find(reader, 1)));
  must(reader.run_script("COMMIT; BEGIN"));
  CHECK(must(log.heads.find(reader, 1))->last.version == 1);

  log.begin();
  log.add("one");
  log.end(true);
  CHECK_FALSE(must(log.heads.find(reader, 1)));
  must(reader.run_script("COMMIT; BEGIN"));
  CHECK(must(log.heads.find(reader, 1))->last.version == 2);
}

TEST_CASE("a watermark behind the log's end is corrupt") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  must(log.db.run_script("INSERT INTO cleave_meta (name, value) VALUES ('heads_at', 5)"));
  CHECK(failure_of(sqlite::read_extent(log.db)).code() == errc::corrupt);
}
