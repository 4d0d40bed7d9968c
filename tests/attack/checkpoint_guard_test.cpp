// SPDX-License-Identifier: BSL-1.0
// The WAL-reset bug of SQLite 3.7.0 to 3.51.2: a checkpoint that has looked at the WAL's index, and then sees the WAL started over
// by a commit, takes frames of the new WAL for written back. Here the commit is tried at every operation of a checkpoint.
#include <cleave/sqlite/event_store.hpp>
#include <cleave/testing/seeded_ids.hpp>
#include <cleave/testing/sqlite/simulated_disk.hpp>

#include "../sqlite/scratch.hpp"
#include "scale.hpp"

#include <catch2/catch.hpp>

#include <optional>

using namespace cleave;
using namespace cleave::test;

namespace {

constexpr std::uint32_t wal_pages = 60;

// Two stores on one file, as two processes have them: the lock file is real, the disk is simulated. `first` checkpoints after each
// commit, `second` when the WAL has wal_pages pages.
class two_stores {
public:
  two_stores() {
    first_.emplace(open(1, {&first_step, this}));
    second_.emplace(open(wal_pages, {&second_step, this}));
    disk_.observe([this](testing::disk_operation, std::string_view) { observed(); });
  }

  // `second` tries to commit at the operation of `first`'s checkpoint with that number. Returns how many the checkpoint had.
  // written_back: the WAL is so when that checkpoint begins, and the next commit will start it over.
  std::uint64_t commit_at(std::uint64_t operation, bool written_back) {
    intrudes_at_ = operation;
    written_back_ = written_back;
    fills_ = true;
    append(*first_);
    fills_ = false;
    // Frames that would be taken for written back come here, and then the WAL is started over once more.
    for (std::uint32_t i = 0; i < wal_pages; ++i) append(*second_);
    return operations_;
  }

  // All that was acknowledged, read by a store that knows nothing.
  bool keeps_all() {
    first_.reset();
    second_.reset();
    disk_.observe({});
    auto store = open(wal_pages, {});
    std::uint64_t count = 0;
    bool whole = true;
    auto const read = store.read_all({}, [&](recorded_event const& event) {
      ++count;
      whole = whole && event.at.position.value() == count && event.data == data_;
      return true;
    });
    auto db = sqlite::database::open({.path = path_, .vfs = disk_.vfs()});
    auto const sound = db->value<std::string>("PRAGMA integrity_check");
    return read && whole && count == acknowledged_ && sound && *sound == "ok";
  }

private:
  sqlite::event_store open(std::uint32_t checkpoint_pages, sqlite::step_hook on_step) {
    auto store = sqlite::event_store::open({.path = path_,
                                            .busy_wait_ms = 0,
                                            .readers = 1,
                                            .checkpoint_pages = checkpoint_pages,
                                            .vfs = disk_.vfs(),
                                            .on_step = on_step});
    REQUIRE(store);
    return std::move(*store);
  }

  void append(sqlite::event_store& store) {
    new_event const event{.id = ids_.next_event(), .name = "written.v1", .data = data_};
    stream_append const part{"thing-1", expectation::any(), {&event, 1}};
    auto const done = store.append({.streams = {&part, 1}});
    if (done) ++acknowledged_;
  }

  static void first_step(void* context, char const* step) {
    auto& self = *static_cast<two_stores*>(context);
    std::string_view const now = step;
    if (now == "committed" && self.fills_) self.fill_wal();
    if (now == "checkpoint" && self.fills_) self.watches_ = true;
    if (now == "checkpointed") self.watches_ = false;
  }
  static void second_step(void* context, char const* step) {
    auto& self = *static_cast<two_stores*>(context);
    if (std::string_view(step) == "checkpointed") self.filled_ = true;
  }
  void fill_wal() {
    filled_ = false;
    for (std::uint32_t i = 0; written_back_ ? !filled_ : i < wal_pages / 4; ++i) append(*second_);
  }
  void observed() {
    if (!watches_ || operations_++ != intrudes_at_) return;
    watches_ = false;
    append(*second_);
    watches_ = true;
  }

  scratch_folder folder_;
  std::string path_ = folder_.file("log.db");
  testing::simulated_disk disk_{"two-stores"};
  testing::seeded_ids ids_;
  std::string data_ = '"' + std::string(3'000, 'x') +
                      '"'; // a page for each event, which no later one changes
  std::optional<sqlite::event_store> first_;
  std::optional<sqlite::event_store> second_;
  std::uint64_t acknowledged_ = 0;
  bool written_back_ = false;
  bool fills_ = false;
  bool filled_ = false;
  bool watches_ = false;
  std::uint64_t operations_ = 0;
  std::uint64_t intrudes_at_ = 0;
};

} // namespace

TEST_CASE("a commit of another store at any moment of a checkpoint loses nothing") {
  std::uint64_t points = 0;
  for (bool const written_back : {true, false}) {
    std::uint64_t operations = 1;
    for (std::uint64_t at = 0; at < operations; ++at, ++points) {
      INFO("commit at operation " << at << " of a checkpoint, the WAL is " << (written_back ? "" : "not ")
                                  << "written back before");
      two_stores stores;
      operations = stores.commit_at(at, written_back);
      CHECK(stores.keeps_all());
    }
  }
  WARN(points << " commits within a checkpoint");
  CHECK(points > 10);
}
