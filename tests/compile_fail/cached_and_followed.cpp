// SPDX-License-Identifier: BSL-1.0
// expect: cleave: a cached query is compared by its value: describe it with BOOST_DESCRIBE_STRUCT, or give it operator== and std::hash
// expect: cleave: the memory of a cached answer must be known: describe the result_type with BOOST_DESCRIBE_STRUCT, or give it `std::size_t heap_bytes() const`
// expect: cleave: a cached query and its answer are copied
// expect: cleave: a live query tells what has changed: give its result_type operator==, or describe it with BOOST_DESCRIBE_STRUCT
// expect: cleave: a consumer of the log has a name: add `static constexpr std::string_view name = "...v1"`
#include <cleave/memory/event_store.hpp>
#include <cleave/query/live_query.hpp>
#include <cleave/query/log_follower.hpp>
#include <cleave/query/query_cache.hpp>

#include <boost/describe/class.hpp>

#ifdef CLEAVE_MUST_FAIL
#define ONLY_RIGHT(...)
#define WRONG_OR_RIGHT(wrong, right) wrong
#else
#define ONLY_RIGHT(...) __VA_ARGS__
#define WRONG_OR_RIGHT(wrong, right) right
#endif

struct without_value {
  using result_type = int;
  int number = 0;
};
struct list {
  list() = default;
  list(list const&) {}
  ONLY_RIGHT(std::size_t heap_bytes() const { return 0; })
};
struct of_unknown_size {
  using result_type = list;
  int zero = 0;
};
struct moved {
  int zero = 0;
  moved() = default;
  moved(moved&&) = default;
  ONLY_RIGHT(moved(moved const&) = default;)
};
struct not_copied {
  using result_type = moved;
  int zero = 0;
};
BOOST_DESCRIBE_STRUCT(moved, (), (zero))
BOOST_DESCRIBE_STRUCT(of_unknown_size, (), (zero))
BOOST_DESCRIBE_STRUCT(not_copied, (), (zero))
ONLY_RIGHT(BOOST_DESCRIBE_STRUCT(without_value, (), (number)))

struct picture {
  int pixels = 0;
  ONLY_RIGHT(bool operator==(picture const&) const = default;)
};
struct picture_of {
  using result_type = picture;
};
struct follower {
  ONLY_RIGHT(static constexpr std::string_view name = "follower.v1";)
  void on(cleave::recorded_event const&) {}
};

int main() {
  static_cast<void>(cleave::detail::checked_cached_query<without_value>::value);
  static_cast<void>(cleave::detail::checked_cached_query<of_unknown_size>::value);
  static_cast<void>(cleave::detail::checked_cached_query<not_copied>::value);
  static_cast<void>(sizeof(cleave::live_query<picture_of>));
  static_cast<void>(sizeof(cleave::log_follower<follower, cleave::memory::event_store>));
}
