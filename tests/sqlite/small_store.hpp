// SPDX-License-Identifier: BSL-1.0
// A store on a file of its own, and the shortest ways to fill and read it.
#pragma once

#include <cleave/sqlite/event_store.hpp>

#include "scratch.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::test {

template <class T> T must(result<T> got) {
  if (!got) FAIL(got.error().message());
  return std::move(*got);
}
inline void must(result<void> got) {
  if (!got) FAIL(got.error().message());
}
template <class T> error failure_of(result<T> const& got) {
  if (got) FAIL("it succeeded");
  return got.error();
}

inline event_id next_id() {
  static uuid_v7_source ids;
  return event_id(ids.next(system_clock{}.now()));
}

inline new_event happened(std::string_view data = "{}", event_id id = next_id()) {
  return {.id = id, .name = "thing-happened.v1", .data = data};
}

inline sqlite::event_store open_store(std::string const& path) {
  return must(sqlite::event_store::open({.path = path}));
}

// One event into one stream.
template <class Target>
result<appended> append(Target& to, std::string_view stream, expectation expected = expectation::any(),
                        std::string_view data = "{}", event_id id = next_id()) {
  new_event const event = happened(data, id);
  stream_append const part{stream, expected, {&event, 1}};
  return to.append({.streams = {&part, 1}});
}

inline std::vector<std::string> stream_data(sqlite::event_store& store, std::string_view stream) {
  std::vector<std::string> data;
  must(store.read_stream(stream, stream_range::all(), [&](recorded_event const& event) {
    data.emplace_back(event.data);
    return true;
  }));
  return data;
}

inline std::uint64_t head(sqlite::event_store& store) { return must(store.head()).value(); }

} // namespace cleave::test
