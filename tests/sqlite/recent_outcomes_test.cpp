// SPDX-License-Identifier: BSL-1.0
// The outcomes of commands between the log, memory and their table, step by step; and a file in which every one was in the table.
#include "bare_log.hpp"

#include <optional>
#include <string>

using namespace cleave;
using namespace cleave::test;

namespace {

command_id id_of(std::string_view name) { return command_id(uuid::from_name(uuid(), name)); }

// A command of that name, which leaves one event in the stream "thing".
appended run(bare_log& log, std::string_view name) {
  new_event const event = happened();
  stream_append const part{"thing", expectation::any(), {&event, 1}};
  command_record const command{.id = id_of(name), .command = "do-it", .fingerprint = name.size()};
  append_request const request{.streams = {&part, 1}, .command = &command};
  sqlite::encoded_append encoded;
  must(encoded.encode(request));
  auto const done = must(log.writer.append(request, encoded, timestamp(7)));
  must(log.writer.write_rows());
  return done;
}
appended commit(bare_log& log, std::string_view name) {
  log.begin();
  auto const done = run(log, name);
  log.end(true);
  return done;
}
void write_all(bare_log& log) { must(log.writer.write_outcomes(sqlite::log_writer::amount::all)); }

std::uint64_t rows(sqlite::database& db) {
  return must(db.value<std::uint64_t>("SELECT count(*) FROM cleave_outcomes")).value_or(0);
}
std::uint64_t shown(sqlite::database& db) {
  return must(db.value<std::uint64_t>("SELECT count(*) FROM commands WHERE command = 'do-it'")).value_or(0);
}

// The position of the command's outcome; 0: none. Nothing: the snapshot is too old.
std::optional<std::uint64_t> found(sqlite::recent_outcomes& outcomes, sqlite::database& db,
                                   std::string_view name) {
  auto const outcome = must(outcomes.find(db, must(sqlite::read_extent(db)), id_of(name)));
  if (!outcome) return std::nullopt;
  if (!*outcome) return 0;
  CHECK((*outcome)->command == "do-it");
  CHECK((*outcome)->fingerprint == name.size());
  CHECK((*outcome)->recorded_at == timestamp(7));
  CHECK((*outcome)->version.value() == (*outcome)->position.value());
  return (*outcome)->position.value();
}

sqlite::database reader_of(std::string const& path) {
  auto reader = must(sqlite::database::open({.path = path, .read_only = true}));
  must(reader.run_script("BEGIN"));
  return reader;
}

} // namespace

TEST_CASE("an outcome is found in the log, and in the table when it is written there") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  CHECK_FALSE(commit(log, "one").repeated);
  CHECK(rows(log.db) == 0);
  CHECK(shown(log.db) == 1);
  auto& outcomes = log.recent.outcomes;
  CHECK(outcomes.outcomes() == 1);
  CHECK(found(outcomes, log.db, "one") == 1u);
  CHECK(commit(log, "one").repeated);
  log.begin();
  run(log, "two");
  write_all(log);
  log.end(true);
  CHECK(rows(log.db) == 2);
  CHECK(shown(log.db) == 2);
  CHECK(outcomes.outcomes() == 0);
  for (std::string_view const name : {"one", "two"}) {
    auto const again = commit(log, name);
    CHECK(again.repeated);
    CHECK(found(outcomes, log.db, name) == again.position.value());
    sqlite::recent_outcomes fresh;
    CHECK(found(fresh, log.db, name) == again.position.value());
  }
  CHECK(found(outcomes, log.db, "three") == 0u);
}

TEST_CASE("a command is a repeat within the transaction of the first, and none when that is rolled back") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  log.begin();
  CHECK_FALSE(run(log, "one").repeated);
  CHECK(run(log, "one").repeated);
  log.end(false);
  CHECK(log.recent.outcomes.outcomes() == 0);
  log.begin();
  CHECK_FALSE(run(log, "one").repeated);
  auto const mark = log.writer.here();
  must(log.db.run_script("SAVEPOINT here"));
  CHECK_FALSE(run(log, "two").repeated);
  write_all(log);
  must(log.db.run_script("ROLLBACK TO here"));
  log.writer.back_to(mark);
  CHECK(run(log, "one").repeated);
  log.end(true);
  CHECK(rows(log.db) == 0);
  CHECK(log.recent.outcomes.outcomes() == 1); // not believed to be in the table
  CHECK(commit(log, "one").repeated);
  CHECK_FALSE(commit(log, "two").repeated);
}

TEST_CASE("outcomes that were written and rolled back are written again") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  commit(log, "one");
  for (bool const committed : {false, true}) {
    log.begin();
    write_all(log);
    log.end(committed);
    CHECK(log.recent.outcomes.outcomes() == (committed ? 0u : 1u));
  }
  CHECK(rows(log.db) == 1);
  CHECK(commit(log, "one").repeated);
}

TEST_CASE("a snapshot from before the outcomes were written is refused, not answered from an old table") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  bare_log log(path);
  commit(log, "one");
  auto reader = reader_of(path);
  auto& outcomes = log.recent.outcomes;
  CHECK(found(outcomes, reader, "one") == 1u);
  log.begin();
  run(log, "two");
  CHECK(found(outcomes, reader, "two") == 0u); // known to the writer alone
  log.end(true);
  CHECK(found(outcomes, reader, "two") == 0u);
  log.begin();
  write_all(log);
  log.end(true);
  CHECK_FALSE(found(outcomes, reader, "one"));
  must(reader.run_script("COMMIT; BEGIN"));
  CHECK(found(outcomes, reader, "one") == 1u);
  CHECK(found(outcomes, reader, "two") == 2u);
}

TEST_CASE("a writer learns the outcomes that another one has stored, and those that it has forgotten") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  bare_log one(path);
  bare_log two(path);
  for (std::string_view const name : {"a", "b", "c"}) {
    CHECK_FALSE(commit(one, name).repeated);
    CHECK(commit(two, name).repeated);
    CHECK_FALSE(commit(two, std::string(name) + "2").repeated);
    CHECK(commit(one, std::string(name) + "2").repeated);
    if (name != "b") continue;
    two.begin();
    write_all(two);
    two.end(true);
    CHECK(commit(one, "a").repeated);
  }
  two.begin();
  write_all(two);
  must(two.db.run_script("DELETE FROM cleave_outcomes"));
  two.end(true);
  for (std::string_view const name : {"a", "b", "c2"}) CHECK_FALSE(commit(one, name).repeated);
  CHECK(shown(one.db) == 3);
}

TEST_CASE("outcomes reach the table some with each commit, in rounds that begin when there are many") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  constexpr int count = 33'000;
  log.begin();
  for (int i = 0; i < count; ++i) run(log, "many-" + std::to_string(i));
  log.end(true);
  int next = 0;
  auto const one_more = [&] {
    log.begin();
    run(log, "more-" + std::to_string(next++));
    must(log.writer.write_outcomes());
    log.end(true);
  };
  one_more();
  std::uint64_t const first = rows(log.db);
  CHECK(first > 0);
  CHECK(first < 1'000);
  CHECK(log.recent.outcomes.outcomes() == count + 1);
  CHECK(shown(log.db) == count + 1); // none twice
  CHECK(commit(log, "many-5").repeated);
  while (log.recent.outcomes.outcomes() > count / 2) one_more();
  CHECK(rows(log.db) >= count);
  CHECK(must(log.db.value<std::int64_t>("SELECT value FROM cleave_meta WHERE name = 'outcomes_at'")) ==
        count);
  for (std::string_view const name : {"many-0", "many-32999", "more-0", "more-100"}) {
    CHECK(commit(log, name).repeated);
    sqlite::recent_outcomes fresh;
    CHECK(found(fresh, log.db, name).value_or(0) > 0);
  }
}

TEST_CASE("a watermark of outcomes behind the log's end is corrupt, and so is a command without an id") {
  scratch_folder const folder;
  bare_log log(folder.file("log.db"));
  commit(log, "one");
  must(log.db.run_script("UPDATE cleave_log SET ids = substr(ids, 1, 16)"));
  sqlite::recent_outcomes fresh;
  auto const damaged = fresh.catch_up(log.db, must(sqlite::read_extent(log.db)));
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().code() == errc::corrupt);
  must(log.db.run_script("INSERT INTO cleave_meta (name, value) VALUES ('outcomes_at', 5)"));
  CHECK(failure_of(sqlite::read_extent(log.db)).code() == errc::corrupt);
}

TEST_CASE("a file whose outcomes were all in the table keeps them, and the views over them") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  command_record const command{.id = id_of("old"), .command = "do-it", .fingerprint = 3};
  {
    auto db = must(sqlite::database::open({.path = path}));
    sqlite::schema before = sqlite::event_store_schema;
    before.steps = before.steps.first(6);
    must(sqlite::bring_up_to_date(db, before));
    must(db.run_script(
        "INSERT INTO cleave_names VALUES (1, 'thing-happened.v1'); INSERT INTO cleave_streams VALUES (1, 'thing');"
        "INSERT INTO cleave_log (position, stream, version, name, recorded_at, ids, data) VALUES "
        "(1, 1, 1, 1, 1, x'0102030405060708090a0b0c0d0e0f10', '{}');"
        "INSERT INTO cleave_ids VALUES (72623859790382856, 1);"
        "CREATE VIEW done AS SELECT id FROM commands WHERE rejection IS NULL"));
    must(db.execute("INSERT INTO cleave_outcomes (id, command, fingerprint, position, version, recorded_at) "
                    "VALUES (?1, 'do-it', 3, 1, 1, 1)",
                    command.id));
  }
  {
    auto store = open_store(path);
    CHECK(must(store.find_command(command.id))->position == position(1));
    new_event const event = happened();
    stream_append const part{"thing", expectation::any(), {&event, 1}};
    CHECK(must(store.append({.streams = {&part, 1}, .command = &command})).repeated);
    command_record const next{.id = id_of("new"), .command = "do-it", .fingerprint = 3};
    CHECK(must(store.append({.streams = {&part, 1}, .command = &next})).position == position(2));
    CHECK(must(store.append({.streams = {&part, 1}, .command = &next})).repeated);
    CHECK(stream_data(store, "thing").size() == 2);
    auto const seen = must(store.verify());
    CHECK(seen.sound());
  }
  auto db = must(sqlite::database::open({.path = path}));
  CHECK(must(db.value<std::uint64_t>("SELECT count(*) FROM done")) == 2u);
  CHECK(must(db.value<std::uint64_t>("SELECT count(*) FROM events WHERE correlation IS NULL")) == 2u);
}

TEST_CASE("the outcome of a command whose last stream gets no event has a row of its own") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  auto store = open_store(path);
  new_event const events[] = {happened(), happened()};
  stream_append const parts[] = {{"thing", expectation::no_stream(), events},
                                 {"other", expectation::no_stream(), {}}};
  command_record const command{.id = id_of("both"), .command = "do-it", .fingerprint = 1};
  must(store.append({.streams = parts, .command = &command}));
  auto const outcome = must(store.find_command(command.id));
  REQUIRE(outcome.has_value());
  CHECK(outcome->position == position(2));
  CHECK(outcome->version == version(0));
  CHECK(must(store.append({.streams = parts, .command = &command})).version == version(0));
}
