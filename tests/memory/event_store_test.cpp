// SPDX-License-Identifier: BSL-1.0
// What the store in memory promises beyond the contract of every store (tests/contract/memory_test.cpp).
#include <cleave/memory/event_store.hpp>
#include <cleave/testing/manual_clock.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace cleave;
using memory_store = memory::event_store;

static_assert(cleave::event_store<memory_store>);
static_assert(memory_store::keeps_objects);

// Counts its objects, and refuses to be copied when told so. It has no codec: memory needs none.
struct fragile {
  static constexpr std::string_view event_name = "fragile.v1";
  static inline int alive = 0;
  static inline int copies_left = 1'000'000;

  explicit fragile(int n) : number(n) { ++alive; }
  fragile(fragile const& other) : number(other.number) {
    if (copies_left == 0) throw std::runtime_error("too fragile");
    --copies_left;
    ++alive;
  }
  fragile& operator=(fragile const&) = delete;
  ~fragile() { --alive; }
  int number;
};

struct alignas(64) wide {
  static constexpr std::string_view event_name = "wide.v1";
  std::int64_t number = 0;
};

struct fixture {
  testing::seeded_ids ids;
  memory_store store;

  new_event event(fragile const& of) { return to_new_event(ids.next_event(), of); }
  result<appended> append(std::vector<new_event> const& events, stream_name stream = "thing-1") {
    stream_append const part{stream, expectation::any(), events};
    return store.append({.streams = {&part, 1}});
  }
  template <class Hook> result<appended> append(std::vector<new_event> const& events, Hook&& hook) {
    stream_append const part{"thing-1", expectation::any(), events};
    return store.append({.streams = {&part, 1}}, hook);
  }
  std::vector<int> numbers() {
    std::vector<int> all;
    REQUIRE(store.read_all({}, [&](recorded_event const& event) {
      REQUIRE(event.type == &event_type_of<fragile>);
      all.push_back(static_cast<fragile const*>(event.object)->number);
      return true;
    }));
    return all;
  }
};

result<void> agree(recorded_event const&) { return {}; }

} // namespace

TEST_CASE("events are kept as objects and destroyed with the store") {
  fragile::copies_left = 1'000'000;
  REQUIRE(fragile::alive == 0);
  {
    fixture f;
    {
      fragile const a(1);
      fragile const b(2);
      REQUIRE(f.append({f.event(a), f.event(b)}));
    }
    CHECK(fragile::alive == 2);
    CHECK(f.numbers() == std::vector{1, 2});
  }
  CHECK(fragile::alive == 0);
}

TEST_CASE("a copy that throws stores nothing, and the copies before it are destroyed") {
  fragile const a(1);
  {
    fixture f;
    fragile::copies_left = 2;
    auto const failed = f.append({f.event(a), f.event(a), f.event(a)});
    REQUIRE(!failed);
    CHECK(failed.error().code() == errc::handler_failed);
    CHECK(failed.error().text() == "the copy of event fragile.v1 threw: too fragile");
    CHECK(fragile::alive == 1);
    CHECK(f.store.head()->value() == 0);

    fragile::copies_left = 1'000'000;
    REQUIRE(f.append({f.event(a)})->version == version(1));
    CHECK(f.numbers() == std::vector{1});
  }
  CHECK(fragile::alive == 1);
}

TEST_CASE("a batch that failed leaves its tags and ids unused") {
  fixture f;
  fragile const a(1);
  fragile::copies_left = 1;
  std::string_view const tag = "seat:1";
  std::vector<new_event> events = {f.event(a), f.event(a)};
  for (new_event& event : events) event.tags = {&tag, 1};
  REQUIRE(!f.append(events));
  fragile::copies_left = 1'000'000;

  query_item const item{.tags = {&tag, 1}};
  append_condition const condition{{{&item, 1}}, position()};
  stream_append const part{"thing-1", expectation::no_stream(), events};
  auto const done = f.store.append({.streams = {&part, 1}, .condition = &condition});
  REQUIRE(done);
  CHECK_FALSE(done->repeated);
  int found = 0;
  REQUIRE(f.store.read_all({.filter = {{&item, 1}}}, [&](recorded_event const&) { return ++found, true; }));
  CHECK(found == 2);
}

TEST_CASE("an object stands at its alignment, also behind bytes of any length") {
  fixture f;
  for (std::size_t i = 0; i < 100; ++i) {
    std::string const bytes(i, 'x');
    wide const object{static_cast<std::int64_t>(i)};
    new_event const raw{.id = f.ids.next_event(), .name = "raw.v1", .data = bytes};
    REQUIRE(f.append({raw, to_new_event(f.ids.next_event(), object)}));
  }
  std::int64_t next = 0;
  REQUIRE(f.store.read_all({}, [&](recorded_event const& event) {
    if (event.type == nullptr) {
      CHECK(event.data == std::string(static_cast<std::size_t>(next), 'x'));
    } else {
      CHECK(reinterpret_cast<std::uintptr_t>(event.object) % alignof(wide) == 0);
      CHECK(static_cast<wide const*>(event.object)->number == next++);
    }
    return true;
  }));
  CHECK(next == 100);
}

TEST_CASE("a hook sees each event before it is committed, in order, and not yet in the store") {
  fixture f;
  fragile const a(1);
  fragile const b(2);
  std::vector<std::uint64_t> positions;
  std::vector<int> numbers;
  REQUIRE(f.append({f.event(a)}));
  auto const done = f.append({f.event(a), f.event(b)}, [&](recorded_event const& event) -> result<void> {
    positions.push_back(event.at.position.value());
    numbers.push_back(static_cast<fragile const*>(event.object)->number);
    CHECK(event.at.stream.text() == "thing-1");
    CHECK(event.at.version.value() == event.at.position.value());
    CHECK(f.store.head()->value() == 1);
    CHECK(f.numbers() == std::vector{1});
    return {};
  });
  REQUIRE(done);
  CHECK(positions == std::vector<std::uint64_t>{2, 3});
  CHECK(numbers == std::vector{1, 2});
  CHECK(f.store.head()->value() == 3);
}

TEST_CASE("a hook that takes unopened events gets what the log will show") {
  fixture f;
  fragile const a(7);
  wide const b{8};
  std::vector<recorded_event> shown;
  auto const done = f.append({f.event(a), to_new_event(f.ids.next_event(), b)},
                             [&](unopened_event auto const& found) -> result<void> {
                               CHECK(found.type() == found.open().type);
                               CHECK(static_cast<envelope>(found).position == found.position());
                               shown.push_back(found.open());
                               return {};
                             });
  REQUIRE(done);
  std::size_t i = 0;
  REQUIRE(f.store.read_all({}, [&](recorded_event const& event) {
    REQUIRE(i < shown.size());
    CHECK(event.object == shown[i].object);
    CHECK(event.type == shown[i].type);
    CHECK(event.at.position == shown[i].at.position);
    CHECK(event.at.version == shown[i].at.version);
    CHECK(event.at.id == shown[i].at.id);
    CHECK(event.at.recorded_at == shown[i].at.recorded_at);
    return ++i, true;
  }));
  CHECK(i == 2);
}

TEST_CASE("a hook that fails or throws keeps the append from being stored") {
  fragile::copies_left = 1'000'000;
  fixture f;
  fragile const a(1);
  std::vector<new_event> const events = {f.event(a), f.event(a)};
  int calls = 0;
  auto const failed = f.append(events, [&](recorded_event const&) -> result<void> {
    if (++calls == 2) return unexpected(make_error(errc::stale, "not now"));
    return {};
  });
  REQUIRE(!failed);
  CHECK(failed.error().code() == errc::stale);
  CHECK(calls == 2);

  auto const threw = f.append(events,
                              [](recorded_event const&) -> result<void> { throw std::runtime_error("no"); });
  REQUIRE(!threw);
  CHECK(threw.error().code() == errc::handler_failed);
  CHECK(threw.error().text() == "an inline projection threw: no");
  CHECK(fragile::alive == 1);
  CHECK(f.store.head()->value() == 0);

  auto const done = f.append(events, agree);
  REQUIRE(done);
  CHECK(done->position == position(2));
  CHECK_FALSE(done->repeated);
}

TEST_CASE("a command whose append a hook has refused has no outcome, and is no repeat when it comes again") {
  fragile::copies_left = 1'000'000;
  for (std::size_t const count : {std::size_t{1}, std::size_t{2}}) {
    fixture f;
    fragile const a(1);
    command_record const record{.id = f.ids.next_command(), .command = "do-it", .fingerprint = 5};
    auto const execute = [&](auto&& hook) {
      std::vector<new_event> events;
      for (std::size_t i = 0; i < count; ++i) events.push_back(f.event(a));
      stream_append const part{"thing-1", expectation::any(), events};
      return f.store.append({.streams = {&part, 1}, .command = &record}, hook);
    };
    auto const refuse = [](recorded_event const&) -> result<void> {
      return unexpected(error(errc::invalid_argument, "no"));
    };
    REQUIRE_FALSE(execute(refuse));
    CHECK_FALSE(f.store.find_command(record.id)->has_value());
    // Also when the log has grown over the position that it was to have.
    REQUIRE(f.append({f.event(a), f.event(a)}));
    CHECK_FALSE(f.store.find_command(record.id)->has_value());
    auto const done = execute(agree);
    REQUIRE(done);
    CHECK_FALSE(done->repeated);
    CHECK(done->position == position(2 + count));
    CHECK((*f.store.find_command(record.id))->position == position(2 + count));
  }
}

TEST_CASE("a hook is not called for a repeat, a conflict, or an append without events") {
  fixture f;
  fragile const a(1);
  std::vector<new_event> const events = {f.event(a)};
  int calls = 0;
  auto const counting = [&](recorded_event const&) -> result<void> { return ++calls, result<void>(); };
  REQUIRE(f.append(events, counting));
  CHECK(f.append(events, counting)->repeated);
  REQUIRE(f.append({}, counting));
  std::vector<new_event> const others = {f.event(a)};
  stream_append const part{"thing-1", expectation::no_stream(), others};
  CHECK(f.store.append({.streams = {&part, 1}}, counting).error().code() == errc::version_conflict);
  CHECK(calls == 1);
}

TEST_CASE("a clock that throws keeps the append from being stored") {
  struct broken_clock {
    timestamp now() const { throw std::runtime_error("no time"); }
  } clock;
  memory_store store({.clock = clock});
  testing::seeded_ids ids;
  wide const object{1};
  new_event const event = to_new_event(ids.next_event(), object);
  stream_append const part{"thing-1", expectation::any(), {&event, 1}};
  auto const failed = store.append({.streams = {&part, 1}});
  REQUIRE(!failed);
  CHECK(failed.error().code() == errc::handler_failed);
  CHECK(store.head()->value() == 0);
}

TEST_CASE("a store at its memory limit refuses an append, and keeps and serves what it has") {
  testing::seeded_ids ids;
  memory_store store({.max_bytes = 1'000'000});
  std::string const bytes(10'000, 'x');
  std::uint64_t stored = 0;
  for (int i = 0; i < 200; ++i) {
    new_event const event{.id = ids.next_event(), .name = "raw.v1", .data = bytes};
    stream_append const part{"thing-1", expectation::any(), {&event, 1}};
    auto const done = store.append({.streams = {&part, 1}});
    if (done) {
      stored = done->position.value();
      continue;
    }
    CHECK(done.error().code() == errc::limit_exceeded);
    CHECK(done.error().text().find("1000000") != std::string::npos);
  }
  CHECK(stored > 20);
  CHECK(stored < 100);
  CHECK(store.bytes_used() <= 1'000'000);
  std::uint64_t seen = 0;
  auto const last = store.read_stream(
      "thing-1", {}, [&](recorded_event const& event) { return ++seen, event.data == bytes; });
  CHECK(last->value() == stored);
  CHECK(seen == stored);
}

TEST_CASE("an index grows through many streams, names, tags and ids out of order") {
  constexpr std::uint64_t count = 20'000;
  memory_store store;
  auto const id_of = [](std::uint64_t i) { return event_id(uuid::from_name(uuid(), std::to_string(i))); };
  auto const attempt = [&](std::uint64_t i) {
    std::string const name = "name-" + std::to_string(i % 700) + ".v1";
    std::string const tag = "tag:" + std::to_string(i % 5'000);
    std::string const stream = "thing-" + std::to_string(i % 7'000);
    std::string_view const tags[] = {tag};
    new_event const event{.id = id_of(i), .name = name, .data = "{}", .tags = tags};
    stream_append const part{std::string_view(stream), expectation::any(), {&event, 1}};
    return store.append({.streams = {&part, 1}});
  };
  for (std::uint64_t i = 0; i < count; ++i) REQUIRE(attempt(i)->position == position(i + 1));
  for (std::uint64_t i = 0; i < count; i += 7) {
    auto const again = attempt(i);
    REQUIRE(again);
    CHECK((again->repeated && again->position == position(i + 1)));
  }
  std::string_view const names[] = {"name-650.v1"};
  std::string_view const tags[] = {"tag:4999"};
  query_item const by_name{.names = names};
  query_item const by_tag{.tags = tags};
  auto const matches = [&](query_item const& item) {
    std::uint64_t found = 0;
    REQUIRE(store.read_all({.filter = {{&item, 1}}}, [&](recorded_event const&) { return ++found, true; }));
    return found;
  };
  CHECK(matches(by_name) == 28);
  CHECK(matches(by_tag) == 4);
  CHECK(store.read_stream("thing-6999", {}, [](recorded_event const&) { return true; })->value() == 2);
}

TEST_CASE(
    "ids that rise for a while and fall in between are all known again, and those between them are not") {
  memory_store store;
  // The time in an id is what it is ordered by: here ten that rise, then three that are late, and so on.
  auto const id_of = [](std::uint64_t time) {
    uuid_v7_source source(7);
    return event_id(source.next(timestamp(static_cast<std::int64_t>(time) * 1000)));
  };
  std::vector<std::uint64_t> times;
  for (std::uint64_t round = 0; round < 50; ++round) {
    for (std::uint64_t i = 0; i < 10; ++i) times.push_back((round + 1) * 1000 + i * 2);
    for (std::uint64_t i = 0; i < round % 4; ++i) times.push_back(round * 1000 + 501 + i * 2);
  }
  auto const append = [&](std::uint64_t time) {
    new_event const event{.id = id_of(time), .name = "raw.v1", .data = "{}"};
    stream_append const part{"thing-1", expectation::any(), {&event, 1}};
    return store.append({.streams = {&part, 1}});
  };
  for (std::size_t i = 0; i < times.size(); ++i) REQUIRE_FALSE(append(times[i])->repeated);
  for (std::size_t i = 0; i < times.size(); ++i) {
    auto const again = append(times[i]);
    REQUIRE(again);
    CHECK((again->repeated && again->position == position(i + 1)));
  }
  CHECK_FALSE(append(1001)->repeated);
  CHECK_FALSE(append(25'019)->repeated);
  CHECK_FALSE(append(999)->repeated);
}

TEST_CASE("outcomes are found when their ids came in any order, and those of repeated ids once") {
  memory_store store;
  testing::seeded_ids ids;
  std::vector<command_id> sent;
  for (int i = 0; i < 100; ++i) sent.push_back(ids.next_command());
  auto const execute = [&](command_id id, std::uint64_t fingerprint) {
    command_record const record{.id = id, .command = "do-it", .fingerprint = fingerprint};
    return store.append({.command = &record});
  };
  auto const order = [](std::size_t i) { return i * 37 % 100; }; // each once, mostly not rising
  for (std::size_t i = 0; i < 100; ++i) REQUIRE(execute(sent[order(i)], order(i)));
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK((*store.find_command(sent[i]))->fingerprint == i);
    CHECK(execute(sent[i], i)->repeated);
    CHECK(execute(sent[i], i + 1).error().code() == errc::command_id_reused);
  }
  CHECK_FALSE(store.find_command(ids.next_command())->has_value());
  // The 60 that were stored first are forgotten; one of them comes again, and is the newest.
  CHECK(*store.forget_outcomes(timestamp(INT64_MIN), 40, 1000) == 60);
  CHECK_FALSE(store.find_command(sent[order(0)])->has_value());
  CHECK((*store.find_command(sent[order(60)]))->fingerprint == order(60));
  CHECK_FALSE(execute(sent[order(0)], 500)->repeated);
  CHECK((*store.find_command(sent[order(0)]))->fingerprint == 500);
  CHECK(*store.forget_outcomes(timestamp(INT64_MIN), 1, 1000) == 40);
  CHECK((*store.find_command(sent[order(0)]))->fingerprint == 500);
}

TEST_CASE("an outcome tells position, version and time of its append, whatever that ended with") {
  testing::seeded_ids ids;
  testing::manual_clock clock(timestamp(100));
  memory_store store({.clock = clock});
  auto const event = [&] { return new_event{.id = ids.next_event(), .name = "happened.v1", .data = "{}"}; };
  std::vector<new_event> const old{event(), event(), event()};
  stream_append const before{"a", expectation::any(), old};
  REQUIRE(store.append({.streams = {&before, 1}}));

  std::vector<new_event> const one{event()};
  std::vector<new_event> const two{event(), event()};
  std::vector<new_event> const more{event()};
  std::vector<new_event> const last{event()};
  rejection const refused{"no", "not like this"};
  struct expected {
    std::vector<stream_append> streams;
    std::uint64_t position;
    std::uint64_t version;
    rejection const* refused = nullptr;
  };
  std::vector<expected> const all{
      {{{"a", expectation::any(), one}}, 4, 4},
      {{{"a", expectation::any(), two}, {"b", expectation::any(), more}}, 7, 1},
      {{{"a", expectation::any(), last}, {"b", expectation::stream_exists(), {}}}, 8, 1},
      {{{"b", expectation::exactly(version(1)), {}}}, 8, 1},
      {{}, 8, 0},
      {{{"a", expectation::exactly(version(7)), {}}}, 0, 7, &refused},
      {{}, 0, 0, &refused},
  };
  std::vector<command_record> records;
  for (expected const& each : all) {
    clock.advance_us(100);
    records.push_back({.id = ids.next_command(),
                       .command = "do-it",
                       .fingerprint = records.size(),
                       .refused = each.refused});
    auto const done = store.append({.streams = each.streams, .command = &records.back()});
    REQUIRE(done);
    CHECK(done->version == version(each.version));
  }
  std::int64_t time = 100;
  for (std::size_t i = 0; i < all.size(); ++i) {
    time += 100;
    auto const outcome = store.find_command(records[i].id);
    REQUIRE(outcome);
    REQUIRE(*outcome);
    CHECK((*outcome)->command == "do-it");
    CHECK((*outcome)->fingerprint == i);
    CHECK((*outcome)->position == position(all[i].position));
    CHECK((*outcome)->version == version(all[i].version));
    CHECK((*outcome)->recorded_at == timestamp(time));
    CHECK((*outcome)->refused.has_value() == (all[i].refused != nullptr));
    if ((*outcome)->refused) CHECK((*outcome)->refused->text == refused.text);
    auto const again = store.append({.streams = all[i].streams, .command = &records[i]});
    REQUIRE(again);
    CHECK(again->repeated);
    CHECK(again->position == position(all[i].position));
    CHECK(again->version == version(all[i].version));
    CHECK(again->recorded_at == timestamp(time));
  }
  CHECK(store.head()->value() == 8);
}

TEST_CASE("whoever sees an event finds the outcome of its command") {
  constexpr std::uint64_t commands = 100'000;
  testing::seeded_ids ids;
  std::vector<command_record> records;
  std::vector<new_event> events;
  for (std::uint64_t i = 0; i < commands; ++i) {
    records.push_back({.id = ids.next_command(), .command = "do-it", .fingerprint = i});
    events.push_back({.id = ids.next_event(), .name = "happened.v1", .data = "{}"});
  }
  // Ids that do not rise take longest to enter.
  for (std::uint64_t i = 0; i < commands; ++i) std::swap(records[i].id, records[i * 7919 % commands].id);
  memory_store store;
  std::atomic<std::uint64_t> missing{0};
  std::thread reader([&] {
    for (std::uint64_t seen = 0; seen < commands;) {
      std::uint64_t const head = store.head()->value();
      if (head == seen) continue;
      auto const outcome = store.find_command(records[head - 1].id);
      if (!*outcome || (*outcome)->position != position(head)) ++missing;
      seen = head;
    }
  });
  for (std::uint64_t i = 0; i < commands; ++i) {
    stream_append const part{"thing-1", expectation::any(), {&events[i], 1}};
    if (!store.append({.streams = {&part, 1}, .command = &records[i]})) ++missing;
  }
  reader.join();
  CHECK(missing == 0);
}

TEST_CASE("a listener hears of each growth once, outside the commit, and may append") {
  struct appender {
    memory_store& store;
    testing::seeded_ids ids{7};
    std::vector<std::uint64_t> heard{};
    result<appended> append() {
      new_event const event{.id = ids.next_event(), .name = "happened.v1", .data = "{}"};
      stream_append const part{"thing-1", expectation::any(), {&event, 1}};
      return store.append({.streams = {&part, 1}});
    }
    static void listen(void* self, position head) noexcept {
      auto& me = *static_cast<appender*>(self);
      me.heard.push_back(head.value());
      if (head == position(1) && !me.append()) std::abort();
    }
  };
  memory_store store;
  appender one{store};
  auto const subscribed = store.commits().on_commit(&one, &appender::listen);
  REQUIRE(one.append());
  CHECK(one.heard == std::vector<std::uint64_t>{1, 2});
  stream_append const wrong{"thing-1", expectation::no_stream(), {}};
  REQUIRE_FALSE(store.append({.streams = {&wrong, 1}}));
  REQUIRE(store.append({}));
  CHECK(one.heard == std::vector<std::uint64_t>{1, 2});
  REQUIRE(store.decide_in_commit([&](memory_store::commit_scope& scope) -> result<void> {
    new_event const event{.id = one.ids.next_event(), .name = "happened.v1", .data = "{}"};
    stream_append const part{"thing-1", expectation::any(), {&event, 1}};
    auto const done = scope.append({.streams = {&part, 1}});
    CHECK(one.heard == std::vector<std::uint64_t>{1, 2});
    return done ? result<void>() : unexpected(done.error());
  }));
  CHECK(one.heard == std::vector<std::uint64_t>{1, 2, 3});
}

TEST_CASE(
    "an id is free again when its outcome is forgotten, however often, and whatever order ids came in") {
  testing::seeded_ids ids;
  memory_store store;
  command_id const first = ids.next_command();
  command_id const second = ids.next_command();
  std::uint64_t stored = 0;
  for (int round = 0; round < 4; ++round) {
    for (command_id const id : {second, first}) {
      new_event const event{.id = ids.next_event(), .name = "happened.v1", .data = "{}"};
      stream_append const part{"thing-1", expectation::any(), {&event, 1}};
      command_record const record{.id = id, .command = "do-it", .fingerprint = stored};
      REQUIRE_FALSE(*store.find_command(id));
      auto const done = store.append({.streams = {&part, 1}, .command = &record});
      REQUIRE(done);
      CHECK_FALSE(done->repeated);
      CHECK(done->position == position(++stored));
      REQUIRE(*store.find_command(id));
      CHECK((*store.find_command(id))->position == position(stored));
      CHECK(store.append({.streams = {&part, 1}, .command = &record})->repeated);
    }
    REQUIRE(*store.forget_outcomes(timestamp(), 2, 1) == 0);
    REQUIRE(*store.forget_outcomes(timestamp(), 1, 1) == 1);
    CHECK_FALSE(*store.find_command(second));
    CHECK(*store.find_command(first));
    REQUIRE(*store.forget_outcomes(timestamp(), 0, 10) == 1);
  }
  CHECK(store.head()->value() == stored);
}

TEST_CASE("in a commit a stream has a place from its first event on, and the place shows its version") {
  memory_store store;
  testing::seeded_ids ids;
  wide const object{1};
  memory_store::commit_scope::stream_place found = nullptr;
  for (std::uint64_t round = 0; round < 3; ++round) {
    auto const done = store.decide_in_commit([&](memory_store::commit_scope& in) -> result<void> {
      CHECK(in.find_stream("other-1") == nullptr);
      CHECK((in.find_stream("thing-1") == nullptr) == (round == 0));
      if (round == 1) found = in.find_stream("thing-1");
      if (found != nullptr) {
        CHECK(found == in.find_stream("thing-1"));
        CHECK(in.name_of(found).text() == "thing-1");
        CHECK(in.version_of(found) == version(round));
      }
      new_event const event = to_new_event(ids.next_event(), object);
      stream_append const part{found != nullptr ? in.name_of(found) : stream_name("thing-1"),
                               expectation::exactly(version(round)),
                               {&event, 1}};
      return in.append({.streams = {&part, 1}}) ? result<void>() : unexpected(error(errc::stopped, "no"));
    });
    REQUIRE(done);
  }
  CHECK(store.head()->value() == 3);
}

TEST_CASE("what a commit asks of the store's clock is read once, and is what its events carry") {
  struct counting_clock {
    timestamp now() { return timestamp(++reads); }
    std::int64_t reads = 0;
  };
  counting_clock clock;
  counting_clock other;
  memory_store store({.clock = clock});
  testing::seeded_ids ids;
  wide const object{1};
  auto const recorded_at = [&](counting_clock& asked) {
    timestamp seen;
    REQUIRE(store.decide_in_commit([&](memory_store::commit_scope& in) -> result<void> {
      seen = in.now(asked);
      static_cast<void>(in.now(asked));
      new_event const event = to_new_event(ids.next_event(), object);
      stream_append const part{"thing-1", expectation::any(), {&event, 1}};
      auto const done = in.append({.streams = {&part, 1}});
      REQUIRE(done);
      seen = done->recorded_at;
      return {};
    }));
    return seen;
  };
  CHECK(recorded_at(clock) == timestamp(1));
  CHECK(clock.reads == 1);
  CHECK(recorded_at(other) == timestamp(2)); // of the store's own
  CHECK(clock.reads == 2);
  CHECK(other.reads == 2);
}
