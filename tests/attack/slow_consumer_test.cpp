// SPDX-License-Identifier: BSL-1.0
// A consumer that is ten times slower than the writer: it falls behind, and what it has not had yet stays in the log, not in memory.
#include <cleave/query/log_follower.hpp>
#include <cleave/sqlite/event_store.hpp>
#include <cleave/sqlite/read_store.hpp>

#include "../sqlite/scratch.hpp"
#include "scale.hpp"

#include <boost/describe.hpp>
#include <catch2/catch.hpp>

#include <fstream>
#include <string>
#include <unistd.h>
#include <vector>

namespace {

struct filled {
  std::uint64_t number = 0;
  std::string padding;
};
BOOST_DESCRIBE_STRUCT(filled, (), (number, padding))

struct slow {
  using events = cleave::event_set<filled>;
  static constexpr std::string_view name = "slow.v1";
  std::uint64_t* next;
  std::uint64_t* wrong;
  void on(filled const& e) {
    if (e.number != (*next)++) ++*wrong;
  }
};

std::uint64_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t all = 0;
  std::uint64_t resident = 0;
  statm >> all >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

} // namespace

namespace cleave {
template <> inline constexpr auto event_name<filled> = "filled.v1";
}

TEST_CASE("a consumer ten times slower than the writer loses nothing and holds up no memory") {
  constexpr std::uint64_t group = 1'000;
  // 50,000 events of 1 KiB; a factor of 20 makes it a million.
  std::uint64_t const groups = cleave::test::attack_count(50);
  cleave::test::scratch_folder const folder;
  auto store = cleave::sqlite::event_store::open(
                   {.path = folder.file("log.db"), .durability = cleave::durability::relaxed})
                   .value();
  auto rows = cleave::sqlite::read_store::open({.path = folder.file("rows.db")}).value();
  std::uint64_t next = 0;
  std::uint64_t wrong = 0;
  cleave::log_follower follower(store, slow{&next, &wrong}, {.batch = group / 10}, rows);

  std::uint64_t written = 0;
  std::vector<filled> events(group, filled{.padding = std::string(1024, 'x')});
  auto const write_group = [&] {
    std::vector<cleave::new_event> batch;
    for (filled& event : events) {
      event.number = written++;
      batch.push_back(
          cleave::to_new_event(cleave::event_id(cleave::id_source_ref().next(cleave::timestamp())), event));
    }
    cleave::stream_append const part{"padding-1", cleave::expectation::any(), batch};
    REQUIRE(store.append({.streams = {&part, 1}}));
  };
  write_group();
  REQUIRE(follower.step() == cleave::step::worked);
  auto const before = resident_bytes();
  std::uint64_t most = before;
  for (std::uint64_t i = 1; i < groups; ++i) {
    write_group();
    REQUIRE(follower.step() == cleave::step::worked);
    most = std::max(most, resident_bytes());
  }
  REQUIRE(next == written / 10);
  while (follower.step() == cleave::step::worked) most = std::max(most, resident_bytes());
  REQUIRE(next == written);
  REQUIRE(wrong == 0);
#ifndef CLEAVE_ATTACK_SANITIZED
  std::uint64_t const allowed = std::min<std::uint64_t>(64, std::max<std::uint64_t>(24, groups / 10)) * 1024 *
                                1024;
  CAPTURE(before, most);
  REQUIRE(most - before <= allowed);
#endif
  REQUIRE(rows.checkpoint("slow.v1").value() == follower.reached());
}
