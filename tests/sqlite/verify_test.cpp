// SPDX-License-Identifier: BSL-1.0
// What verify says of sound files, and of each kind of damage.
#include "faulty_files.hpp"
#include "small_store.hpp"
#include "sqlite/log_writer.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <optional>
#include <thread>

using namespace cleave;
using namespace cleave::test;

namespace {

constexpr std::uint64_t versions = 200; // of thing-0 at the odd positions, of thing-1 at the even ones
constexpr std::uint64_t written = 2 * versions;
constexpr std::uint64_t events = written + 10; // some behind the watermark of the heads

sqlite::event_store open_fast(std::string const& path) {
  return must(sqlite::event_store::open({.path = path, .durability = durability::relaxed}));
}

// One event into each of thing-0 and thing-1. Every event of thing-1 has two tags, every 50th append a command.
void append_pair(sqlite::event_store& store, std::uint64_t version_before) {
  std::string const customer = "customer:" + std::to_string(version_before % 5);
  std::array<std::string_view, 2> const tags{customer, "kind:a"};
  std::array<header, 1> const headers{{{"traceparent", "00-ab"}}};
  new_event const plain = happened();
  new_event full = happened(R"({"n":1})");
  full.tags = tags;
  full.metadata = {.correlation = correlation_id(next_id().id()), .headers = headers};
  stream_append const parts[] = {{"thing-0", expectation::exactly(version(version_before)), {&plain, 1}},
                                 {"thing-1", expectation::exactly(version(version_before)), {&full, 1}}};
  command_record const command{.id = command_id(next_id().id()), .command = "do-it", .fingerprint = 1};
  must(store.append({.streams = parts, .command = version_before % 50 == 0 ? &command : nullptr}));
}

// As a store does it that has more streams or events.
void write_heads(std::string const& path) {
  auto db = must(sqlite::database::open({.path = path}));
  sqlite::recent_tables recent;
  sqlite::log_writer writer(db, recent);
  must(db.run_script("BEGIN IMMEDIATE"));
  must(writer.begin());
  must(writer.write_heads(sqlite::log_writer::amount::all));
  must(writer.write_names(sqlite::log_writer::amount::all));
  must(writer.write_outcomes(sqlite::log_writer::amount::all));
  must(db.run_script("COMMIT"));
  writer.end(true);
}

void fill(std::string const& path) {
  {
    auto store = open_fast(path);
    for (std::uint64_t n = 0; n < versions; ++n) append_pair(store, n);
    rejection const no{"sold-out", "nothing left"};
    command_record const refused{
        .id = command_id(next_id().id()), .command = "do-it", .fingerprint = 2, .refused = &no};
    must(store.append({.command = &refused}));
  }
  write_heads(path);
  auto store = open_fast(path);
  for (std::uint64_t n = versions; n < events / 2; ++n) append_pair(store, n);
  must(store.transact([](sqlite::transaction& inside) {
    return inside.apply("things.v1", position(),
                        [](sqlite::database&) { return result<position>(position(7)); });
  }));
}

// The bytes of one such file, made once.
std::string const& sound_bytes() {
  static std::string const bytes = [] {
    scratch_folder const folder;
    fill(folder.file("log.db"));
    return read_file(folder.file("log.db"));
  }();
  return bytes;
}

std::string all_text(sqlite::verification const& seen) {
  std::string text;
  for (sqlite::finding const& one : seen.findings) {
    text += one.table + " | " + std::to_string(one.position.value()) + " | " + one.stream + " | " + one.text +
            '\n';
  }
  return text;
}

sqlite::verification verify_file(std::string const& path) {
  auto store = open_fast(path);
  return must(store.verify());
}

void check_sound(sqlite::event_store& store) {
  auto const seen = must(store.verify());
  INFO(all_text(seen));
  CHECK(seen.sound());
}

// What `sql` makes of a sound file.
sqlite::verification after(std::string_view sql) {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  write_file(path, sound_bytes());
  {
    auto db = must(sqlite::database::open({.path = path}));
    must(db.run_script(sql));
  }
  return verify_file(path);
}

struct wanted_finding {
  std::string_view sql;
  std::string_view table;
  std::uint64_t position;
  std::string_view stream;
  std::string_view text; // a part of it
};

void check_named(wanted_finding const& wanted) {
  auto const seen = after(wanted.sql);
  INFO(wanted.sql << '\n' << all_text(seen));
  CHECK_FALSE(seen.sound());
  CHECK(seen.found >= seen.findings.size());
  CHECK(std::any_of(seen.findings.begin(), seen.findings.end(), [&](sqlite::finding const& one) {
    return one.table == wanted.table && one.position == position(wanted.position) &&
           one.stream == wanted.stream && one.text.find(wanted.text) != std::string::npos;
  }));
}

// Where a page of the file belongs, by SQLite's own list of pages.
struct page {
  std::uint64_t number = 0;
  std::string table;
  std::string kind;
};
std::vector<page> pages_of(std::string const& path) {
  auto db = must(sqlite::database::open({.path = path, .read_only = true}));
  std::vector<page> pages;
  must(db.for_each(
      "SELECT d.pageno, coalesce(s.tbl_name, d.name), d.pagetype FROM dbstat d LEFT JOIN sqlite_schema s ON "
      "s.name = d.name",
      [&](std::uint64_t number, std::string table, std::string kind) {
        pages.push_back({number, std::move(table), std::move(kind)});
      }));
  return pages;
}

constexpr std::size_t page_bytes = 4'096;

} // namespace

TEST_CASE("a sound store has no finding") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  {
    auto empty = open_fast(path);
    auto const seen = must(empty.verify());
    INFO(all_text(seen));
    CHECK((seen.sound() && seen.events == 0 && seen.streams == 0 && seen.head == position()));
  }
  std::filesystem::remove(path);
  fill(path);
  auto store = open_fast(path);
  for (bool const with_wal : {false, true}) {
    if (with_wal) append_pair(store, events / 2);
    auto const seen = must(store.verify());
    INFO(all_text(seen));
    CHECK(seen.sound());
    CHECK(seen.found == 0);
    CHECK(seen.events == events + (with_wal ? 2 : 0));
    CHECK(seen.streams == 2);
    CHECK(seen.head == position(seen.events));
  }
}

TEST_CASE("a long stream is sound, and a wrong pointer over 4,096 of its versions is found") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  constexpr std::uint64_t count = 12'500;
  auto const check = [&](std::string const& file) {
    auto const seen = verify_file(file);
    INFO(all_text(seen));
    CHECK(seen.sound());
    CHECK(seen.events == count);
  };
  {
    auto store = open_fast(path);
    for (std::uint64_t done = 0; done < count; done += 500) {
      std::vector<new_event> batch;
      for (int i = 0; i < 500; ++i) batch.push_back(happened());
      stream_append const part{"long", expectation::exactly(version(done)), batch};
      must(store.append({.streams = {&part, 1}}));
    }
    check_sound(store);
    // What a process that is killed now leaves behind.
    for (char const* const part : {"", "-wal"})
      std::filesystem::copy_file(path + part, folder.file("copy.db") + part);
  }
  check(folder.file("copy.db"));
  check(path);
  {
    auto db = must(sqlite::database::open({.path = path}));
    REQUIRE(must(db.value<std::uint64_t>("SELECT mark_4096 FROM cleave_heads")) == 12'288u);
    must(db.run_script("UPDATE cleave_log SET skip = 4097 WHERE version = 8192"));
  }
  auto const seen = verify_file(path);
  REQUIRE(seen.found == 1);
  CHECK(seen.findings[0].position == position(8'192));
  CHECK(seen.findings[0].stream == "long");
  CHECK(seen.findings[0].text == "skip of version 8192 is 4097 where 4096 belongs");
}

TEST_CASE("a live store is verified in one snapshot while others append, and inside a transaction") {
  scratch_folder const folder;
  auto store = open_fast(folder.file("log.db"));
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  for (int n = 0; n < 2; ++n) {
    threads.emplace_back([&, n] {
      while (!done) must(append(store, "thing-" + std::to_string(n)));
    });
  }
  for (int i = 0; i < 10; ++i) check_sound(store);
  done = true;
  for (std::thread& thread : threads) thread.join();
  std::uint64_t const before = head(store);
  must(store.transact([&](sqlite::transaction& inside) -> result<void> {
    must(append(inside, "thing-0"));
    auto const seen = must(store.verify());
    CHECK((seen.sound() && seen.head == position(before)));
    return {};
  }));
}

TEST_CASE("damage in the log is named with position and stream") {
  for (wanted_finding const& wanted : std::initializer_list<wanted_finding>{
           {"DELETE FROM cleave_log WHERE position = 150", "cleave_log", 150, "", "position 150 is missing"},
           {"DELETE FROM cleave_log WHERE position = 150", "cleave_log", 152, "thing-1",
            "version 76 (previous 150)"},
           {"DELETE FROM cleave_log WHERE position BETWEEN 1 AND 9", "cleave_log", 1, "",
            "positions 1 to 9 are missing"},
           {"UPDATE cleave_log SET position = -4 WHERE position = 1", "cleave_log", 0, "", "position -4"},
           {"UPDATE cleave_log SET version = 7 WHERE position = 150", "cleave_log", 150, "thing-1",
            "version 7 where 75 belongs"},
           {"UPDATE cleave_log SET version = 'x' WHERE position = 150", "cleave_log", 150, "thing-1",
            "version x"},
           {"UPDATE cleave_log SET version = 0 WHERE position = 150", "cleave_log", 150, "thing-1",
            "version 0"},
           {"UPDATE cleave_log SET previous = 146 WHERE position = 150", "cleave_log", 150, "thing-1",
            "previous of version 75 is 146, version 74 is at 148"},
           {"UPDATE cleave_log SET previous = NULL WHERE position = 150", "cleave_log", 150, "thing-1",
            "is NULL"},
           {"UPDATE cleave_log SET previous = 1 WHERE position = 2", "cleave_log", 2, "thing-1",
            "previous of version 1 is 1"},
           {"UPDATE cleave_log SET skip = 126 WHERE position = 256", "cleave_log", 256, "thing-1",
            "skip of version 128 is 126 where 128 belongs"},
           {"UPDATE cleave_log SET skip = NULL WHERE position = 256", "cleave_log", 256, "thing-1",
            "is NULL where 128 belongs"},
           {"UPDATE cleave_log SET skip = 2 WHERE position = 128", "cleave_log", 128, "thing-1",
            "is 2 where NULL belongs"},
           {"UPDATE cleave_log SET stream = 3 - stream WHERE position = 150", "cleave_log", 150, "thing-0",
            "previous"},
           {"UPDATE cleave_log SET stream = 3 - stream WHERE position = 150", "cleave_log", 152, "thing-1",
            "version 76"},
           {"UPDATE cleave_log SET stream = 99 WHERE position = 150", "cleave_log", 150, "",
            "id 99, which is not in cleave_streams"},
           {"UPDATE cleave_log SET name = 99 WHERE position = 150", "cleave_log", 150, "thing-1",
            "id 99, which is not in cleave_names"},
           {"UPDATE cleave_log SET name = 'x' WHERE position = 150", "cleave_log", 150, "thing-1",
            "no id: \"x\""},
           {"UPDATE cleave_log SET recorded_at = 'x' WHERE position = 150", "cleave_log", 150, "thing-1",
            "recorded_at"},
           {"UPDATE cleave_log SET ids = x'00' WHERE position = 150", "cleave_log", 150, "thing-1",
            "a blob of 1 bytes"},
           {"UPDATE cleave_log SET ids = ids || x'00' WHERE position = 150", "cleave_log", 150, "thing-1",
            "16, 48, 40 or 72"},
           {"UPDATE cleave_log SET headers = '[' WHERE position = 150", "cleave_log", 150, "thing-1",
            "headers cannot be decoded"},
           {"UPDATE cleave_log SET headers = x'5b' WHERE position = 150", "cleave_log", 150, "thing-1",
            "headers are no text"},
           {"UPDATE cleave_log SET tags = '[' WHERE position = 150", "cleave_log", 150, "thing-1",
            "tags cannot be decoded"},
           {"UPDATE cleave_log SET tags = x'5b' WHERE position = 150", "cleave_log", 150, "thing-1",
            "tags are no text"},
           {"UPDATE cleave_log SET data = 7 WHERE position = 150", "cleave_log", 150, "thing-1",
            "neither text nor blob"},
           {"UPDATE cleave_log SET data = CAST(x'61ff' AS TEXT) WHERE position = 150", "cleave_log", 150,
            "thing-1", "byte 0xff at 1"},
           {"UPDATE cleave_log SET data = CAST(x'610061' AS TEXT) WHERE position = 150", "cleave_log", 150,
            "thing-1", "byte 0x00 at 1"},
       }) {
    check_named(wanted);
  }
}

TEST_CASE("damage in what is derived from the log is named") {
  for (
      wanted_finding const& wanted : std::initializer_list<wanted_finding>{
          {"DELETE FROM cleave_ids WHERE position = 150", "cleave_ids", 150, "", "there is no row"},
          {"INSERT INTO cleave_ids VALUES (5, 150)", "cleave_ids", 150, "", "a row with key 5 for the event"},
          {"INSERT INTO cleave_ids VALUES (5, 9999)", "cleave_ids", 9'999, "",
           "position 9999, which is not in the log"},
          {"UPDATE cleave_ids SET key = key + 1 WHERE position = 150", "cleave_ids", 150, "",
           "there is no row"},
          {"UPDATE cleave_log SET ids = (SELECT o.ids FROM cleave_log o WHERE o.position = 20) WHERE position = 150; "
           "UPDATE cleave_ids SET key = (SELECT key FROM cleave_ids WHERE position = 20) WHERE position = 150",
           "cleave_log", 150, "", "also that of the event at position 20"},
          {"DELETE FROM cleave_tagged WHERE position = 150 AND tag = (SELECT id FROM cleave_tags WHERE tag = 'kind:a')",
           "cleave_tagged", 150, "", "no row for the event's tag \"kind:a\""},
          {"INSERT INTO cleave_tagged SELECT id, 151 FROM cleave_tags WHERE tag = 'kind:a'", "cleave_tagged",
           151, "", "an event whose tags are none"},
          {"INSERT INTO cleave_tagged SELECT id, 9999 FROM cleave_tags WHERE tag = 'kind:a'", "cleave_tagged",
           9'999, "", "position 9999, which is not in the log"},
          {"INSERT INTO cleave_tagged VALUES (99, 150)", "cleave_tagged", 150, "",
           "id 99 is not in cleave_tags"},
          {"UPDATE cleave_log SET tags = '[\"customer:4\",\"kind:b\"]' WHERE position = 150", "cleave_tagged",
           150, "", "\"kind:b\""},
          {"UPDATE cleave_tags SET tag = 'kind:b' WHERE tag = 'kind:a'", "cleave_tagged", 150, "",
           "\"kind:a\""},
          {"UPDATE cleave_heads SET version = version - 1 WHERE stream = 2", "cleave_heads", 398, "thing-1",
           "said to be at position 400, it is at 398"},
          {"UPDATE cleave_heads SET version = 199, position = 398 WHERE stream = 2", "cleave_heads", 398,
           "thing-1", "it has version 200 at position 400"},
          {"UPDATE cleave_heads SET version = 300, position = 600 WHERE stream = 2", "cleave_heads", 600,
           "thing-1",
           "said to end at version 300 and position 600, its last event in the log has version 205 and position 410"},
          {"UPDATE cleave_heads SET mark_64 = 2 WHERE stream = 2", "cleave_heads", 400, "thing-1",
           "mark_64 at version 200 is 2 where 384 belongs"},
          {"UPDATE cleave_heads SET mark_4096 = 2 WHERE stream = 2", "cleave_heads", 400, "thing-1",
           "mark_4096 at version 200 is 2 where NULL belongs"},
          {"UPDATE cleave_heads SET position = 'x' WHERE stream = 2", "cleave_heads", 0, "thing-1",
           "no store has written"},
          {"DELETE FROM cleave_heads WHERE stream = 2", "cleave_heads", 0, "thing-1", "there is no row"},
          {"INSERT INTO cleave_heads VALUES (99, 1, 1, NULL, NULL)", "cleave_heads", 0, "", "id 99"},
          {"UPDATE cleave_meta SET value = 'x' WHERE name = 'heads_at'", "cleave_meta", 0, "",
           "heads_at cannot be read"},
          {"DELETE FROM cleave_streams WHERE id = 2", "cleave_log", 2, "",
           "id 2, which is not in cleave_streams"},
          {"INSERT INTO cleave_streams VALUES (99, 'thing-99')", "cleave_streams", 0, "thing-99",
           "no event belongs"},
          {"DELETE FROM cleave_stream_ids WHERE id = 2", "cleave_stream_ids", 0, "thing-1",
           "no row for the stream with id 2; the names are written up to id 2"},
          {"INSERT INTO cleave_stream_ids VALUES ('thing-2', 2)", "cleave_stream_ids", 0, "thing-1",
           "the stream with id 2 has the name \"thing-2\""},
          {"INSERT INTO cleave_stream_ids VALUES ('thing-2', 99)", "cleave_stream_ids", 0, "",
           "the stream with id 99 has the name \"thing-2\""},
          {"UPDATE cleave_stream_ids SET id = 3 - id", "cleave_stream_ids", 0, "thing-1",
           "the stream with id 2 has the name \"thing-0\""},
          {"INSERT INTO cleave_streams VALUES (3, 'thing-0')", "cleave_streams", 0, "thing-0",
           "the stream with id 3 has the name of the stream with id 1"},
          {"INSERT INTO cleave_streams VALUES (3, 'new'), (4, 'new')", "cleave_streams", 0, "new",
           "the stream with id 4 has the name of the stream with id 3"},
          {"UPDATE cleave_meta SET value = 'x' WHERE name = 'names_at'", "cleave_meta", 0, "",
           "names_at cannot be read"},
          {"UPDATE cleave_streams SET name = 'a' || char(10) WHERE id = 2", "cleave_streams", 0, "a\n",
           "stream name"},
          {"DELETE FROM cleave_names", "cleave_log", 1, "thing-0", "cleave_names; told once"},
          {"UPDATE cleave_names SET name = x'00' WHERE id = 1", "cleave_names", 0, "", "is no text"},
          {"UPDATE cleave_checkpoints SET position = 411", "cleave_checkpoints", 411, "",
           "things.v1 has applied the log up to position 411, it ends at 410"},
          {"UPDATE cleave_outcomes SET position = 411 WHERE position > 0", "cleave_outcomes", 0, "",
           "the log ends at 410"},
          {"UPDATE cleave_outcomes SET position = 3 WHERE rejection IS NOT NULL", "cleave_outcomes", 0, "",
           "sold-out"},
          {"UPDATE cleave_log SET command = NULL WHERE position = 2", "cleave_log", 2, "thing-1",
           "the event's command is \"\", its ids have 72 bytes"},
          {"UPDATE cleave_log SET command = 1 WHERE position = 150", "cleave_log", 150, "thing-1",
           "the event's command is \"1\", its ids have 48 bytes"},
          {"UPDATE cleave_log SET command = 99 WHERE position = 2", "cleave_log", 2, "thing-1",
           "the name of the event's command has id 99, which is not in cleave_names"},
          {"UPDATE cleave_log SET ids = substr(ids, 1, 71) WHERE position = 2", "cleave_log", 2, "thing-1",
           "the event's ids are a blob of 71 bytes"},
          {"UPDATE cleave_meta SET value = 411 WHERE name = 'outcomes_at'", "cleave_meta", 0, "",
           "outcomes_at is 411, the log ends at 410"},
          {"UPDATE cleave_meta SET value = 'x' WHERE name = 'outcomes_at'", "cleave_meta", 0, "",
           "outcomes_at cannot be read"},
          {"UPDATE cleave_outcomes SET version = 'x'", "cleave_outcomes", 0, "", "no store has written"},
          {"DROP TABLE cleave_tagged", "cleave_tagged", 0, "", "cannot be read"},
          {"CREATE TABLE mine (x NOT NULL); INSERT INTO mine VALUES (1); PRAGMA writable_schema = ON; UPDATE sqlite_schema SET "
           "sql = 'CREATE TABLE mine (x NOT NULL, y NOT NULL)' WHERE name = 'mine'",
           "mine", 0, "", "NULL value in mine.y"},
      }) {
    check_named(wanted);
  }
}

TEST_CASE("one damaged value is one finding") {
  for (std::string_view const sql :
       {"UPDATE cleave_log SET version = 7 WHERE position = 150",
        "UPDATE cleave_log SET previous = 146 WHERE position = 150",
        "UPDATE cleave_log SET skip = 126 WHERE position = 256",
        "DELETE FROM cleave_ids WHERE position = 150", "DELETE FROM cleave_stream_ids WHERE id = 2",
        "DELETE FROM cleave_tagged WHERE position = 2 AND tag = 1", "DELETE FROM cleave_names WHERE id = 1",
        "DELETE FROM cleave_names WHERE id = 2", "UPDATE cleave_log SET command = 1 WHERE position = 150",
        "UPDATE cleave_heads SET mark_64 = 2 WHERE stream = 2"}) {
    auto const seen = after(sql);
    INFO(sql << '\n' << all_text(seen));
    CHECK(seen.found == 1);
    CHECK(seen.events == events);
  }
}

TEST_CASE("findings are all counted and the first hundred kept") {
  auto const seen = after("UPDATE cleave_log SET recorded_at = 'x'; DELETE FROM cleave_ids");
  CHECK(seen.found == 2 * events);
  REQUIRE(seen.findings.size() == sqlite::verification::most_findings);
  for (std::size_t i = 0; i < seen.findings.size(); ++i) CHECK(seen.findings[i].position == position(i + 1));
}

TEST_CASE("a damaged page is named with its table, wherever it is") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  write_file(path, sound_bytes());
  auto const pages = pages_of(path);
  std::size_t looked_at = 0;
  for (page const& one : pages) {
    std::string bytes = sound_bytes();
    // The head of the page and some of its cells.
    std::size_t const begin = (one.number - 1) * page_bytes + (one.number == 1 ? 100 : 0);
    for (std::size_t i = 0; i < 64; ++i) bytes[begin + i] = static_cast<char>(bytes[begin + i] ^ 0x5a);
    write_file(path, bytes);
    auto store = sqlite::event_store::open({.path = path, .durability = durability::relaxed});
    INFO("page " << one.number << " of " << one.table);
    if (!store) {
      // Without the schema, or the log's end, there is no store.
      CHECK((store.error().code() == errc::corrupt || store.error().code() == errc::not_a_store));
      continue;
    }
    ++looked_at;
    auto const seen = must(store->verify());
    INFO(all_text(seen));
    CHECK(std::any_of(seen.findings.begin(), seen.findings.end(),
                      [&](sqlite::finding const& found) { return found.table == one.table; }));
  }
  CHECK(looked_at > pages.size() / 2);
}

TEST_CASE("events on a page that cannot be read are named, and nothing is said of the others") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  write_file(path, sound_bytes());
  {
    // So that wrong rows are searched for.
    auto db = must(sqlite::database::open({.path = path}));
    must(db.run_script(
        "DELETE FROM cleave_ids WHERE position = 300; DELETE FROM cleave_tagged WHERE position = 300"));
  }
  std::string const whole = read_file(path);
  std::vector<page> leaves;
  for (page const& one : pages_of(path)) {
    if (one.table == "cleave_log" && one.kind == "leaf") leaves.push_back(one);
  }
  REQUIRE(leaves.size() >= 4);
  for (std::size_t const n : {std::size_t{0}, leaves.size() / 2}) {
    std::string bytes = whole;
    std::size_t const begin = (leaves[n].number - 1) * page_bytes;
    std::uint64_t const rows = static_cast<unsigned char>(bytes[begin + 3]) * 256u +
                               static_cast<unsigned char>(bytes[begin + 4]);
    bytes[begin] = 0; // no kind of page
    write_file(path, bytes);
    auto const seen = verify_file(path);
    INFO(all_text(seen));
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    int unreadable = 0;
    for (sqlite::finding const& found : seen.findings) {
      unsigned long from = 0;
      unsigned long to = 0;
      if (found.table != "cleave_log") {
        CHECK(found.position == position(300));
        continue;
      }
      if (std::sscanf(found.text.c_str(), "the log from position %lu to %lu cannot be read", &from, &to) ==
          2) {
        CHECK(found.position == position(from));
        first = from;
        last = to;
        ++unreadable;
      } else {
        CHECK((found.text.starts_with("SQLite: ") || found.text.starts_with("cleave_log as a whole")));
      }
    }
    CHECK(unreadable == 1);
    CHECK((first == 1) == (n == 0));
    CHECK(last - first + 1 == rows);
    CHECK(seen.events == events - rows);
    CHECK(seen.findings.back().text == "there is no row for the event's tag \"kind:a\"");
    CHECK(seen.head == position(events));
  }
}

TEST_CASE("an event whose data cannot be read is named alone") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  {
    auto store = open_fast(path);
    for (int i = 1; i <= 9; ++i)
      must(append(store, "thing-1", expectation::any(), std::string(i == 5 ? 40'000 : 10, 'x')));
  }
  std::string bytes = read_file(path);
  auto const pages = pages_of(path);
  auto const overflow = std::find_if(pages.begin(), pages.end(),
                                     [](page const& one) { return one.kind == "overflow"; });
  REQUIRE(overflow != pages.end());
  for (std::size_t i = 0; i < 4; ++i)
    bytes[(overflow->number - 1) * page_bytes + i] = '\x7f'; // the next page's number
  write_file(path, bytes);
  auto const seen = verify_file(path);
  INFO(all_text(seen));
  CHECK(seen.events == 8);
  CHECK(std::any_of(seen.findings.begin(), seen.findings.end(), [](sqlite::finding const& one) {
    return one.position == position(5) && one.text.starts_with("the event at position 5 cannot be read");
  }));
  for (sqlite::finding const& one : seen.findings)
    CHECK((one.position == position(5) || one.text.starts_with("SQLite: ")));
}

TEST_CASE("a disk that refuses a read is a finding, and the store can be verified again") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  write_file(path, sound_bytes());
  faulty_files faults("log.db");
  for (int const after : {0, 3, 20}) {
    auto store = must(sqlite::event_store::open({.path = path, .vfs = faulty_files::name}));
    must(store.head()); // the connection is open
    faults.reads = {.after = after, .code = SQLITE_IOERR_READ};
    auto const seen = must(store.verify());
    faults.reads = {};
    INFO(after << '\n' << all_text(seen));
    REQUIRE(seen.found >= 2);
    CHECK(seen.findings[seen.findings.size() - 2].text.find("SQLITE_IOERR_READ") != std::string::npos);
    CHECK(seen.findings.back().text.find("was not looked at") != std::string::npos);
    check_sound(store);
  }
}
