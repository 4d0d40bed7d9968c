// SPDX-License-Identifier: BSL-1.0
// Every operation of a run on the disk fails, once and for ever.
#include <cleave/testing/sqlite/power_loss.hpp>

#include "bank.hpp"
#include "scale.hpp"

#include <catch2/catch.hpp>
#include <sqlite3.h>

#include <optional>

using namespace cleave;
using namespace cleave::test;
using testing::disk_fault;
using testing::disk_operation;

namespace {

constexpr char const* file = "/bank.db";
constexpr std::size_t command_count = 9;

bool is_of_machine(errc code) {
  return code == errc::io_error || code == errc::disk_full || code == errc::store_failed;
}

// A client that does what clients do: what was not acknowledged it sends again, to the same store and then to a new one.
class client {
public:
  client(bank const& commands, testing::simulated_disk& disk, bool fails_once)
      : commands_(commands), disk_(disk), fails_once_(fails_once) {}

  // Until all is acknowledged, or the machine lets nothing through.
  void run() {
    constexpr int lives = 5;
    for (int life = 0; life < lives && acknowledged < command_count; ++life)
      live(life == 0 ? command_count / 2 : command_count);
  }

  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t checkpoint = 0;
  // After each answer that came from the log.
  struct repeat {
    std::uint64_t place; // in the disk's record
    std::uint64_t acknowledged;
    std::uint64_t checkpoint;
  };
  std::vector<repeat> repeats;

private:
  void live(std::uint64_t until) {
    failed_commit_ = false;
    failed_before_ = disk_.failed();
    auto store = sqlite::event_store::open({.path = file,
                                            .readers = 2,
                                            .checkpoint_pages = 12,
                                            .shared = false,
                                            .vfs = disk_.vfs(),
                                            .on_step = {&on_step, this}});
    if (!store) return;
    // A sync that fails while the store is being opened is no commit's.
    failed_before_ = disk_.failed();
    if (!is_accepted(bank::set_up(*store))) return;
    while (acknowledged < until) {
      bool done = false;
      for (int tries = 0; tries < 2 && !done; ++tries) {
        sent = std::max(sent, acknowledged + 1);
        auto const answer = commands_.send(*store, acknowledged + 1);
        done = is_accepted(answer);
        if (done && answer->repeated) repeats.push_back({disk_.recorded(), acknowledged + 1, checkpoint});
      }
      if (!done) return;
      ++acknowledged;
      if (acknowledged % 3 != 0) continue;
      auto const reached = bank::project(*store, 7);
      if (is_accepted(reached)) checkpoint = reached->value();
      check_reads(*store);
    }
  }

  // A read that meets a fault says so; it does not show less.
  void check_reads(sqlite::event_store& store) {
    bank_command const& last_command = commands_.commands()[acknowledged - 1];
    std::uint64_t shown = 0;
    auto const log = store.read_all({}, [&](recorded_event const&) { return ++shown != 0; });
    if (log) CHECK(shown == last_command.end);
    std::string_view const stream = last_command.parts.front().stream;
    std::uint64_t wanted = 0;
    for (std::size_t i = 0; i < last_command.end; ++i)
      wanted += commands_.events()[i].stream == stream ? 1u : 0u;
    shown = 0;
    auto const last = store.read_stream(stream, stream_range::all(),
                                        [&](recorded_event const&) { return ++shown != 0; });
    if (last) CHECK((shown == wanted && last->value() == wanted));
  }

  template <class T> bool is_accepted(result<T> const& answer) {
    bool const refuses = failed_commit_;
    if (disk_.first_failed() == disk_operation::sync && disk_.failed() > failed_before_)
      failed_commit_ = true;
    if (refuses || failed_commit_) CHECK_FALSE(answer);
    // Nobody else writes: whatever is refused, it is the machine's fault.
    if (!answer) CHECK(is_of_machine(answer.error().code()));
    // When nothing works any more, a read may fail before the write is refused.
    if (refuses && !answer && fails_once_) CHECK(answer.error().code() == errc::store_failed);
    return answer.has_value();
  }

  // A checkpoint whose sync fails has lost nothing: it does not count.
  static void on_step(void* self, char const* step) {
    auto& me = *static_cast<client*>(self);
    if (std::string_view(step) == "checkpoint") me.checkpoint_began_ = me.disk_.failed();
    if (std::string_view(step) == "checkpointed")
      me.failed_before_ += me.disk_.failed() - me.checkpoint_began_;
  }

  bank const& commands_;
  testing::simulated_disk& disk_;
  bool fails_once_;
  bool failed_commit_ = false;
  std::uint64_t failed_before_ = 0;
  std::uint64_t checkpoint_began_ = 0;
};

struct tally {
  std::uint64_t runs = 0;
  std::uint64_t faults = 0; // that hit
};

class attacker {
public:
  void attack(disk_fault const& fault) {
    INFO("operation " << fault.after << (fault.times == 1 ? " fails once" : " and all behind it fail")
                      << (fault.disk_full ? ", disk full" : "")
                      << (fault.short_write ? ", short write" : ""));
    std::int64_t const memory = sqlite3_memory_used();
    disk_.load({});
    disk_.record();
    disk_.inject(fault);
    client sender(commands_, disk_, fault.times == 1);
    sender.run();
    ++counts.runs;
    counts.faults += disk_.failed() > 0 ? 1u : 0u;
    // What fails once stops nobody who tries again.
    if (fault.times == 1) CHECK(sender.acknowledged == command_count);
    disk_.heal();
    CHECK(disk_.open_files() == 0);
    CHECK(sqlite3_memory_used() == memory);

    auto const image = disk_.image();
    client::repeat const end{disk_.recorded(), sender.acknowledged, sender.checkpoint};
    inspect(image, sender, end, "as it is");
    testing::power_loss lost(disk_);
    for (client::repeat const& at : sender.repeats) {
      lost.move_to(at.place);
      inspect(lost.image(testing::unsynced::dropped), sender, at, "a power loss when a repeat was answered");
    }
    lost.move_to(end.place);
    auto const dropped = lost.image(testing::unsynced::dropped);
    if (dropped != image) inspect(dropped, sender, end, "after a power loss");
  }

  // Of those kinds, in a run in which nothing fails.
  std::uint64_t operations(disk_operation what) {
    std::uint64_t const before = disk_.operations(what);
    attack({.times = 0});
    return disk_.operations(what) - before;
  }

  tally counts;

private:
  void inspect(testing::disk_image const& image, client const& sender, client::repeat const& least,
               char const* when) {
    INFO(when);
    after_.load(image);
    auto const found = commands_.inspect({.path = file, .readers = 1, .shared = false, .vfs = after_.vfs()});
    CHECK(found.wrong == "");
    CHECK(found.commands >= least.acknowledged);
    CHECK(found.commands <= sender.sent);
    CHECK(found.checkpoint >= least.checkpoint);
  }

  bank commands_{attack_seed(), command_count};
  testing::simulated_disk disk_{"faulty"};
  testing::simulated_disk after_{"after-faults"};
};

void attack_every_operation(std::uint64_t times) {
  attacker against;
  std::uint64_t const operations = against.operations(disk_operation::any);
  std::uint64_t const writes = against.operations(disk_operation::write);
  std::uint64_t const first = attack_seed() % attack_divisor;
  for (std::uint64_t at = first; at < operations; at += attack_divisor)
    against.attack({.after = at, .times = times});
  for (std::uint64_t at = first; at < writes; at += attack_divisor) {
    against.attack({.what = disk_operation::write, .after = at, .times = times, .short_write = true});
    against.attack({.what = disk_operation::write, .after = at, .times = times, .disk_full = true});
  }
  WARN(operations << " operations, " << writes << " of them writes; " << against.counts.faults << " faults");
  CHECK(operations >= 500);
}

} // namespace

TEST_CASE("whatever fails once, nothing is acknowledged that is not kept, and trying again succeeds") {
  attack_every_operation(1);
}

TEST_CASE("whatever fails for ever, nothing is acknowledged that is not kept") {
  attack_every_operation(disk_fault::for_ever);
}
