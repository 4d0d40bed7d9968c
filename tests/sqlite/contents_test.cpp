// SPDX-License-Identifier: BSL-1.0
// What is in the file: for people with the sqlite3 shell, and for hostile contents.
#include "small_store.hpp"

#include <array>

using namespace cleave;
using namespace cleave::test;

namespace {

constexpr std::string_view nasty =
    "Robert'); DROP TABLE cleave_log;-- \"q\" `x` \xF0\x9F\xA6\x80 \xE2\x82\xAC % _ \\";

struct fixed_clock {
  timestamp now() const noexcept { return timestamp(1'769'847'300'000'042); }
};

} // namespace

TEST_CASE("the views show events and commands as a person would write them") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  fixed_clock clock;
  {
    auto store = must(sqlite::event_store::open({.path = path, .clock = clock}));
    uuid const id = must(uuid::parse("018f4e5c-7a3b-7c1d-8e2f-0123456789ab"));
    uuid const why = must(uuid::parse("018f4e5c-7a3b-7c1d-8e2f-0123456789ac"));
    std::array<std::string_view, 2> const tags{"customer:7", "say \"hi\""};
    std::array<header, 1> const headers{{{"traceparent", "00-ab"}}};
    new_event const event{.id = event_id(id),
                          .name = "order-placed.v1",
                          .data = R"({"total":12})",
                          .tags = tags,
                          .metadata = {.correlation = correlation_id(why), .headers = headers}};
    stream_append const part{"order-10248", expectation::any(), {&event, 1}};
    command_record const command{.id = command_id(id), .command = "place_order", .fingerprint = 1};
    must(store.append({.streams = {&part, 1}, .command = &command}));
    rejection const no{"out-of-stock", "nothing left"};
    command_record const refused{
        .id = command_id(why), .command = "place_order", .fingerprint = 2, .refused = &no};
    must(store.append({.command = &refused}));
  }
  auto db = must(sqlite::database::open({.path = path, .read_only = true}));
  auto const row = must(db.first<std::int64_t, std::string, std::int64_t, std::string, std::string,
                                 std::string, std::string, std::string, std::optional<std::string>,
                                 std::string, std::string>(
      "SELECT position, stream, version, name, data, recorded_at, id, correlation, causation, headers, tags FROM events"));
  REQUIRE(row.has_value());
  CHECK(*row == std::tuple(1, "order-10248", 1, "order-placed.v1", R"({"total":12})",
                           "2026-01-31T08:15:00.000042Z", "018f4e5c-7a3b-7c1d-8e2f-0123456789ab",
                           "018f4e5c-7a3b-7c1d-8e2f-0123456789ac", std::nullopt, R"({"traceparent":"00-ab"})",
                           R"(["customer:7","say \"hi\""])"));
  CHECK(must(db.value<int>("SELECT json_extract(data, '$.total') FROM events")) == 12);
  CHECK(must(db.value<std::string>(
            "SELECT group_concat(command || ' ' || position || ' ' || coalesce(rejection, '-'), '; ') "
            "FROM (SELECT * FROM commands ORDER BY id)")) == "place_order 1 -; place_order 0 out-of-stock");
}

TEST_CASE(
    "names, tags, headers and data full of quotes, SQL and emoji come back unchanged, after a restart too") {
  scratch_folder const folder;
  std::string const path = folder.file("quote ' and \" \xF0\x9F\xA6\x80.db");
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  std::string const data[] = {std::string(nasty), bytes, std::string("\0", 1), "", "\xFF\xFE not UTF-8"};
  std::array<std::string_view, 1> const tags{nasty};
  std::array<header, 2> const headers{{{nasty, nasty}, {"empty", ""}}};
  {
    auto store = open_store(path);
    std::vector<new_event> events;
    for (std::string const& one : data) {
      events.push_back(
          {.id = next_id(), .name = nasty, .data = one, .tags = tags, .metadata = {.headers = headers}});
    }
    stream_append const part{nasty, expectation::no_stream(), events};
    must(store.append({.streams = {&part, 1}}));
  }
  auto store = open_store(path);
  query_item const item{.names = tags, .tags = tags};
  std::size_t seen = 0;
  must(store.read_all({.filter = {{&item, 1}}}, [&](recorded_event const& event) {
    CHECK(event.at.stream.text() == nasty);
    CHECK(event.at.name == nasty);
    CHECK(event.data == data[seen++]);
    CHECK((event.at.tags.size() == 1 && event.at.tags[0] == nasty));
    CHECK((event.at.metadata.headers.size() == 2 && event.at.metadata.headers[0] == headers[0] &&
           event.at.metadata.headers[1] == headers[1]));
    return true;
  }));
  CHECK(seen == 5);
}

TEST_CASE("a row that no store has written is corrupt, with its position") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  struct damage {
    std::string_view sql;
  };
  for (std::string_view const sql : {"UPDATE cleave_log SET version = -1 WHERE position = 2",
                                     "UPDATE cleave_log SET ids = x'00' WHERE position = 2",
                                     "UPDATE cleave_log SET data = 7 WHERE position = 2",
                                     "UPDATE cleave_log SET tags = '[' WHERE position = 2",
                                     "UPDATE cleave_log SET headers = '[]' WHERE position = 2",
                                     "UPDATE cleave_log SET recorded_at = 'x' WHERE position = 2",
                                     "UPDATE cleave_log SET ids = ids || x'00' WHERE position = 2"}) {
    std::filesystem::remove(path);
    {
      auto store = open_store(path);
      for (int i = 0; i < 3; ++i) must(append(store, "thing-1"));
    }
    {
      auto db = must(sqlite::database::open({.path = path}));
      must(db.run_script(sql));
    }
    auto store = open_store(path);
    auto const read = store.read_all({}, [](recorded_event const&) { return true; });
    INFO(sql);
    CHECK(failure_of(read).code() == errc::corrupt);
    CHECK(read.error().text().find("position 2") != std::string::npos);
  }
}

TEST_CASE("data at the limit is stored, one byte more is refused") {
  scratch_folder const folder;
  auto store = open_store(folder.file("log.db"));
  std::string const big(limits::event_data_bytes, 'x');
  must(append(store, "thing-1", expectation::any(), big));
  CHECK(failure_of(append(store, "thing-1", expectation::any(), big + "x")).code() == errc::limit_exceeded);
  CHECK(stream_data(store, "thing-1") == std::vector<std::string>{big});
}

TEST_CASE("a sink may read and append to the store that it reads") {
  scratch_folder const folder;
  auto store = must(
      sqlite::event_store::open({.path = folder.file("log.db"), .busy_wait_ms = 100, .readers = 1}));
  for (int i = 0; i < 200; ++i) must(append(store, "thing-1"));
  int seen = 0;
  auto const reached = must(store.read_all({}, [&](recorded_event const&) {
    ++seen;
    if (seen % 50 == 0) {
      must(append(store, "thing-2"));
      CHECK(stream_data(store, "thing-1").size() == 200);
    }
    return true;
  }));
  CHECK(seen == 200);
  CHECK(reached == position(200));
  CHECK(head(store) == 204);
}

TEST_CASE("a slow reader of the log keeps no checkpoint waiting") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  auto store = must(sqlite::event_store::open({.path = path, .checkpoint_pages = 20}));
  for (int i = 0; i < 10; ++i) must(append(store, "thing-1"));
  must(store.read_all({}, [&](recorded_event const& event) {
    if (event.at.position == position(1)) {
      for (int i = 0; i < 500; ++i) must(append(store, "thing-2"));
    }
    return true;
  }));
  CHECK(std::filesystem::file_size(path + "-wal") < std::uintmax_t{60} * 4'120);
}

TEST_CASE("a WAL that a reader keeps from being reset stops growing at its limit") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  auto store = must(
      sqlite::event_store::open({.path = path, .checkpoint_pages = 10, .wal_limit_bytes = 1'000'000}));
  must(append(store, "thing-1"));
  auto reader = must(sqlite::database::open({.path = path, .read_only = true}));
  must(reader.run_script("BEGIN; SELECT * FROM cleave_log"));
  int stored = 0;
  result<appended> last = append(store, "thing-1");
  for (; last && stored < 10'000; ++stored) last = append(store, "thing-1");
  REQUIRE(failure_of(last).code() == errc::limit_exceeded);
  CHECK(std::filesystem::file_size(path + "-wal") < 1'200'000);
  CHECK(head(store) == static_cast<std::uint64_t>(stored) + 1);
  must(reader.run_script("COMMIT"));
  must(append(store, "thing-1"));
}
