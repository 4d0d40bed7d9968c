// SPDX-License-Identifier: BSL-1.0
#include <cleave/application.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/manual_clock.hpp>
#include <cleave/testing/sqlite/simulated_disk.hpp>

#include "temporary_folder.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <optional>
#include <vector>

using cleave::version;

namespace {

struct counted {
  std::int64_t by = 0;
  static constexpr auto event_name = "counted.v1";
};
BOOST_DESCRIBE_STRUCT(counted, (), (by))
struct count {
  std::int64_t by = 0;
};

// Several generations of one decider. `evolved` says how many events the last command had to read.
int evolved = 0;
template <class Self> struct counter_base {
  using commands = cleave::command_set<count>;
  using events = cleave::event_set<counted>;
  static constexpr std::string_view category = "counter";
  static constexpr cleave::snapshot_policy snapshots{.every = 10};
  static std::string_view id(count const&) { return "1"; }
  void evolve(counted const& e) {
    ++evolved;
    static_cast<Self*>(this)->sum += e.by;
  }
  cleave::decision<counted> decide(count const& c) const {
    if (c.by == 0) return cleave::reject("sum", "{}", static_cast<Self const*>(this)->sum);
    return counted{c.by};
  }
};
struct counter : counter_base<counter> {
  std::int64_t sum = 0;
};
BOOST_DESCRIBE_STRUCT(counter, (), (sum))
struct counter_with_more : counter_base<counter_with_more> { // a field was added
  std::int64_t sum = 0;
  std::int64_t more = 0;
};
BOOST_DESCRIBE_STRUCT(counter_with_more, (), (sum, more))
struct counter_refolded : counter_base<counter_refolded> { // evolve has come to mean something else
  static constexpr unsigned fold_version = 2;
  std::int64_t sum = 0;
  void evolve(counted const& e) {
    ++evolved;
    sum += 2 * e.by;
  }
};
BOOST_DESCRIBE_STRUCT(counter_refolded, (), (sum))
struct counter_forgetful : counter_base<counter_forgetful> { // the same, but fold_version was forgotten
  std::int64_t sum = 0;
  void evolve(counted const& e) { sum += 2 * e.by; }
};
BOOST_DESCRIBE_STRUCT(counter_forgetful, (), (sum))
struct counter_slow : counter_base<counter_slow> {
  static constexpr cleave::snapshot_policy snapshots{.load_us = 1'000};
  static constexpr unsigned fold_version = 3;
  std::int64_t sum = 0;
};
BOOST_DESCRIBE_STRUCT(counter_slow, (), (sum))

class counting {
public:
  // One command in an application of its own, so that nothing is cached.
  template <class D> std::string sum(cleave::write_options const& options = {}) {
    cleave::application app{store(), cleave::deciders<D>, cleave::application_options{.write = options}};
    evolved = 0;
    auto const answer = app.execute(count{0});
    return answer ? "executed" : answer.error().message();
  }
  template <class D> void count_to(std::int64_t last, cleave::write_options const& options = {}) {
    cleave::application app{store(), cleave::deciders<D>, cleave::application_options{.write = options}};
    for (std::int64_t i = 1; i <= last; ++i) REQUIRE(app.execute(count{1}));
  }
  template <class D> std::optional<version> snapshot() {
    auto const found = store().find_snapshot("counter-1", cleave::detail::snapshot_fingerprint<D>());
    REQUIRE(found);
    if (!*found) return std::nullopt;
    return (*found)->version;
  }
  cleave::sqlite::event_store& store() {
    if (!store_) {
      auto opened = cleave::sqlite::event_store::open(opening);
      REQUIRE(opened);
      store_.emplace(std::move(*opened));
    }
    return *store_;
  }
  void close() { store_.reset(); }

  cleave_test::temporary_folder folder;
  cleave::sqlite::event_store_options opening{.path = folder.file("counters.db")};

private:
  std::optional<cleave::sqlite::event_store> store_;
};

} // namespace

TEST_CASE("a long stream is loaded from its last snapshot on") {
  counting in;
  in.count_to<counter>(35);
  CHECK(in.snapshot<counter>() == version(30));
  CHECK(in.sum<counter>() == "rejected: sum: 35");
  CHECK(evolved == 5);
  in.close();
  CHECK(in.sum<counter>() == "rejected: sum: 35");
  CHECK(evolved == 5);
}

TEST_CASE("load_by_snapshot gives what load gives") {
  counting in;
  in.count_to<counter>(25);
  auto const whole = cleave::load<counter>(in.store(), "counter-1");
  evolved = 0;
  auto const quick = cleave::load_by_snapshot<counter>(in.store(), "counter-1");
  REQUIRE(whole);
  REQUIRE(quick);
  CHECK(evolved == 5);
  CHECK(quick->version == whole->version);
  CHECK(quick->state.sum == whole->state.sum);
  CHECK(cleave::load_by_snapshot<counter>(in.store(), "counter-2")->version == version());
}

TEST_CASE("a snapshot of a state of another shape is not used, and is replaced") {
  counting in;
  in.count_to<counter>(20);
  CHECK(in.sum<counter_with_more>() == "rejected: sum: 20");
  CHECK(evolved == 20);
  in.count_to<counter_with_more>(1);
  // It was due: the load had read more than ten events.
  CHECK(in.snapshot<counter_with_more>() == version(21));
  CHECK(in.snapshot<counter>() == std::nullopt);
}

TEST_CASE("a snapshot of another fold version is not used") {
  counting in;
  in.count_to<counter>(20);
  CHECK(in.sum<counter_refolded>() == "rejected: sum: 40");
  CHECK(evolved == 20);
}

TEST_CASE("verify_snapshots finds a changed evolve whose fold_version was not raised") {
  counting in;
  in.count_to<counter>(20);
  CHECK(in.sum<counter>({.verify_snapshots = true}) == "rejected: sum: 20");
  // Nobody can know without comparing.
  CHECK(in.sum<counter_forgetful>() == "rejected: sum: 20");
  auto const found = in.sum<counter_forgetful>({.verify_snapshots = true});
  CHECK_THAT(found, Catch::StartsWith("corrupt") && Catch::Contains("counter-1") &&
                        Catch::Contains("{\"sum\":20}") && Catch::Contains("{\"sum\":40}") &&
                        Catch::Contains("version 20"));
}

TEST_CASE("a load that took long makes a snapshot due") {
  counting in;
  in.count_to<counter>(5);
  cleave::testing::manual_clock clock;
  in.count_to<counter_slow>(1, {.clock = clock});
  CHECK(in.snapshot<counter_slow>() == std::nullopt);
  struct slow_clock {
    cleave::timestamp now() { return cleave::timestamp(us += 2'000); }
    std::int64_t us = 0;
  } slow;
  in.count_to<counter_slow>(1, {.clock = slow});
  CHECK(in.snapshot<counter_slow>() == version(7));
}

TEST_CASE("a snapshot that does not decode is as if it were not there") {
  counting in;
  in.count_to<counter>(20);
  in.close();
  auto db = cleave::sqlite::database::open({.path = in.opening.path});
  REQUIRE(db);
  REQUIRE(db->execute("UPDATE cleave_snapshots SET data = '{\"sum\":'"));
  CHECK(in.sum<counter>() == "rejected: sum: 20");
  CHECK(evolved == 20);
}

TEST_CASE("a snapshot goes with the commit that it belongs to") {
  cleave::testing::simulated_disk disk("snapshots");
  counting in;
  in.opening = {.path = "/counters.db", .shared = false, .vfs = disk.vfs()};
  in.count_to<counter>(9);
  disk.inject({.what = cleave::testing::disk_operation::write, .file_ends = "-wal", .disk_full = true});
  {
    cleave::application app{in.store(), cleave::deciders<counter>};
    CHECK_FALSE(app.execute(count{100}));
  }
  disk.heal();
  CHECK(in.snapshot<counter>() == std::nullopt);
  CHECK(in.sum<counter>() == "rejected: sum: 9");
  in.count_to<counter>(1);
  CHECK(in.snapshot<counter>() == version(10));
  CHECK(in.sum<counter>({.verify_snapshots = true}) == "rejected: sum: 10");
}

TEST_CASE("the fingerprint of a state tells types, names, order and nesting apart") {
  using cleave::detail::shape_of;
  using cleave::detail::shape_seed;
  CHECK(shape_of<std::int32_t>(shape_seed) != shape_of<std::int64_t>(shape_seed));
  CHECK(shape_of<std::uint32_t>(shape_seed) != shape_of<std::int32_t>(shape_seed));
  CHECK(shape_of<std::vector<int>>(shape_seed) != shape_of<std::vector<std::string>>(shape_seed));
  CHECK(shape_of<std::optional<int>>(shape_seed) != shape_of<int>(shape_seed));
  CHECK(shape_of<counter>(shape_seed) != shape_of<counter_with_more>(shape_seed));
  CHECK(shape_of<std::vector<counter>>(shape_seed) != shape_of<std::vector<counter_with_more>>(shape_seed));
  CHECK(shape_of<counter>(shape_seed) == shape_of<counter_refolded>(shape_seed));
}

TEST_CASE("a snapshot that nothing came behind says so, and no event is missed behind another") {
  counting in;
  in.count_to<counter>(20);
  auto const found = [&] {
    return in.store().find_snapshot("counter-1", cleave::detail::snapshot_fingerprint<counter>());
  };
  CHECK(found().value()->head == version(20));
  for (std::int64_t i = 1; i <= 3; ++i) {
    in.count_to<counter>(1);
    CHECK(found().value()->version == version(20));
    CHECK(found().value()->head.value() == 20 + static_cast<std::uint64_t>(i));
    auto const quick = cleave::load_by_snapshot<counter>(in.store(), "counter-1");
    REQUIRE(quick);
    CHECK(quick->version == found().value()->head);
    CHECK(quick->state.sum == 20 + i);
  }
  // Another store of the same file, of whose appends the first one has not heard.
  auto other = cleave::sqlite::event_store::open(in.opening);
  REQUIRE(other);
  cleave::application app{*other, cleave::deciders<counter>};
  for (std::int64_t i = 4; i <= 5; ++i) {
    REQUIRE(app.execute(count{1}));
    CHECK(cleave::load_by_snapshot<counter>(in.store(), "counter-1")->state.sum == 20 + i);
  }
}
