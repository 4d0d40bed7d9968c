// SPDX-License-Identifier: BSL-1.0
// The events and queries that the tests of the query side share.
#pragma once

#include <cleave/memory/event_store.hpp>
#include <cleave/query/projector.hpp>

#include <boost/describe.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace clockwork {

struct ticked {
  std::int64_t by = 0;
};
// What was stored when clocks struck the hour, and before that.
struct struck;
struct struck_v1 {
  std::int64_t times = 0;
  struck upcast() const;
};
struct struck {
  using supersedes = cleave::event_set<struck_v1>;
  std::int64_t by = 0;
};
BOOST_DESCRIBE_STRUCT(struck_v1, (), (times))
BOOST_DESCRIBE_STRUCT(struck, (), (by))
inline struck struck_v1::upcast() const { return {times * 100}; }

struct tocked { // followed by nobody
  int by = 0;
};
BOOST_DESCRIBE_STRUCT(ticked, (), (by))

struct sum {
  using result_type = std::int64_t;
};
struct sum_of {
  using result_type = std::int64_t;
  std::string stream;
};

} // namespace clockwork

namespace cleave {
template <> inline constexpr auto event_name<clockwork::ticked> = "ticked.v1";
template <> inline constexpr auto event_name<clockwork::struck> = "struck.v2";
template <> inline constexpr auto event_name<clockwork::struck_v1> = "struck.v1";
template <> inline constexpr auto event_name<clockwork::tocked> = "tocked.v1";
} // namespace cleave

namespace cleave_test {

template <class Store, class E> cleave::position append(Store& store, std::string_view stream,
                                                        E const& event) {
  auto const made = cleave::to_new_event(cleave::event_id(cleave::id_source_ref().next(cleave::timestamp())),
                                         event);
  cleave::stream_append const part{stream, cleave::expectation::any(), {&made, 1}};
  return store.append(cleave::append_request{.streams = {&part, 1}}).value().position;
}
template <class Store> cleave::position tick(Store& store, std::int64_t by = 1,
                                             std::string_view stream = "clock-1") {
  return append(store, stream, clockwork::ticked{by});
}
template <class Store> cleave::position tock(Store& store) {
  return append(store, "clock-1", clockwork::tocked{});
}

} // namespace cleave_test
