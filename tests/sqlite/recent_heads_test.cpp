// SPDX-License-Identifier: BSL-1.0
// The ends of streams between memory and table, step by step.
#include "bare_log.hpp"

using namespace cleave;
using namespace cleave::test;

namespace {

std::optional<sqlite::stream_head> end_of(sqlite::recent_heads& heads, sqlite::database& db,
                                          std::int64_t stream) {
  return must(heads.find(db, must(sqlite::read_extent(db)), stream));
}

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
    auto const found = end_of(fresh, log.db, stream);
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
  REQUIRE(end_of(log.heads, reader, 1));

  log.begin();
  must(log.writer.write_heads(sqlite::log_writer::amount::all));
  log.end(true);
  CHECK_FALSE(end_of(log.heads, reader, 1));
  must(reader.run_script("COMMIT; BEGIN"));
  CHECK(end_of(log.heads, reader, 1)->last.version == 1);

  log.begin();
  log.add("one");
  log.end(true);
  CHECK_FALSE(end_of(log.heads, reader, 1));
  must(reader.run_script("COMMIT; BEGIN"));
  CHECK(end_of(log.heads, reader, 1)->last.version == 2);
}

TEST_CASE("a watermark behind the log's end is corrupt") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  must(log.db.run_script("INSERT INTO cleave_meta (name, value) VALUES ('heads_at', 5)"));
  CHECK(failure_of(sqlite::read_extent(log.db)).code() == errc::corrupt);
}
