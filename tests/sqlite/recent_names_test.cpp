// SPDX-License-Identifier: BSL-1.0
// The names of streams between memory and table, step by step; and a file in which every name was in the table.
#include "bare_log.hpp"

#include <optional>

using namespace cleave;
using namespace cleave::test;

namespace {

std::optional<std::int64_t> id_of(sqlite::recent_names& names, sqlite::database& db, std::string_view name) {
  return must(names.find(db, must(sqlite::read_extent(db)), name));
}

std::uint64_t rows(sqlite::database& db) {
  return must(db.value<std::uint64_t>("SELECT count(*) FROM cleave_stream_ids")).value_or(0);
}

void write_all(bare_log& log) { must(log.writer.write_names(sqlite::log_writer::amount::all)); }

sqlite::database reader_of(std::string const& path) {
  auto reader = must(sqlite::database::open({.path = path, .read_only = true}));
  must(reader.run_script("BEGIN"));
  return reader;
}

} // namespace

TEST_CASE("rows of names that were rolled back are written again") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  log.begin();
  log.add("one");
  log.add("two");
  log.end(true);
  for (bool const committed : {false, true}) {
    log.begin();
    write_all(log);
    CHECK(rows(log.db) == 2);
    log.end(committed);
  }
  CHECK(rows(log.db) == 2);
  CHECK(log.names.streams() == 0);
}

TEST_CASE("the watermark of names leaves out streams of the commit that writes it") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  log.begin();
  log.add("one");
  log.end(true);
  log.begin();
  log.add("a stream before it in the order of names");
  log.add("two");
  write_all(log);
  log.end(true);
  CHECK(rows(log.db) == 1);
  CHECK(log.names.streams() == 2);
  sqlite::recent_names fresh;
  CHECK(id_of(fresh, log.db, "one") == 1);
  CHECK(id_of(fresh, log.db, "a stream before it in the order of names") == 2);
  CHECK(id_of(fresh, log.db, "two") == 3);
  CHECK(id_of(fresh, log.db, "three") == sqlite::recent_names::none);
}

TEST_CASE("a stream that was rolled back leaves its id to another one") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  for (bool const committed : {false, true}) {
    log.begin();
    log.add(committed ? "two" : "one");
    log.end(committed);
  }
  CHECK(id_of(log.names, log.db, "one") == sqlite::recent_names::none);
  CHECK(id_of(log.names, log.db, "two") == 1);
  log.begin();
  log.add("one");
  log.end(true);
  CHECK(id_of(log.names, log.db, "one") == 2);
}

TEST_CASE("a snapshot from before the names were written is refused, not answered from an old table") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  bare_log log(path);
  log.begin();
  log.add("one");
  log.end(true);
  auto reader = reader_of(path);
  CHECK(id_of(log.names, reader, "one") == 1);
  log.begin();
  log.add("two");
  log.end(true);
  // It is in memory, and not in this snapshot.
  CHECK(id_of(log.names, reader, "two") == sqlite::recent_names::none);

  log.begin();
  write_all(log);
  log.end(true);
  CHECK_FALSE(id_of(log.names, reader, "one"));
  must(reader.run_script("COMMIT; BEGIN"));
  CHECK(id_of(log.names, reader, "one") == 1);
  CHECK(id_of(log.names, reader, "two") == 2);
}

TEST_CASE("a writer learns the names that another one has written and taken out of its memory") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  bare_log one(path);
  bare_log two(path);
  for (bare_log* log : {&one, &two, &one, &two}) {
    for (std::string_view const stream : {"thing", "other", "third"}) {
      log->begin();
      log->add(stream);
      if (stream == "other") write_all(*log);
      log->end(true);
    }
  }
  CHECK(must(one.db.value<std::uint64_t>("SELECT count(*) FROM cleave_streams")) == 3u);
  CHECK(must(two.db.value<std::uint64_t>("SELECT max(version) FROM cleave_log")) == 4u);
}

TEST_CASE("a watermark of names behind the last stream is corrupt") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  must(log.db.run_script("INSERT INTO cleave_meta (name, value) VALUES ('names_at', 5)"));
  CHECK(failure_of(sqlite::read_extent(log.db)).code() == errc::corrupt);
}

TEST_CASE("a file whose names were all in an index keeps its streams, and the views over them") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  {
    auto db = must(sqlite::database::open({.path = path}));
    sqlite::schema before = sqlite::event_store_schema;
    before.steps = before.steps.first(4);
    must(sqlite::bring_up_to_date(db, before));
    must(db.run_script(
        "INSERT INTO cleave_names VALUES (1, 'thing-happened.v1');"
        "INSERT INTO cleave_streams VALUES (1, 'zebra'), (2, 'ant');"
        "INSERT INTO cleave_log (position, stream, version, name, recorded_at, ids, data) VALUES "
        "(1, 1, 1, 1, 1, randomblob(16), '{}'), (2, 2, 1, 1, 1, randomblob(16), '{}');"
        "CREATE VIEW animals AS SELECT DISTINCT stream FROM events"));
  }
  {
    auto store = open_store(path);
    CHECK(must(append(store, "ant", expectation::exactly(version(1)))).position == position(3));
    CHECK(must(append(store, "bee", expectation::no_stream())).position == position(4));
    CHECK(stream_data(store, "zebra").size() == 1);
    CHECK(stream_data(store, "ant").size() == 2);
    CHECK(stream_data(store, "cow").empty());
  }
  auto db = must(sqlite::database::open({.path = path}));
  CHECK(must(db.value<std::uint64_t>("SELECT count(*) FROM animals")) == 3u);
  CHECK(must(db.value<std::int64_t>("SELECT value FROM cleave_meta WHERE name = 'names_at'")) == 2);
}
