// SPDX-License-Identifier: BSL-1.0
// Several processes on one file at full speed.
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/seeded_ids.hpp>

#include "../sqlite/scratch.hpp"
#include "forked.hpp"
#include "scale.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <map>
#include <random>
#include <time.h>
#include <vector>

using namespace cleave;
using namespace cleave::test;

namespace {

constexpr std::size_t workers = 4;
constexpr std::uint64_t own_batch = 2;

struct board {
  std::array<progress_report, workers> told;
  std::atomic<bool> ready{false};
  std::atomic<bool> stop{false};
};

std::string payload(std::size_t worker, std::uint64_t n) {
  return R"({"worker":)" + std::to_string(worker) + R"(,"n":)" + std::to_string(n) + "}";
}

// Append number n of a worker; the same ids whenever it is sent again.
result<appended> send(sqlite::event_store& store, std::size_t worker, std::uint64_t n) {
  testing::seeded_ids ids((worker + 1) << 32 | n);
  std::string const data = payload(worker, n);
  std::array<new_event, own_batch + 1> events;
  for (new_event& event : events) event = {.id = ids.next_event(), .name = "written.v1", .data = data};
  std::string const own = "worker-" + std::to_string(worker);
  stream_append const parts[] = {
      {own, expectation::exactly(version((n - 1) * own_batch)), {events.data(), own_batch}},
      {"common-1", expectation::any(), {events.data() + own_batch, 1}},
  };
  return store.append({.streams = parts});
}

void work(std::string const& path, std::size_t worker, board& shared, std::uint32_t checkpoint_pages) {
  progress_report& told = shared.told[worker];
  auto store = sqlite::event_store::open(
      {.path = path, .busy_wait_ms = 30'000, .readers = 1, .checkpoint_pages = checkpoint_pages});
  if (!store) return told.fail(store.error().message());
  shared.ready = true;
  while (!shared.stop) {
    std::uint64_t const n = told.acknowledged + 1;
    told.sent = n;
    if (auto const done = send(*store, worker, n); !done) return told.fail(done.error().message());
    told.acknowledged = n;
    if (n % 16 != 0) continue;
    auto const head = store->read_stream("common-1", stream_range::backward().up_to(1),
                                         [](recorded_event const&) { return true; });
    if (!head) return told.fail(head.error().message());
  }
}

void wait_us(std::uint64_t us) {
  timespec const time{static_cast<time_t>(us / 1'000'000), static_cast<long>(us % 1'000'000 * 1'000)};
  ::nanosleep(&time, nullptr);
}

// Each append that was acknowledged is there once, whole; nothing else is, but for one append that was under way.
void check_log(std::string const& path, board& shared) {
  auto store = sqlite::event_store::open({.path = path});
  REQUIRE(store);
  std::map<std::string, std::uint64_t> versions;
  std::map<std::string, std::uint64_t> in_common;
  std::uint64_t last = 0;
  bool whole = true;
  auto const read = store->read_all({}, [&](recorded_event const& event) {
    std::string const stream(event.at.stream.text());
    whole = whole && event.at.position.value() == ++last && event.at.version.value() == ++versions[stream];
    if (stream == "common-1") whole = whole && ++in_common[std::string(event.data)] == 1;
    else whole = whole && stream.ends_with(std::to_string(event.data[10] - '0'));
    return whole;
  });
  REQUIRE(read);
  CHECK(whole);
  std::uint64_t all = 0;
  for (std::size_t worker = 0; worker < workers; ++worker) {
    progress_report const& told = shared.told[worker];
    INFO("worker " << worker);
    CHECK(std::string(told.failure) == "");
    std::uint64_t const stored = versions["worker-" + std::to_string(worker)];
    CHECK(stored % own_batch == 0);
    CHECK(stored / own_batch >= told.acknowledged);
    CHECK(stored / own_batch <= told.sent);
    for (std::uint64_t n = 1; n <= stored / own_batch; ++n) all += in_common.count(payload(worker, n));
    CHECK(versions["common-1"] >= stored / own_batch);
  }
  CHECK(all == versions["common-1"]);
  CHECK(last == all * (own_batch + 1));
  auto db = sqlite::database::open({.path = path});
  REQUIRE(db);
  CHECK(*db->value<std::string>("PRAGMA integrity_check") == "ok");
  WARN(all << " appends");
}

} // namespace

TEST_CASE(
    "four processes append to one file, one of them killed again and again, and nothing is lost, doubled or refused") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  shared_memory<board> shared;
  std::mt19937_64 random(attack_seed());
  std::vector<forked> processes;
  auto const start = [&](std::size_t worker) { return forked([&] { work(path, worker, *shared, 40); }); };
  for (std::size_t worker = 0; worker < workers; ++worker) processes.push_back(start(worker));
  std::uint64_t const end_us = std::max<std::uint64_t>(2'000'000, attack_count(10'000'000));
  std::uint64_t kills = 0;
  for (std::uint64_t us = 0; us < end_us; ++kills) {
    std::uint64_t const life_us = 20'000 + random() % 60'000;
    wait_us(life_us);
    us += life_us;
    processes.back().kill();
    CHECK(processes.back().wait() == forked::ending::killed);
    processes.back() = start(workers - 1);
  }
  shared->stop = true;
  for (forked& process : processes) CHECK(process.wait() == forked::ending::well);
  WARN(kills << " kills");
  check_log(path, *shared);
}

TEST_CASE("a program that writes its own table into the file is waited for, not met as an error") {
  scratch_folder const folder;
  std::string const path = folder.file("log.db");
  shared_memory<board> shared;
  // Without checkpoints: those of a program that knows nothing of the store's lock would meet SQLite's WAL-reset bug.
  forked store([&] { work(path, 0, *shared, 1'000'000); });
  forked stranger([&] {
    progress_report& told = shared->told[1];
    while (!shared->ready) wait_us(100);
    auto db = sqlite::database::open({.path = path, .busy_wait_ms = 0});
    if (!db) return told.fail(db.error().message());
    // It asks again and again: with SQLite's naps it would hardly ever get its turn beside a writer at full speed.
    auto const insist = [&](std::string_view sql) {
      for (;;) {
        auto const done = db->run_script(sql);
        if (done) return true;
        if (done.error().code() == errc::busy) continue;
        told.fail(done.error().message());
        return false;
      }
    };
    if (!insist("PRAGMA wal_autocheckpoint = 0") || !insist("CREATE TABLE note (n INTEGER)")) return;
    while (!shared->stop) {
      if (!insist("BEGIN IMMEDIATE") || !insist("INSERT INTO note VALUES (1)") || !insist("COMMIT")) return;
      ++told.sent;
      wait_us(2'000); // or the store would never get its turn
    }
  });
  std::uint64_t const wanted = attack_count(100);
  auto const is_busy = [&](forked const& process, std::atomic<std::uint64_t> const& count) {
    return count < wanted && !process.ended();
  };
  while (is_busy(store, shared->told[0].acknowledged) || is_busy(stranger, shared->told[1].sent))
    wait_us(1'000);
  shared->stop = true;
  CHECK(stranger.wait() == forked::ending::well);
  CHECK(store.wait() == forked::ending::well);
  CHECK(std::string(shared->told[1].failure) == "");
  shared->told[1].sent = 0; // it has appended no events
  check_log(path, *shared);
}
