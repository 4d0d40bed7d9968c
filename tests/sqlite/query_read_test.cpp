// SPDX-License-Identifier: BSL-1.0
// Reading the log by a query: which events, in which order, with which names.
#include "small_store.hpp"

#include <algorithm>
#include <random>

using namespace cleave;
using namespace cleave::test;

namespace {

constexpr std::string_view names[] = {"a.v1", "b.v1", "c.v1", "d.v1", "never.v1"};
constexpr std::string_view tags[] = {"one", "two", "three", "four", "five", "unknown"};

struct stored {
  std::string_view name;
  std::vector<std::string_view> tags;
};

// A log of `count` events, and what is in it.
std::vector<stored> fill(sqlite::event_store& store, std::mt19937& random, std::size_t count) {
  std::vector<stored> all;
  auto const chance = [&](unsigned one_in) { return random() % one_in == 0; };
  for (std::size_t i = 0; i < count; ++i) {
    stored& one = all.emplace_back(stored{names[random() % 4], {}});
    for (std::size_t t = 0; t < 5; ++t) {
      if (chance(2)) one.tags.push_back(tags[t]);
    }
  }
  for (std::size_t i = 0; i < count; i += 100) {
    std::vector<new_event> events;
    for (std::size_t k = i; k < std::min(i + 100, count); ++k)
      events.push_back({.id = next_id(), .name = all[k].name, .data = "{}", .tags = all[k].tags});
    std::string const stream = "thing-" + std::to_string(i);
    stream_append const part{stream, expectation::any(), events};
    must(store.append({.streams = {&part, 1}}));
  }
  return all;
}

} // namespace

TEST_CASE("a read by any query hands out what matches, once, in order, as far as its limit") {
  std::mt19937 random(20'261'123);
  scratch_folder const folder;
  auto store = open_store(folder.file("query.db"));
  constexpr std::size_t count = 3'000;
  auto const all = fill(store, random, count);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::vector<std::string_view>> item_names(1 + random() % 4);
    std::vector<std::vector<std::string_view>> item_tags(item_names.size());
    std::vector<query_item> items;
    for (std::size_t i = 0; i < item_names.size(); ++i) {
      for (std::string_view const name : names) {
        if (random() % 3 == 0) item_names[i].push_back(name);
      }
      for (std::string_view const tag : tags) {
        if (random() % 4 == 0) item_tags[i].push_back(tag);
      }
      items.push_back({item_names[i], item_tags[i]});
    }
    event_query const query{items};
    std::uint64_t const after = random() % 2 == 0 ? 0 : random() % count;
    std::uint64_t const limit = random() % 3 == 0 ? 1 + random() % 700 : UINT64_MAX;
    std::vector<std::uint64_t> wanted;
    for (std::size_t i = after; i < count && wanted.size() < limit; ++i) {
      if (query.matches(all[i].name, all[i].tags)) wanted.push_back(i + 1);
    }
    std::vector<std::uint64_t> got;
    auto const reached = must(store.read_all({.after = position(after), .limit = limit, .filter = query},
                                             [&](recorded_event const& event) {
                                               got.push_back(event.at.position.value());
                                               return true;
                                             }));
    REQUIRE(got == wanted);
    REQUIRE(reached == position(got.size() == limit ? got.back() : count));

    // As the condition of an append: what is found first is named.
    append_condition const condition{query, position(after)};
    auto const refused = store.append({.streams = {}, .condition = &condition});
    REQUIRE(refused.has_value() == wanted.empty());
    if (!refused) CHECK(refused.error().code() == errc::version_conflict);
  }
}

TEST_CASE("inside a transaction the names are those of now, whatever was undone before") {
  scratch_folder const folder;
  auto store = open_store(folder.file("query.db"));
  auto other = open_store(folder.file("query.db"));
  std::string_view const blue[] = {"blue"};
  query_item const item{{}, blue};
  auto const streams = [&](sqlite::transaction& in) {
    std::vector<std::string> found;
    must(in.read_all({.filter = {{&item, 1}}}, [&](recorded_event const& event) {
      found.push_back(std::string(event.at.stream.text()) + " " + std::string(event.at.name));
      return true;
    }));
    return found;
  };
  auto const add = [&](auto& to, std::string_view stream, std::string_view name) {
    new_event const event{.id = next_id(), .name = name, .data = "{}", .tags = blue};
    stream_append const part{stream, expectation::any(), {&event, 1}};
    must(to.append({.streams = {&part, 1}}));
  };
  REQUIRE_FALSE(store.transact([&](sqlite::transaction& in) -> result<void> {
    add(in, "lost-1", "lost.v1");
    CHECK(streams(in) == std::vector<std::string>{"lost-1 lost.v1"});
    return unexpected(error(errc::invalid_argument, "changed my mind"));
  }));
  // They get the numbers that were given out before.
  add(other, "kept-1", "kept.v1");
  must(store.transact([&](sqlite::transaction& in) -> result<void> {
    CHECK(streams(in) == std::vector<std::string>{"kept-1 kept.v1"});
    add(in, "kept-2", "lost.v1");
    CHECK(streams(in) == std::vector<std::string>{"kept-1 kept.v1", "kept-2 lost.v1"});
    return {};
  }));
}
