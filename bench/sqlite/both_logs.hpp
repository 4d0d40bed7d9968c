// SPDX-License-Identifier: BSL-1.0
// Our store and the raw table, filled with the same events: about 200 bytes of JSON each.
#pragma once

#include "raw_layouts.hpp"

#include <string>
#include <vector>

namespace bench {

inline cleave::sqlite::event_store open_store(std::string const& path) {
  auto store = cleave::sqlite::event_store::open({.path = path});
  if (!store) {
    std::fprintf(stderr, "%s\n", store.error().message().c_str());
    std::abort();
  }
  return std::move(*store);
}

inline std::string stream_of(std::uint64_t n) { return "order-" + std::to_string(10'000 + n); }

// One event, ready to be appended to any stream.
struct one_event {
  one_event(cleave::uuid_v7_source& ids, std::uint64_t n) : name(stream_of(n)) {
    event = {.id = cleave::event_id(ids.next(cleave::system_clock{}.now())),
             .name = event_name,
             .data = event_data};
    part = {name, cleave::expectation::any(), {&event, 1}};
  }
  cleave::append_request request() const { return {.streams = {&part, 1}}; }

  std::string name;
  cleave::new_event event;
  cleave::stream_append part{name, cleave::expectation::any(), {}};
};

// One event for each of the streams from `first` on, in one append.
inline void append_round(cleave::sqlite::event_store& store, cleave::uuid_v7_source& ids, std::uint64_t first,
                         std::uint64_t streams) {
  std::vector<std::string> names;
  std::vector<cleave::new_event> events(streams);
  std::vector<cleave::stream_append> parts;
  for (std::uint64_t n = 0; n < streams; ++n) names.push_back(stream_of(first + n));
  for (std::uint64_t n = 0; n < streams; ++n) {
    events[n] = {.id = cleave::event_id(ids.next(cleave::system_clock{}.now())),
                 .name = event_name,
                 .data = event_data};
    parts.push_back({names[n], cleave::expectation::any(), {&events[n], 1}});
  }
  if (!store.append({.streams = parts})) std::abort();
}

inline void append_round(raw_unique& log, std::int64_t version, std::uint64_t first, std::uint64_t streams) {
  log.begin();
  for (std::uint64_t n = 0; n < streams; ++n) log.insert(stream_of(first + n), version);
  log.commit();
}

// `rounds` events in each of `streams` streams, in turn.
class both_logs {
public:
  both_logs(std::uint64_t streams, std::int64_t rounds) {
    auto store = open_store(ours());
    cleave::uuid_v7_source ids;
    raw_unique log(raw(), true);
    for (std::int64_t round = 1; round <= rounds; ++round) {
      append_round(store, ids, 0, streams);
      append_round(log, round, 0, streams);
    }
  }
  std::string ours() const { return folder_.file("ours.db"); }
  std::string raw() const { return folder_.file("raw.db"); }

private:
  scratch folder_;
};

} // namespace bench
